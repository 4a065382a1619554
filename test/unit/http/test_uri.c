/* Targets and queries. What the request parser lets through of targets is in test_parser.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/uri.h"

struct split_case {
	const char *target;
	int r;
	const char *host, *path, *query; /* "-" = .p is NULL */
};

static void test_split(void **state)
{
	static const struct split_case cases[] = {
		{ "/", 0, "-", "/", "" },
		{ "/a/b?c=d?e", 0, "-", "/a/b", "c=d?e" },
		{ "/?", 0, "-", "/", "" },
		{ "//evil/x", 0, "-", "//evil/x", "" },
		{ "*", 0, "-", "*", "" },
		{ "**", -EINVAL, "-", "", "" },
		{ "", -EINVAL, "-", "", "" },
		{ "x", -EINVAL, "-", "", "" },
		{ "?x", -EINVAL, "-", "", "" },
		{ "http://a", 0, "a", "/", "" },
		{ "http://a?q", 0, "a", "/", "q" },
		{ "http://a/p?q", 0, "a", "/p", "q" },
		{ "hTTps://[::1]:8/p", 0, "[::1]:8", "/p", "" },
		{ "http://", -EINVAL, "-", "", "" },
		{ "http:/a", -EINVAL, "-", "", "" },
		{ "http://a b/", -EINVAL, "-", "", "" },
		{ "http://u:p@a/", -EINVAL, "-", "", "" },
		{ "ws://a/", -EINVAL, "-", "", "" },
		{ "/%41", 0, "-", "/%41", "" },
		{ "/%4", -EINVAL, "-", "", "" },
		{ "/%", -EINVAL, "-", "", "" },
		{ "/%2f", -EINVAL, "-", "", "" },
		{ "/?%2f", 0, "-", "/", "%2f" },
		{ "/?%00", -EINVAL, "-", "", "" },
	};
	struct uri u;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct split_case *c = &cases[i];
		int r = uri_split(str_of(c->target), &u);

		if (r != c->r)
			fail_msg("case %zu (%s): %d", i, c->target, r);
		if (r < 0)
			continue;
		if (!str_is(u.host.p ? u.host : STR("-"), c->host) || !str_is(u.path, c->path) ||
		    !str_is(u.query, c->query))
			fail_msg("case %zu (%s): host \"%.*s\" path \"%.*s\" query \"%.*s\"", i,
			         c->target, STR_ARGS(u.host), STR_ARGS(u.path), STR_ARGS(u.query));
	}
	assert_int_equal(uri_split(STR("/%41"), &u), 0);
	assert_true(u.encoded);
	assert_int_equal(uri_split(STR("/a?%41"), &u), 0);
	assert_false(u.encoded);
}

static void test_host(void **state)
{
	static const struct {
		const char *text;
		bool fine;
	} cases[] = {
		{ "a", true },
		{ "a.b-c_d~e", true },
		{ "127.0.0.1:80", true },
		{ "a:", true },
		{ "[::1]", true },
		{ "[::ffff:1.2.3.4]:1", true },
		{ "%41", true },
		{ "", false },
		{ ":80", false },
		{ "a:b", false },
		{ "a:123456", false },
		{ "a/b", false },
		{ "a@b", false },
		{ "a,b", false },
		{ "a b", false },
		{ "[]", false },
		{ "[:]", false },
		{ "[::1", false },
		{ "[::1]a", false },
		{ "[::1]:x", false },
		{ "::1", false },
		{ "[a%1]", false },
		{ "caf\xc3\xa9", false },
	};
	char large[300];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (uri_is_host(str_of(cases[i].text)) != cases[i].fine)
			fail_msg("case %zu (%s)", i, cases[i].text);
	}
	memset(large, 'a', sizeof(large));
	assert_true(uri_is_host((struct str){ large, 255 }));
	assert_false(uri_is_host((struct str){ large, 256 }));
}

static void test_decode(void **state)
{
	static const struct {
		struct str raw;
		bool plus;
		int r;
		const char *text;
	} cases[] = {
		{ { "", 0 }, false, 0, "" },
		{ { "a%20b", 5 }, false, 0, "a b" },
		{ { "a+b", 3 }, false, 0, "a+b" },
		{ { "a+b%2B", 6 }, true, 0, "a b+" },
		{ { "%c3%A9", 6 }, false, 0, "\xc3\xa9" },
		{ { "%", 1 }, false, -EINVAL, "" },
		{ { "%4", 2 }, false, -EINVAL, "" },
		{ { "%g4", 3 }, false, -EINVAL, "" },
		{ { "%4g", 3 }, false, -EINVAL, "" },
		{ { "%00", 3 }, false, -EINVAL, "" },
		{ { "a\0b", 3 }, false, -EINVAL, "" },
	};
	struct arena a = { 0 };
	struct str text;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = uri_decode(cases[i].raw, cases[i].plus, &a, &text);

		if (r != cases[i].r || (r == 0 && !str_is(text, cases[i].text)))
			fail_msg("case %zu: %d", i, r);
	}
	arena_done(&a);
	a.limit = 1;
	assert_int_equal(uri_decode(STR("abc"), false, &a, &text), -ENOMEM);
	arena_done(&a);
}

static void test_parameters(void **state)
{
	static const struct {
		const char *query, *name;
		int r;
		const char *value;
	} cases[] = {
		{ "", "a", 0, "" },
		{ "a=1", "a", 1, "1" },
		{ "a=1&a=2", "a", 1, "1" },
		{ "&&b=2&", "b", 1, "2" },
		{ "ab=1&a=2", "a", 1, "2" },
		{ "a", "a", 1, "" },
		{ "a=", "a", 1, "" },
		{ "=x", "", 1, "x" },
		{ "a=b=c", "a", 1, "b=c" },
		{ "%61=x+y%26", "a", 1, "x y&" },
		{ "a+b=1", "a b", 1, "1" },
		{ "%zz=1&a=1", "a", -EINVAL, "" },
		{ "a=%zz", "a", -EINVAL, "" },
		{ "A=1", "a", 0, "" },
	};
	struct arena a = { 0 };
	struct str value;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = uri_parameter(str_of(cases[i].query), cases[i].name, &a, &value);

		if (r != cases[i].r || (r == 1 && !str_is(value, cases[i].value)))
			fail_msg("case %zu (%s): %d", i, cases[i].query, r);
	}
	arena_done(&a);
}

static void test_typed(void **state)
{
	static const struct {
		const char *query;
		int bool_r;
		bool flag;
		int int_r;
		int64_t number;
	} cases[] = {
		{ "a=true", 1, true, -EINVAL, 0 },
		{ "a=FALSE", 1, false, -EINVAL, 0 },
		{ "a=1", 1, true, 1, 1 },
		{ "a=0", 1, false, 1, 0 },
		{ "a=on", 1, true, -EINVAL, 0 },
		{ "a=n", 1, false, -EINVAL, 0 },
		{ "a=2", -EINVAL, false, 1, 2 },
		{ "a=-7", -EINVAL, false, 1, -7 },
		{ "a=", -EINVAL, false, -EINVAL, 0 },
		{ "b=1", 0, false, 0, 0 },
		{ "a=%zz", -EINVAL, false, -EINVAL, 0 },
		{ "a=99999999999999999999", -EINVAL, false, -ERANGE, 0 },
	};
	struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str query = str_of(cases[i].query);
		bool flag = false;
		int64_t number = 0;
		int b = uri_parameter_bool(query, "a", &a, &flag);
		int n = uri_parameter_int(query, "a", &a, &number);

		if (b != cases[i].bool_r || flag != cases[i].flag || n != cases[i].int_r ||
		    number != cases[i].number)
			fail_msg("case %zu (%s): %d %d, %d %lld", i, cases[i].query, b, flag, n,
			         (long long)number);
	}
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),  cmocka_unit_test(test_host),
		cmocka_unit_test(test_decode), cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_typed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
