/*
 * How many sign-ins an account and a source may try: decided before any hashing. A sliding window
 * of counts in a bounded table; the key is a keyed hash of the name or address, so that nothing
 * grows by what a client sends. Pure: `now` comes in.
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include <stdint.h>

#include "base/str.h"

struct throttle;

/* limit: failures a window; 0 = no limit. entries: table size. */
int throttle_new(uint32_t limit, uint32_t window_seconds, uint32_t entries, struct throttle **ret);
void throttle_free(struct throttle *t);
/* Seconds until this key may try again; 0: now. */
uint32_t throttle_wait(const struct throttle *t, struct str key, uint64_t now_ns);
/* One more try that counts. */
void throttle_count(struct throttle *t, struct str key, uint64_t now_ns);
/* A success forgives. */
void throttle_forgive(struct throttle *t, struct str key);

#endif
