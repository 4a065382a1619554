/* What stands inside a token: its header and its claims, read from JSON strictly. Pure. */
#ifndef AUTH_CLAIMS_H
#define AUTH_CLAIMS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define JWT_JTI_SIZE 37 /* a UUID and the terminator */

struct jwt_claims {
	int64_t user;                  /* sub */
	char jti[JWT_JTI_SIZE];        /* lower case */
	int64_t issued_at, expires_at; /* seconds since 1970 */
};

/* 0, or -EBADMSG or -ENOMEM with the words in *why (static). */
int claims_check_header(struct str json, struct arena *a, const char **why);
/* Times are only read here, not judged. not_before: INT64_MIN if the claim is not there. */
int claims_read(struct str json, struct arena *a, struct jwt_claims *ret, int64_t *ret_not_before,
                const char **why);

#endif
