/*
 * How many sign-ins an account and a source may try: decided before any hashing. Each key has a
 * bucket that empties evenly: `limit` tries at once, then one more each window / limit. The table
 * is bounded and its key a keyed hash of the name or address, so that nothing grows by what a
 * client sends, and nobody can choose whom he shares a place with. Pure: `now` comes in.
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include <stdint.h>

#include "base/str.h"

struct throttle;

/* limit: tries a window that count; 0 = no limit. entries: table size. -EINVAL, -ENOMEM. */
int throttle_new(uint32_t limit, uint32_t window_seconds, uint32_t entries, struct throttle **ret);
void throttle_free(struct throttle *t);
/* Seconds until this key may try again; 0: now. */
uint32_t throttle_wait(const struct throttle *t, struct str key, uint64_t now_ns);
/* One more try that counts. */
void throttle_count(struct throttle *t, struct str key, uint64_t now_ns);
/* The try that was counted last was a good one after all. */
void throttle_uncount(struct throttle *t, struct str key);
/* A success forgives all tries. */
void throttle_forgive(struct throttle *t, struct str key);

#endif
