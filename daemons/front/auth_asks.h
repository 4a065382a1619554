/* Questions about tokens that are under way, each asked once however many requests wait for it. */
#ifndef FRONT_AUTH_ASKS_H
#define FRONT_AUTH_ASKS_H

#include <stdint.h>

#include "auth/cache.h"
#include "auth/jwt.h"

struct auth;
struct auth_asks;
struct call;

int auth_asks_new(struct auth_asks **ret);
/* After the pool. NULL is fine. */
void auth_asks_free(struct auth_asks *s);

enum token_standing {
	TOKEN_GOOD,
	TOKEN_REVOKED, /* or its row is not there (any more) */
	TOKEN_DISABLED,
	TOKEN_UNKNOWN, /* the database did not say; r says why */
};

/* What a call waits for; in its arena. */
struct auth_answer {
	enum token_standing standing;
	struct token_entry entry; /* TOKEN_GOOD only */
	int r;                    /* TOKEN_UNKNOWN only */
};
typedef void auth_on_standing(struct call *c, const struct jwt_claims *claims,
                              const struct auth_answer *answer);

/* Joins a question of this very epoch or asks. fn comes later, or not at all if the call ends
 * before. Negative as db_pool_run(). */
int auth_ask(struct auth *a, struct call *c, const struct jwt_claims *claims, auth_on_standing *fn);
/* Asks on nobody's behalf, to keep what the cache knows fresh. Failing does no harm. */
void auth_ask_again(struct auth *a, const char jti[JWT_JTI_SIZE]);

#endif
