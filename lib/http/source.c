/*
 * Linear probing; removal moves later entries of the run back, so there are no tombstones and a
 * table that saw a million clients is as quick as a new one. The hash starts from the address of
 * the table (ASLR), so that a client cannot choose addresses that collide.
 */
#include "http/source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 64

static size_t home(const struct source_table *t, const struct http_address *a)
{
	uint64_t words[2], h;

	memcpy(words, a->bytes, sizeof(words));
	h = words[0] ^ (uint64_t)(uintptr_t)t->places;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	h ^= (h >> 32) ^ words[1] ^ a->family;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(h >> 32) & (t->room - 1);
}

/* The place of a, or the free place where it belongs. */
static size_t find(const struct source_table *t, const struct http_address *a)
{
	size_t i = home(t, a);

	while (t->places[i].count > 0 && !http_address_equal(&t->places[i].address, a))
		i = (i + 1) & (t->room - 1);
	return i;
}

static int grow(struct source_table *t)
{
	struct source_table bigger = { .room = t->room ? t->room * 2 : ROOM_MIN };

	bigger.places = calloc(bigger.room, sizeof(*bigger.places));
	if (!bigger.places)
		return -ENOMEM;
	for (size_t i = 0; i < t->room; i++) {
		if (t->places[i].count > 0)
			bigger.places[find(&bigger, &t->places[i].address)] = t->places[i];
	}
	bigger.used = t->used;
	free(t->places);
	*t = bigger;
	return 0;
}

int source_add(struct source_table *t, const struct http_address *a, uint32_t most)
{
	struct source *s;

	if (t->used * 2 >= t->room && grow(t) < 0)
		return -ENOMEM;
	s = &t->places[find(t, a)];
	if (s->count >= most)
		return -EUSERS;
	if (s->count == 0) {
		s->address = *a;
		s->address.port = 0;
		t->used++;
	}
	s->count++;
	return 0;
}

/* True if an entry whose home is `from` may lie at `to`, when the place between is given up. */
static bool may_move(const struct source_table *t, size_t from, size_t at, size_t to)
{
	size_t mask = t->room - 1;

	return ((at - from) & mask) >= ((at - to) & mask);
}

void source_remove(struct source_table *t, const struct http_address *a)
{
	size_t hole, i;

	if (t->room == 0)
		return;
	hole = find(t, a);
	if (t->places[hole].count == 0 || --t->places[hole].count > 0)
		return;
	t->used--;
	for (i = (hole + 1) & (t->room - 1); t->places[i].count > 0; i = (i + 1) & (t->room - 1)) {
		if (!may_move(t, home(t, &t->places[i].address), i, hole))
			continue;
		t->places[hole] = t->places[i];
		t->places[i].count = 0;
		hole = i;
	}
}

void source_done(struct source_table *t)
{
	free(t->places);
	*t = (struct source_table){ 0 };
}
