/*
 * One number a key: the instant at which its bucket will be empty again (as in the "generic cell
 * rate algorithm"). A try moves it by window / limit; a key whose instant lies a whole window ahead
 * has to wait. No clock, no sweep: an instant in the past is a free place.
 *
 * Invariant: who has tried most stays longest. In a full set the place of the key that is empty
 * soonest is taken, so nobody gets rid of his own tries by inventing names.
 *
 * Called by the front's sign-in.
 */
#include "auth/throttle.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define WAYS 8 /* places that a key may take */
#define SECOND_NS UINT64_C(1000000000)

struct place {
	uint64_t hash;
	uint64_t empty_ns;
};

struct throttle {
	uint64_t step_ns, window_ns; /* step 0: no limit */
	uint64_t key[2];
	uint32_t sets;
	struct place places[];
};

int throttle_new(uint32_t limit, uint32_t window_seconds, uint32_t entries, struct throttle **ret)
{
	uint32_t sets = entries / WAYS ? entries / WAYS : 1;
	struct throttle *t;

	if (window_seconds == 0)
		return -EINVAL;
	t = calloc(1, sizeof(*t) + (size_t)sets * WAYS * sizeof(struct place));
	if (!t)
		return -ENOMEM;
	if (getrandom(t->key, sizeof(t->key), 0) != (ssize_t)sizeof(t->key)) {
		free(t);
		return -EIO;
	}
	t->sets = sets;
	t->window_ns = window_seconds * SECOND_NS;
	t->step_ns = limit ? t->window_ns / limit : 0;
	*ret = t;
	return 0;
}

void throttle_free(struct throttle *t)
{
	free(t);
}

/* --- SipHash-2-4 (Aumasson, Bernstein) --- */

static uint64_t rotate(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

static void sip_rounds(uint64_t v[4], unsigned count)
{
	while (count-- > 0) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

static uint64_t sip_hash(const uint64_t key[2], struct str s)
{
	uint64_t v[4] = { key[0] ^ UINT64_C(0x736f6d6570736575),
		          key[1] ^ UINT64_C(0x646f72616e646f6d),
		          key[0] ^ UINT64_C(0x6c7967656e657261),
		          key[1] ^ UINT64_C(0x7465646279746573) };
	uint64_t last = (uint64_t)s.n << 56;

	for (; s.n >= 8; s.p += 8, s.n -= 8) {
		uint64_t word;

		memcpy(&word, s.p, 8);
		v[3] ^= word;
		sip_rounds(v, 2);
		v[0] ^= word;
	}
	for (size_t i = 0; i < s.n; i++)
		last |= (uint64_t)(unsigned char)s.p[i] << (8 * i);
	v[3] ^= last;
	sip_rounds(v, 2);
	v[0] ^= last;
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* --- the table --- */

static struct place *set_of(const struct throttle *t, uint64_t hash)
{
	/* The table is ours, however we were asked. */
	return (struct place *)&t->places[hash % t->sets * WAYS];
}

static struct place *find(const struct throttle *t, uint64_t hash)
{
	struct place *set = set_of(t, hash);

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].hash == hash && set[i].empty_ns > 0)
			return &set[i];
	}
	return NULL;
}

static struct place *soonest_empty(const struct throttle *t, uint64_t hash)
{
	struct place *set = set_of(t, hash);
	struct place *best = &set[0];

	for (unsigned i = 1; i < WAYS; i++) {
		if (set[i].empty_ns < best->empty_ns)
			best = &set[i];
	}
	return best;
}

uint32_t throttle_wait(const struct throttle *t, struct str key, uint64_t now_ns)
{
	const struct place *p = t->step_ns ? find(t, sip_hash(t->key, key)) : NULL;
	uint64_t allowed_ns = now_ns + t->window_ns - t->step_ns;

	if (!p || p->empty_ns <= allowed_ns)
		return 0;
	return (uint32_t)((p->empty_ns - allowed_ns + SECOND_NS - 1) / SECOND_NS);
}

void throttle_count(struct throttle *t, struct str key, uint64_t now_ns)
{
	uint64_t hash;
	struct place *p;

	if (t->step_ns == 0)
		return;
	hash = sip_hash(t->key, key);
	p = find(t, hash);
	if (!p) {
		p = soonest_empty(t, hash);
		*p = (struct place){ .hash = hash };
	}
	p->empty_ns = (p->empty_ns > now_ns ? p->empty_ns : now_ns) + t->step_ns;
}

void throttle_uncount(struct throttle *t, struct str key)
{
	struct place *p = t->step_ns ? find(t, sip_hash(t->key, key)) : NULL;

	if (p)
		p->empty_ns = p->empty_ns > t->step_ns ? p->empty_ns - t->step_ns : 0;
}

void throttle_forgive(struct throttle *t, struct str key)
{
	struct place *p = t->step_ns ? find(t, sip_hash(t->key, key)) : NULL;

	if (p)
		p->empty_ns = 0;
}
