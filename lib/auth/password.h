/*
 * Passwords: yescrypt through libxcrypt for new hashes; bcrypt of the old service is verified, too.
 * Hashing costs tens of milliseconds and tens of megabytes, so on a loop it happens in a few
 * threads with a bounded queue (password_pool). An unknown user costs what a wrong password costs.
 */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define PASSWORD_HASH_SIZE 384 /* with the terminator */
#define PASSWORD_MAX 128       /* characters; 72 bytes of UTF-8 is checked by the routes */

struct event_base;
struct password_pool;
struct password_job;

enum password_verdict {
	PASSWORD_WRONG,
	PASSWORD_RIGHT,
	PASSWORD_RIGHT_REHASH, /* right, but the hash is bcrypt or cheaper than today's: replace it
	                        */
};

/* Blocking, for tools and the pool's threads. cost: yescrypt's (1 to 11). 0, -EINVAL, -ENOMEM. */
int password_hash(struct str password, uint32_t cost, char ret[PASSWORD_HASH_SIZE]);
/* hash: of the table; an unknown scheme or a hash that libxcrypt refuses is wrong, after the same
 * time. The comparison is constant-time. */
enum password_verdict password_verify(struct str password, const char *hash, uint32_t cost);
/* What a verification of an unknown user runs against: a hash of today's cost. */
const char *password_dummy_hash(void);

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
 * The slowest kind of stored hash on this machine, in ns, measured at start in the pool (bcrypt 12
 * and yescrypt of the cost): a refused login is answered no earlier. 0 while it is not measured
 * yet.
 */
uint64_t password_pool_slowest_ns(const struct password_pool *p);

/* Results come on the loop. The password is copied, wiped after use. hash NULL: unknown user. */
typedef void password_on_verified(void *self, enum password_verdict verdict);
int password_pool_verify(struct password_pool *p, struct str password, const char *hash,
                         password_on_verified *fn, void *self, struct password_job **ret);
typedef void password_on_hashed(void *self, int r, const char *hash);
int password_pool_hash(struct password_pool *p, struct str password, password_on_hashed *fn,
                       void *self, struct password_job **ret);
/* The callback will not come. */
void password_job_forget(struct password_job *j);

#endif
