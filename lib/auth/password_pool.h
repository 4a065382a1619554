/*
 * Hashing beside the loop: a few threads of the lowest priority with a bounded queue. Passwords are
 * copied in, wiped after use; answers come on the loop.
 */
#ifndef AUTH_PASSWORD_POOL_H
#define AUTH_PASSWORD_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/password.h"

struct event_base;
struct password_pool;
struct password_job;

struct password_pool_options {
	struct event_base *base;
	uint32_t threads; /* memory at once: threads * 32 MiB at most */
	uint32_t queue;   /* waiting jobs; more: -EAGAIN */
	uint32_t cost;
};
int password_pool_new(const struct password_pool_options *o, struct password_pool **ret);
/* Waits for running jobs; callbacks of all open jobs do not come. */
void password_pool_free(struct password_pool *p);

/*
 * hold_ns: so much later the slowest kind of stored hash, and half of it, would have been through,
 * given how busy the machine was lately: a refusal is told no earlier.
 *
 * hash NULL: unknown user. 0, -EAGAIN or -ENOMEM.
 */
typedef void password_on_verified(void *self, enum password_verdict verdict, uint64_t hold_ns);
int password_pool_verify(struct password_pool *p, struct str password, const char *hash,
                         password_on_verified *fn, void *self, struct password_job **ret);
/* hash: valid during the call, for r = 0. */
typedef void password_on_hashed(void *self, int r, const char *hash);
int password_pool_hash(struct password_pool *p, struct str password, password_on_hashed *fn,
                       void *self, struct password_job **ret);
/* The callback will not come. Not after it came. NULL is fine. */
void password_job_forget(struct password_job *j);

#endif
