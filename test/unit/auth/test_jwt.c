/* Tokens of the file tokens.txt, both keys, the edges of time, and every small change of a token.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "auth/jwt.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "base/file.h"

#include <fcntl.h>

#define NOW INT64_C(1800000000)
#define JTI "6f0d5a46-25a5-4b2c-9b57-1c1f0a3e8f11"

static const struct str secret = STR_INIT("the secret of the hostile tokens: 42");
static const struct str other_secret = STR_INIT("another secret of the same length: 1");
static const struct jwt_claims alice = {
	.user = 7, .jti = JTI, .issued_at = NOW - 10, .expires_at = NOW + 3600
};

static struct jwt_keys *keys_of(struct str current, struct str previous)
{
	struct jwt_keys *k;

	assert_int_equal(jwt_keys_new(current, previous, &k), 0);
	return k;
}

static void free_keys(struct jwt_keys *const *k)
{
	jwt_keys_free(*k);
}

/* In memory of exactly its size, so that reading beyond it shows. */
static enum jwt_verdict verify(struct str token, struct jwt_keys *k, int64_t now,
                               struct jwt_claims *ret)
{
	CLEANUP(arena_done) struct arena a = { 0 };
	CLEANUP(free_p) char *exact = malloc(token.n ? token.n : 1);
	struct jwt_claims claims;
	const char *why = NULL;
	enum jwt_verdict verdict;

	assert_non_null(exact);
	memcpy(exact, token.p, token.n);
	verdict = jwt_verify((struct str){ exact, token.n }, k, now, &a, ret ? ret : &claims, &why);
	assert_true(verdict == JWT_GOOD || (why && *why));
	return verdict;
}

static enum jwt_verdict verdict_named(struct str name)
{
	static const char *const names[JWT_VERDICT_MAX] = { "good", "invalid", "expired" };

	for (unsigned i = 0; i < JWT_VERDICT_MAX; i++) {
		if (str_is(name, names[i]))
			return (enum jwt_verdict)i;
	}
	fail_msg("\"%.*s\" is no verdict", STR_ARGS(name));
	return JWT_VERDICT_MAX;
}

static struct str next_field(struct str *line)
{
	const char *tab = memchr(line->p, '\t', line->n);
	struct str field = { line->p, tab ? (size_t)(tab - line->p) : line->n };

	line->p += field.n + (tab != NULL);
	line->n -= field.n + (tab != NULL);
	return field;
}

/* \xNN to bytes, in place. */
static struct str unescape(char *p, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\\') {
			assert_int_equal(hex_decode((struct str){ p + i + 2, 2 }, &p[out++], 1), 0);
			i += 3;
		} else {
			p[out++] = p[i];
		}
	}
	return (struct str){ p, out };
}

static void tokens_of_the_file(void **unused)
{
	static const char path[] = FRAUDD_SOURCE_DIR "/test/unit/auth/tokens.txt";
	CLEANUP(free_keys) struct jwt_keys *k = keys_of(secret, STR(""));
	CLEANUP(free_p) char *text = NULL;
	unsigned refused = 0;
	unsigned number = 1;
	size_t size;

	(void)unused;
	assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &text, &size), 0);
	for (char *at = text; *at; number++) {
		size_t n = strcspn(at, "\n");
		struct str line = { at, n };
		enum jwt_verdict want = verdict_named(next_field(&line));
		struct str what = next_field(&line);
		struct str token = unescape(at + (line.p - at), line.n);
		enum jwt_verdict got = verify(token, k, NOW, NULL);

		if (got != want)
			fail_msg("line %u, %.*s: verdict %d, not %d", number, STR_ARGS(what), got,
			         want);
		refused += want != JWT_GOOD;
		at += n + 1;
	}
	assert_true(refused >= 150);
}

static void what_is_signed_is_read(void **unused)
{
	CLEANUP(free_keys) struct jwt_keys *k = keys_of(secret, STR(""));
	struct jwt_claims claims = { 0 };
	char token[JWT_MAX];

	(void)unused;
	assert_int_equal(jwt_sign(&alice, k, token), 0);
	assert_int_equal(verify(str_of(token), k, NOW, &claims), JWT_GOOD);
	assert_int_equal(claims.user, alice.user);
	assert_string_equal(claims.jti, alice.jti);
	assert_int_equal(claims.issued_at, alice.issued_at);
	assert_int_equal(claims.expires_at, alice.expires_at);
}

static void the_previous_key_verifies_and_never_signs(void **unused)
{
	CLEANUP(free_keys) struct jwt_keys *old = keys_of(other_secret, STR(""));
	CLEANUP(free_keys) struct jwt_keys *both = keys_of(secret, other_secret);
	CLEANUP(free_keys) struct jwt_keys *new = keys_of(secret, STR(""));
	char before[JWT_MAX], after[JWT_MAX];

	(void)unused;
	assert_int_equal(jwt_sign(&alice, old, before), 0);
	assert_int_equal(jwt_sign(&alice, both, after), 0);
	assert_int_equal(verify(str_of(before), both, NOW, NULL), JWT_GOOD);
	assert_int_equal(verify(str_of(after), both, NOW, NULL), JWT_GOOD);
	assert_int_equal(verify(str_of(after), new, NOW, NULL), JWT_GOOD);
	assert_int_equal(verify(str_of(before), new, NOW, NULL), JWT_INVALID);
	assert_int_equal(verify(str_of(after), old, NOW, NULL), JWT_INVALID);
}

static void a_short_secret_is_no_key(void **unused)
{
	struct jwt_keys *k = NULL;

	(void)unused;
	assert_int_equal(jwt_keys_new((struct str){ secret.p, 31 }, STR(""), &k), -EINVAL);
	assert_int_equal(jwt_keys_new(secret, STR("short"), &k), -EINVAL);
	assert_int_equal(jwt_keys_new(STR(""), STR(""), &k), -EINVAL);
	assert_null(k);
}

static void edges_of_time(void **unused)
{
	CLEANUP(free_keys) struct jwt_keys *k = keys_of(secret, STR(""));
	static const struct {
		int64_t issued, expires;
		enum jwt_verdict verdict;
	} cases[] = {
		{ NOW, NOW + 1, JWT_GOOD },           { NOW, NOW, JWT_GOOD },
		{ NOW - 100, NOW - 59, JWT_GOOD },    { NOW - 100, NOW - 60, JWT_EXPIRED },
		{ NOW - 100, NOW - 61, JWT_EXPIRED }, { NOW + 60, NOW + 100, JWT_GOOD },
		{ NOW + 61, NOW + 100, JWT_INVALID }, { INT64_MAX, INT64_MAX, JWT_INVALID },
		{ INT64_MIN, INT64_MAX, JWT_GOOD },   { INT64_MIN, INT64_MIN, JWT_EXPIRED },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jwt_claims claims = alice;
		char token[JWT_MAX];

		claims.issued_at = cases[i].issued;
		claims.expires_at = cases[i].expires;
		assert_int_equal(jwt_sign(&claims, k, token), 0);
		if (verify(str_of(token), k, NOW, NULL) != cases[i].verdict)
			fail_msg("case %zu", i);
	}
}

static void no_changed_token_is_good(void **unused)
{
	static const char letters[] = "AQgw059_-.=\n";
	CLEANUP(free_keys) struct jwt_keys *k = keys_of(secret, STR(""));
	char good[JWT_MAX], token[JWT_MAX];
	size_t n;

	(void)unused;
	assert_int_equal(jwt_sign(&alice, k, good), 0);
	n = strlen(good);
	for (size_t i = 0; i < n; i++) {
		if (verify((struct str){ good, i }, k, NOW, NULL) != JWT_INVALID)
			fail_msg("the first %zu bytes alone", i);
		for (const char *c = letters; *c; c++) {
			memcpy(token, good, n);
			token[i] = *c;
			if (*c != good[i] &&
			    verify((struct str){ token, n }, k, NOW, NULL) != JWT_INVALID)
				fail_msg("byte %zu as '%c'", i, *c);
		}
	}
}

static void no_memory_is_no_pass(void **unused)
{
	CLEANUP(free_keys) struct jwt_keys *k = keys_of(secret, STR(""));
	struct arena a = { .limit = 64 };
	struct jwt_claims claims;
	char token[JWT_MAX];

	(void)unused;
	assert_int_equal(jwt_sign(&alice, k, token), 0);
	assert_int_equal(jwt_verify(str_of(token), k, NOW, &a, &claims, NULL), JWT_INVALID);
	assert_true(arena_failed(&a));
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_of_the_file),
		cmocka_unit_test(what_is_signed_is_read),
		cmocka_unit_test(the_previous_key_verifies_and_never_signs),
		cmocka_unit_test(a_short_secret_is_no_key),
		cmocka_unit_test(edges_of_time),
		cmocka_unit_test(no_changed_token_is_good),
		cmocka_unit_test(no_memory_is_no_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
