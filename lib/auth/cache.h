/*
 * Tokens that this worker knows to be good, for a short while. Bounded, open addressing, oldest
 * out. Honest by three means: an epoch in the scoreboard that every revocation on this host raises
 * (an entry of another epoch does not count), NOTIFY from other hosts (drop one jti), and a time
 * limit. Pure: `now` and the epoch come in.
 */
#ifndef AUTH_CACHE_H
#define AUTH_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/jwt.h"

enum role_bits { ROLE_SCORE = 1, ROLE_OPERATE = 2, ROLE_ADMIN = 4, ROLE_ALL = 7 };

struct token_cache;

/* What the database said of a token. */
struct token_entry {
	char jti[JWT_JTI_SIZE];
	int64_t user;
	unsigned roles;
	int64_t expires_at; /* seconds since 1970 */
};

int token_cache_new(uint32_t entries, struct token_cache **ret);
void token_cache_free(struct token_cache *c);
/* NULL when unknown, max_age_ns old, or put in under another epoch. jti: a whole array of
 * JWT_JTI_SIZE. ret_age_ns: how long ago the database said so. Valid until the next put. */
const struct token_entry *token_cache_find(const struct token_cache *c, const char *jti,
                                           uint64_t epoch, uint64_t now_ns, uint64_t max_age_ns,
                                           uint64_t *ret_age_ns);
/* epoch and now_ns: of before the database was asked, so that a revocation in between wins and
 * the age is that of the answer's snapshot. */
void token_cache_put(struct token_cache *c, const struct token_entry *e, uint64_t epoch,
                     uint64_t now_ns);
/* jti: as for find. */
void token_cache_drop(struct token_cache *c, const char *jti);
void token_cache_drop_user(struct token_cache *c, int64_t user);
void token_cache_clear(struct token_cache *c);

#endif
