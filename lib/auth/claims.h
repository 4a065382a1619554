/* What stands inside a token: its header and its claims, read from JSON strictly. Pure. */
#ifndef AUTH_CLAIMS_H
#define AUTH_CLAIMS_H

#include "auth/jwt.h"

/* 0, or -EBADMSG or -ENOMEM with the words in *why (static). */
int claims_check_header(struct str json, struct arena *a, const char **why);
/* Times are only read here, not judged. not_before: INT64_MIN if the claim is not there. */
int claims_read(struct str json, struct arena *a, struct jwt_claims *ret, int64_t *ret_not_before,
                const char **why);

#endif
