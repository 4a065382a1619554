/*
 * How many sign-ins an account and a source may try: decided before any hashing. Each key has a
 * bucket that empties evenly: `limit` tries at once, then one more each window / limit. The table
 * is bounded and its key a keyed hash of the name or address, so that nothing grows by what a
 * client sends, and nobody can choose whom he shares a place with.
 *
 * The table lies in memory that the workers of a host share, so the limit is the host's, however
 * many workers there are and whichever of them a client finds. Pure: `now` comes in.
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct throttle {
	uint64_t step, window;    /* in units of the table; step 0: no limit */
	uint64_t key[2];          /* of the hash */
	_Atomic uint64_t *places; /* borrowed; shared by those who use the same key */
	size_t sets;
};

struct throttle_options {
	uint32_t limit; /* tries a window; 0: no limit */
	uint32_t window_seconds;
	_Atomic uint64_t *places; /* all 0 at first */
	size_t place_count;       /* 8 at least */
	const uint64_t *key;      /* two words */
};

void throttle_init(struct throttle *t, const struct throttle_options *o);
/* One more try, which counts; or, when there were too many, the seconds until the next one. */
uint32_t throttle_take(const struct throttle *t, struct str key, uint64_t now_ns);
/* The try that was counted last was a good one after all. */
void throttle_give_back(const struct throttle *t, struct str key);
/* A success forgives all tries. */
void throttle_forgive(const struct throttle *t, struct str key);

#endif
