/* Numbers, UTF-8 and comparisons as tables of what is taken and what is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/str.h"

static void unsigned_numbers(void **unused)
{
	static const struct {
		const char *text;
		int r;
		unsigned long long value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "007", 0, 7 },
		{ "18446744073709551615", 0, 18446744073709551615ULL },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "28446744073709551615", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "99999999999999999999999x", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "\xd9\xa1", -EINVAL, 0 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned long long value = 12345;
		int r = str_to_u64(str_of(cases[i].text), &value);

		if (r != cases[i].r || value != (r < 0 ? 12345 : cases[i].value))
			fail_msg("case %zu: %d, %llu", i, r, value);
	}
}

static void signed_numbers(void **unused)
{
	static const struct {
		const char *text;
		int r;
		long long value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "-0", 0, 0 },
		{ "-12", 0, -12 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "-9223372036854775808", 0, INT64_MIN },
		{ "-9223372036854775809", -ERANGE, 0 },
		{ "-18446744073709551616", -ERANGE, 0 },
		{ "-", -EINVAL, 0 },
		{ "--1", -EINVAL, 0 },
		{ "- 1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		long long value = 12345;
		int r = str_to_i64(str_of(cases[i].text), &value);

		if (r != cases[i].r || value != (r < 0 ? 12345 : cases[i].value))
			fail_msg("case %zu: %d, %lld", i, r, value);
	}
}

static void utf8(void **unused)
{
	static const struct {
		struct str text;
		bool valid;
	} cases[] = {
		{ STR_INIT(""), true },
		{ STR_INIT("plain \x7f\x01\0"), true },
		{ STR_INIT("\xc2\x80\xdf\xbf"), true },
		{ STR_INIT("\xe0\xa0\x80\xe1\x80\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"), true },
		{ STR_INIT("\xf0\x90\x80\x80\xf3\xbf\xbf\xbf\xf4\x8f\xbf\xbf"), true },
		{ STR_INIT("\x80"), false },
		{ STR_INIT("\xbf"), false },
		{ STR_INIT("\xc0\x80"), false }, /* overlong NUL */
		{ STR_INIT("\xc1\xbf"), false },
		{ STR_INIT("\xe0\x9f\xbf"), false }, /* overlong */
		{ STR_INIT("\xf0\x8f\xbf\xbf"), false },
		{ STR_INIT("\xed\xa0\x80"), false }, /* surrogates */
		{ STR_INIT("\xed\xbf\xbf"), false },
		{ STR_INIT("\xf4\x90\x80\x80"), false }, /* above 10FFFF */
		{ STR_INIT("\xf5\x80\x80\x80"), false },
		{ STR_INIT("\xff"), false },
		{ STR_INIT("\xc2"), false }, /* cut off */
		{ STR_INIT("\xe2\x82"), false },
		{ STR_INIT("\xf0\x9f\x98"), false },
		{ STR_INIT("\xc2 "), false },
		{ STR_INIT("\xe2\x82 "), false },
		{ STR_INIT("\xe2 \x82"), false },
		{ STR_INIT("\xf0\x9f\x98\xc0"), false },
		{ STR_INIT("ok \xe2\x82\xac\xac"), false },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (str_is_utf8(cases[i].text) != cases[i].valid)
			fail_msg("case %zu", i);
	}
	assert_true(str_is_utf8((struct str){ NULL, 0 }));
	assert_int_equal(str_utf8_length((struct str){ NULL, 0 }), 0);
	/* The length bounds what is read, whatever stands behind it. */
	assert_false(str_is_utf8((struct str){ "\xe2\x82\xac", 2 }));
}

static void cuts(void **unused)
{
	static const struct {
		const char *text;
		size_t limit, cut;
	} cases[] = {
		{ "abc", 5, 3 },
		{ "abc", 3, 3 },
		{ "abc", 2, 2 },
		{ "abc", 0, 0 },
		{ "a\xe2\x82\xac", 4, 4 },
		{ "a\xe2\x82\xac", 3, 1 },
		{ "a\xe2\x82\xac", 2, 1 },
		{ "a\xe2\x82\xac", 1, 1 },
		{ "\xf0\x9f\x98\x80", 3, 0 },
		{ "\x80\x80\x80\x80\x80\x80\x80", 6, 6 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t cut = str_utf8_cut(str_of(cases[i].text), cases[i].limit);

		if (cut != cases[i].cut)
			fail_msg("case %zu: %zu", i, cut);
	}
}

static void trims(void **unused)
{
	static const struct {
		const char *text, *trimmed;
	} cases[] = {
		{ "", "" },          { " \t ", "" }, { "a", "a" },
		{ " a b\t", "a b" }, { "\n", "\n" }, { "\ta", "a" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!str_is(str_trim(str_of(cases[i].text)), cases[i].trimmed))
			fail_msg("case %zu", i);
	}
}

static void comparisons(void **unused)
{
	static const struct {
		struct str a, b;
		bool equal, nocase;
	} cases[] = {
		{ STR_INIT("Abc"), STR_INIT("aBC"), false, true },
		{ STR_INIT("abc"), STR_INIT("abc"), true, true },
		{ STR_INIT("abc"), STR_INIT("abcd"), false, false },
		{ STR_INIT("@[`{"), STR_INIT("`{@["), false, false },
		{ STR_INIT("\xc3\x84"), STR_INIT("\xc3\xa4"), false, false },
		{ STR_INIT("a\0b"), STR_INIT("a\0c"), false, false },
		{ STR_INIT(""), { NULL, 0 }, true, true },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (str_equal(cases[i].a, cases[i].b) != cases[i].equal ||
		    str_equal_nocase(cases[i].a, cases[i].b) != cases[i].nocase)
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unsigned_numbers),
		cmocka_unit_test(signed_numbers),
		cmocka_unit_test(utf8),
		cmocka_unit_test(cuts),
		cmocka_unit_test(trims),
		cmocka_unit_test(comparisons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
