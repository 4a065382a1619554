/*
 * Passwords: yescrypt through libxcrypt for new hashes; bcrypt of the old service is verified, too.
 * Both functions block for tens of milliseconds and take up to 32 MiB: on a loop they run in the
 * threads of password_pool.h. An unknown user costs what a wrong password costs.
 */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdint.h>

#include "base/str.h"

#define PASSWORD_HASH_SIZE 384 /* with the terminator */
#define PASSWORD_MAX_BYTES 72  /* of UTF-8: the limit of bcrypt, kept for new hashes */
#define PASSWORD_MAX_COST 6    /* 32 MiB a hash */

enum password_verdict {
	PASSWORD_WRONG,
	PASSWORD_RIGHT,
	PASSWORD_RIGHT_REHASH, /* right, but the hash is bcrypt or cheaper than today's */
};

/* The processor time that this thread has used. */
uint64_t password_thread_ns(void);

/* cost: yescrypt's, 1 to PASSWORD_MAX_COST; 5 = 16 MiB. 0; -EINVAL for what cannot be a password
 * (empty, NUL, too long) or cost; -ENOMEM. */
int password_hash(struct str password, uint32_t cost, char ret[PASSWORD_HASH_SIZE]);
/*
 * hash: of the table; NULL for an unknown user. An unknown scheme, a hash that libxcrypt refuses
 * or one that would take more than 32 MiB or bcrypt above cost 14 is wrong, after the same time as
 * an unknown user. The comparison is constant-time.
 */
enum password_verdict password_verify(struct str password, const char *hash, uint32_t cost);
/*
 * How much of this thread's time the slowest kind of stored hash takes on this machine, in ns:
 * bcrypt of cost 12 (what the old service stored) or yescrypt of this cost. Takes about a quarter
 * of that.
 */
uint64_t password_measure_slowest(uint32_t cost);

#endif
