/*
 * The JSON inside a token, from the events of the strict scan, without a tree. Every member that we
 * know has one type and one form; a header may hold nothing that we do not know, because an unknown
 * header member (crit, kid, jku, jwk, x5c, zip …) asks for a treatment that we would not give it.
 * Unknown claims are other people's and ignored, but for `aud`: it says for whom the token is, and
 * we have no name (RFC 7519, 4.1.3).
 *
 * Called by jwt.c, for the claims only after the signature was found good.
 */
#include "auth/claims.h"

#include <errno.h>

#include "base/encode.h"
#include "json/scan.h"

#define DEPTH 4 /* of unknown claims; those that we know are flat */

struct reading;

struct member {
	const char *name;
	enum json_event type;
	int (*take)(struct reading *r, struct str text);
};

struct reading {
	const struct member *members;
	size_t count;
	bool closed; /* unknown members are refused */
	unsigned depth;
	unsigned seen;                /* bit i: members[i] was there */
	const struct member *current; /* of the value that comes; NULL: unknown */
	struct jwt_claims *claims;
	int64_t not_before;
	const char *why;
};

static int refuse(struct reading *r, const char *why)
{
	r->why = why;
	return -EBADMSG;
}

/* --- the header --- */

static int take_algorithm(struct reading *r, struct str text)
{
	return str_is(text, "HS256") ? 0 : refuse(r, "another algorithm");
}

static int take_type_of_token(struct reading *r, struct str text)
{
	return str_equal_nocase(text, STR("JWT")) ? 0 : refuse(r, "another typ");
}

static const struct member header_members[] = {
	{ "alg", JSON_STRING, take_algorithm },
	{ "typ", JSON_STRING, take_type_of_token },
};
#define HEADER_REQUIRED 1u /* alg */

/* --- the claims --- */

/* As we print it: no sign, no leading zero. */
static int take_user(struct reading *r, struct str text)
{
	long long user;

	if (text.n == 0 || text.p[0] < '1' || text.p[0] > '9' || str_to_i64(text, &user) < 0)
		return refuse(r, "sub is no id of a user");
	r->claims->user = user;
	return 0;
}

static int take_jti(struct reading *r, struct str text)
{
	if (!uuid_is_valid(text))
		return refuse(r, "jti is no UUID");
	/* What a UUID consists of has this bit anyway, but for capital letters. */
	for (size_t i = 0; i < text.n; i++)
		r->claims->jti[i] = (char)(text.p[i] | 0x20);
	r->claims->jti[text.n] = '\0';
	return 0;
}

static int take_access(struct reading *r, struct str text)
{
	return str_is(text, "access") ? 0 : refuse(r, "another type of token");
}

static int take_time(struct reading *r, struct str text, int64_t *ret)
{
	long long value;

	if (str_to_i64(text, &value) < 0)
		return refuse(r, "a time is no whole number");
	*ret = value;
	return 0;
}

static int take_issued(struct reading *r, struct str text)
{
	return take_time(r, text, &r->claims->issued_at);
}

static int take_expiry(struct reading *r, struct str text)
{
	return take_time(r, text, &r->claims->expires_at);
}

static int take_not_before(struct reading *r, struct str text)
{
	return take_time(r, text, &r->not_before);
}

static int take_audience(struct reading *r, struct str text)
{
	(void)text;
	return refuse(r, "the token is for another audience");
}

static const struct member claim_members[] = {
	{ "sub", JSON_STRING, take_user },     { "jti", JSON_STRING, take_jti },
	{ "iat", JSON_NUMBER, take_issued },   { "exp", JSON_NUMBER, take_expiry },
	{ "type", JSON_STRING, take_access },  { "nbf", JSON_NUMBER, take_not_before },
	{ "aud", JSON_STRING, take_audience },
};
#define CLAIMS_REQUIRED 31u /* sub, jti, iat, exp, type */

/* --- both --- */

static int find_member(struct reading *r, struct str name)
{
	r->current = NULL;
	for (size_t i = 0; i < r->count; i++) {
		if (!str_is(name, r->members[i].name))
			continue;
		r->seen |= 1u << i;
		r->current = &r->members[i];
		return 0;
	}
	return r->closed ? refuse(r, "an unknown header member") : 0;
}

static int take_value(struct reading *r, enum json_event event, struct str text)
{
	if (r->depth == 0)
		return event == JSON_OBJECT_BEGIN ? 0 : refuse(r, "no object");
	if (r->depth > 1 || !r->current)
		return 0;
	if (event != r->current->type)
		return refuse(r, "a member of a wrong type");
	return r->current->take(r, text);
}

static int on_event(void *self, enum json_event event, struct str text)
{
	struct reading *r = self;
	int result;

	if (event == JSON_OBJECT_END || event == JSON_ARRAY_END) {
		r->depth--;
		return 0;
	}
	if (event == JSON_KEY)
		return r->depth == 1 ? find_member(r, text) : 0;
	result = take_value(r, event, text);
	if (event == JSON_OBJECT_BEGIN || event == JSON_ARRAY_BEGIN)
		r->depth++;
	return result;
}

static int read_members(struct reading *r, struct str json, struct arena *a, unsigned required)
{
	const struct json_scan_options options = {
		.max_depth = DEPTH, .unique = true, .on_event = on_event, .self = r
	};
	struct json_fault fault;
	int result = json_scan(json, &options, a, &fault);

	if (result < 0 && !r->why)
		r->why = fault.what;
	if (result == 0 && (r->seen & required) != required)
		result = refuse(r, "a member is missing");
	return result;
}

int claims_check_header(struct str json, struct arena *a, const char **why)
{
	struct reading r = { .members = header_members,
		             .count = sizeof(header_members) / sizeof(header_members[0]),
		             .closed = true };
	int result = read_members(&r, json, a, HEADER_REQUIRED);

	if (result < 0)
		*why = r.why;
	return result;
}

int claims_read(struct str json, struct arena *a, struct jwt_claims *ret, int64_t *ret_not_before,
                const char **why)
{
	struct jwt_claims claims = { 0 };
	struct reading r = { .members = claim_members,
		             .count = sizeof(claim_members) / sizeof(claim_members[0]),
		             .claims = &claims,
		             .not_before = INT64_MIN };
	int result = read_members(&r, json, a, CLAIMS_REQUIRED);

	if (result < 0) {
		*why = r.why;
		return result;
	}
	*ret = claims;
	*ret_not_before = r.not_before;
	return 0;
}
