/* Times of day: what is one, their order, and which comes next. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/civil.h"
#include "config/times.h"

static void test_texts(void **unused)
{
	static const struct {
		const char *text;
		int count; /* or -errno */
		int first, last;
		const char *says;
	} cases[] = {
		{ "", 0, 0, 0, NULL },
		{ "   ", 0, 0, 0, NULL },
		{ "00:00", 1, 0, 0, NULL },
		{ "23:59,00:01 ,\t12:00", 3, 1, 1439, NULL },
		{ "24:00", -EINVAL, 0, 0, "\"24:00\" is no time of day" },
		{ "12:60", -EINVAL, 0, 0, "\"12:60\" is no time of day" },
		{ "2:00", -EINVAL, 0, 0, "\"2:00\" is no time" },
		{ "02:00,", -EINVAL, 0, 0, "\"\" is no time" },
		{ "02:00 03:00", -EINVAL, 0, 0, "is no time" },
		{ "02:00, 02:00", -EINVAL, 0, 0, "\"02:00\" stands there twice" },
		{ "-2:00", -EINVAL, 0, 0, "is no time" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct times t = { 0 };
		struct errbuf err = { "" };
		int r = times_parse(cases[i].text, &t, &err);

		if (r != (cases[i].count < 0 ? cases[i].count : 0))
			fail_msg("case %zu: returned %d", i, r);
		if (r < 0 && (!cases[i].says || !strstr(err.text, cases[i].says)))
			fail_msg("case %zu: says \"%s\"", i, err.text);
		if (r == 0 && ((int)t.count != cases[i].count))
			fail_msg("case %zu: %u times", i, t.count);
		if (r == 0 && t.count > 0 &&
		    (t.minute[0] != cases[i].first || t.minute[t.count - 1] != cases[i].last))
			fail_msg("case %zu: %u .. %u", i, t.minute[0], t.minute[t.count - 1]);
	}
}

static void test_too_many(void **unused)
{
	char text[(TIMES_MAX + 1) * 6 + 1] = "";
	size_t length = 0;
	struct times t;
	struct errbuf err;

	(void)unused;
	for (int i = 0; i <= TIMES_MAX; i++) {
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%02d:%02d",
		                           i ? "," : "", i / 60, i % 60);
		if (times_parse(text, &t, &err) != (i < TIMES_MAX ? 0 : -EINVAL))
			fail_msg("%d times", i + 1);
	}
}

static int64_t instant(int day, unsigned hour, unsigned minute, unsigned second)
{
	struct civil c = { 2026, 11, (uint8_t)day, (uint8_t)hour, (uint8_t)minute, (uint8_t)second,
		           0 };

	return civil_to_us(&c);
}

static void test_next(void **unused)
{
	const struct {
		const char *text;
		int64_t after, wanted;
	} cases[] = {
		{ "", instant(1, 0, 0, 0), INT64_MAX },
		{ "02:00", instant(1, 1, 59, 59), instant(1, 2, 0, 0) },
		{ "02:00", instant(1, 2, 0, 0), instant(2, 2, 0, 0) },
		{ "02:00, 14:30", instant(1, 2, 0, 0), instant(1, 14, 30, 0) },
		{ "00:00", instant(1, 23, 59, 59), instant(2, 0, 0, 0) },
		{ "02:00", -1, INT64_C(7200) * 1000000 },
		{ "23:59", -CIVIL_DAY_US - 1, -CIVIL_DAY_US + INT64_C(86340) * 1000000 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct times t;
		int64_t next;

		assert_int_equal(times_parse(cases[i].text, &t, NULL), 0);
		next = times_next(&t, cases[i].after);
		if (next != cases[i].wanted)
			fail_msg("case %zu: %lld", i, (long long)next);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
