/*
 * A set-associative table of tokens: a jti has eight places, so a look-up touches one set and
 * nothing is ever moved. A new token takes a place that is void, else the oldest of its set.
 *
 * Invariant: an entry is believed only while three things hold: its epoch is today's, its age is
 * below what the caller allows, its jti is the whole one. So forgetting all of a host's tokens is
 * one addition in shared memory, and a forgotten entry needs no sweep.
 *
 * Called by the front's gate.
 */
#include "auth/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8

struct place {
	struct token_entry entry;
	uint64_t epoch;
	uint64_t at_ns; /* 0: void */
};

struct token_cache {
	uint32_t sets;
	struct place places[];
};

int token_cache_new(uint32_t entries, struct token_cache **ret)
{
	uint32_t sets = entries / WAYS ? entries / WAYS : 1;
	struct token_cache *c = calloc(1, sizeof(*c) + (size_t)sets * WAYS * sizeof(struct place));

	if (!c)
		return -ENOMEM;
	c->sets = sets;
	*ret = c;
	return 0;
}

void token_cache_free(struct token_cache *c)
{
	free(c);
}

/* FNV-1a: a jti comes from a signed token, so nobody outside chooses it. */
static size_t first_place(const struct token_cache *c, const char *jti)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *jti; jti++)
		hash = (hash ^ (unsigned char)*jti) * UINT64_C(0x100000001b3);
	return (hash >> 32) % c->sets * WAYS;
}

static struct place *place_of(const struct token_cache *c, const char *jti)
{
	/* The table is ours, however we were asked. */
	struct place *set = (struct place *)&c->places[first_place(c, jti)];

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].at_ns && memcmp(set[i].entry.jti, jti, JWT_JTI_SIZE) == 0)
			return &set[i];
	}
	return NULL;
}

const struct token_entry *token_cache_find(const struct token_cache *c, const char *jti,
                                           uint64_t epoch, uint64_t now_ns, uint64_t max_age_ns,
                                           uint64_t *ret_age_ns)
{
	const struct place *p = place_of(c, jti);

	if (!p || p->epoch != epoch || now_ns - p->at_ns >= max_age_ns)
		return NULL;
	*ret_age_ns = now_ns - p->at_ns;
	return &p->entry;
}

static struct place *oldest_place(struct token_cache *c, const char *jti)
{
	struct place *set = &c->places[first_place(c, jti)];
	struct place *oldest = &set[0];

	for (unsigned i = 1; i < WAYS; i++) {
		if (set[i].at_ns < oldest->at_ns)
			oldest = &set[i];
	}
	return oldest;
}

void token_cache_put(struct token_cache *c, const struct token_entry *e, uint64_t epoch,
                     uint64_t now_ns)
{
	struct place *p = place_of(c, e->jti);

	if (!p)
		p = oldest_place(c, e->jti);
	*p = (struct place){ .entry = *e, .epoch = epoch, .at_ns = now_ns ? now_ns : 1 };
}

void token_cache_drop(struct token_cache *c, const char *jti)
{
	struct place *p = place_of(c, jti);

	if (p)
		p->at_ns = 0;
}

void token_cache_drop_user(struct token_cache *c, int64_t user)
{
	for (size_t i = 0; i < (size_t)c->sets * WAYS; i++) {
		if (c->places[i].entry.user == user)
			c->places[i].at_ns = 0;
	}
}

void token_cache_clear(struct token_cache *c)
{
	for (size_t i = 0; i < (size_t)c->sets * WAYS; i++)
		c->places[i].at_ns = 0;
}
