/* Any bytes as a token, and any bytes as rightly signed claims: the verdict is one of three, and
 * what is believed has the form that was promised. */
#include <stdint.h>
#include <stdlib.h>

#include "auth/claims.h"
#include "auth/jwt.h"
#include "base/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1800000000)

static void check(const struct jwt_claims *c)
{
	if (c->user <= 0 || !uuid_is_valid(str_of(c->jti)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct jwt_keys *keys;
	struct str text = { (const char *)data, size };
	struct jwt_claims claims;
	struct arena a = { 0 };
	const char *why = NULL;
	int64_t not_before;

	if (!keys && jwt_keys_new(STR("the secret of the hostile tokens: 42"), STR(""), &keys) < 0)
		abort();
	if (jwt_verify(text, keys, NOW, &a, &claims, &why) != JWT_INVALID)
		check(&claims);
	else if (!why)
		abort();
	if (claims_read(text, &a, &claims, &not_before, &why) == 0)
		check(&claims);
	claims_check_header(text, &a, &why);
	arena_done(&a);
	return 0;
}
