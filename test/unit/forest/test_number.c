/* Numbers of documents: which texts and bytes are which float32 or integer. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "forest/number.h"

static uint32_t bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static void test_floats(void **state)
{
	static const struct {
		const char *text;
		float value;
	} cases[] = {
		{ "0", 0 },
		{ "-0.0", -0.0f },
		{ "3.5135217E-2", 3.5135217E-2f },
		{ "1e-45", 1e-45f },
		{ "-Infinity", -INFINITY },
		{ "Infinity", INFINITY },
		{ "1e39", INFINITY },
		{ "16777217", 16777216.0f },
		/* by way of a double this would round to the even neighbour, 1.0 */
		{ "1.00000005960464477540", 1.00000012f },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct number n = { .text = str_of(cases[i].text) };
		float f = 7;

		if (number_to_float(&n, &f) < 0 || bits(f) != bits(cases[i].value))
			fail_msg("case %zu: %.9g", i, (double)f);
	}
}

static void test_no_floats(void **state)
{
	static const char *const cases[] = {
		"",         "-",  ".",   "x",     "1x",  "1 ",   "0x10", "nan",   "inf",
		"infinity", "1e", "--1", "1e+-2", "1,5", "NaNs", "-NaN", "1.2.3",
	};
	char digits[200];
	float f;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (float_from_text(str_of(cases[i]), &f) != -EINVAL)
			fail_msg("case %zu: \"%s\"", i, cases[i]);
	memset(digits, '1', sizeof(digits));
	assert_int_equal(float_from_text((struct str){ digits, sizeof(digits) }, &f), -EINVAL);
	assert_int_equal(float_from_text((struct str){ "1\0002", 3 }, &f), -EINVAL);
}

static void test_nan(void **state)
{
	float f = 0;

	(void)state;
	assert_int_equal(float_from_text(STR("NaN"), &f), 0);
	assert_true(isnan(f));
}

static void test_integers(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "-1", 0, -1 },
		{ "2147483647", 0, 2147483647 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "9223372036854775808", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "NaN", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct number n = { .text = str_of(cases[i].text) };
		int64_t v = 0;

		if (number_to_int(&n, &v) != cases[i].r || v != cases[i].value)
			fail_msg("case %zu: %lld", i, (long long)v);
	}
}

static void test_ubj(void **state)
{
	static const struct {
		char type;
		uint8_t bytes[8];
		bool integral;
		float real;
		int64_t integer;
	} cases[] = {
		{ 'i', { 0xff }, true, -1, -1 },
		{ 'U', { 0xff }, true, 255, 255 },
		{ 'I', { 0x80, 0x00 }, true, -32768, -32768 },
		{ 'l', { 0xff, 0xff, 0xff, 0xfe }, true, -2, -2 },
		{ 'l', { 0x7f, 0xff, 0xff, 0xff }, true, 2147483648.0f, 2147483647 },
		{ 'L', { 0, 0, 0, 1, 0, 0, 0, 0 }, true, 4294967296.0f, 4294967296 },
		{ 'L', { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, true, -1, -1 },
		{ 'd', { 0x3f, 0xc0, 0, 0 }, false, 1.5f, 0 },
		{ 'd', { 0x80, 0, 0, 1 }, false, -1e-45f, 0 },
		{ 'D', { 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a }, false, 0.1f, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct number n;
		int64_t v = 0;
		float f;

		ubj_number(cases[i].type, cases[i].bytes, &n);
		assert_int_equal(number_to_float(&n, &f), 0);
		if (bits(f) != bits(cases[i].real))
			fail_msg("case %zu: %.9g", i, (double)f);
		if (number_to_int(&n, &v) != (cases[i].integral ? 0 : -EINVAL) ||
		    v != cases[i].integer)
			fail_msg("case %zu: %lld", i, (long long)v);
	}
	assert_int_equal(ubj_number_size('Z'), 0);
	assert_int_equal(ubj_number_size('S'), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floats), cmocka_unit_test(test_no_floats),
		cmocka_unit_test(test_nan),    cmocka_unit_test(test_integers),
		cmocka_unit_test(test_ubj),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
