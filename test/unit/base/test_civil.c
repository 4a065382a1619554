/* The calendar against known days, over whole 400-year cycles, before 1970 and before year 1. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/civil.h"

static void known_days(void **unused)
{
	static const struct {
		int32_t year;
		unsigned month, day, weekday; /* Monday 0 */
		int64_t days;
	} cases[] = {
		{ 1970, 1, 1, 3, 0 },         { 1969, 12, 31, 2, -1 },
		{ 2000, 2, 29, 1, 11016 },    { 2000, 3, 1, 2, 11017 },
		{ 1900, 3, 1, 3, -25508 },    { 1900, 2, 28, 2, -25509 },
		{ 2024, 2, 29, 3, 19782 },    { 2026, 11, 22, 6, 20779 },
		{ 1600, 1, 1, 5, -135140 },   { 1, 1, 1, 0, -719162 },
		{ 0, 3, 1, 2, -719468 },      { -1, 12, 31, 4, -719529 },
		{ 9999, 12, 31, 4, 2932896 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t days = civil_to_days(cases[i].year, cases[i].month, cases[i].day);
		struct civil c = civil_of_us(cases[i].days * CIVIL_DAY_US);

		if (days != cases[i].days)
			fail_msg("case %zu: day %lld", i, (long long)days);
		if (civil_weekday(days) != cases[i].weekday)
			fail_msg("case %zu: weekday %u", i, civil_weekday(days));
		if (c.year != cases[i].year || c.month != cases[i].month || c.day != cases[i].day)
			fail_msg("case %zu: %d-%u-%u", i, c.year, c.month, c.day);
	}
}

/* Every day of two cycles of 400 years and some, counted by hand from year -401 on. */
static void each_day_follows_the_last(void **unused)
{
	int64_t days = civil_to_days(-401, 1, 1);

	(void)unused;
	for (int32_t year = -401; year < 2402; year++) {
		for (unsigned month = 1; month <= 12; month++) {
			for (unsigned day = 1; civil_is_date(year, month, day); day++, days++) {
				struct civil c = civil_of_us(days * CIVIL_DAY_US);

				if (civil_to_days(year, month, day) != days || c.year != year ||
				    c.month != month || c.day != day)
					fail_msg("%d-%u-%u", year, month, day);
			}
		}
	}
	assert_int_equal(civil_to_days(2399, 1, 1) - civil_to_days(1999, 1, 1), 146097);
}

static void dates(void **unused)
{
	static const struct {
		int32_t year;
		unsigned month, day;
		bool valid;
	} cases[] = {
		{ 2023, 2, 29, false }, { 2024, 2, 29, true },  { 1900, 2, 29, false },
		{ 2000, 2, 29, true },  { 2100, 2, 29, false }, { 0, 2, 29, true },
		{ -4, 2, 29, true },    { -1, 2, 29, false },   { 2024, 2, 30, false },
		{ 2024, 0, 1, false },  { 2024, 13, 1, false }, { 2024, 1, 0, false },
		{ 2024, 1, 31, true },  { 2024, 1, 32, false }, { 2024, 4, 31, false },
		{ 2024, 4, 30, true },  { 2024, 12, 31, true },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (civil_is_date(cases[i].year, cases[i].month, cases[i].day) != cases[i].valid)
			fail_msg("case %zu", i);
	}
}

static void instants(void **unused)
{
	static const struct {
		int64_t us;
		struct civil civil;
		const char *utc, *version;
	} cases[] = {
		{ 0, { 1970, 1, 1, 0, 0, 0, 0 }, "1970-01-01T00:00:00Z", "19700101-000000" },
		{ -1,
		  { 1969, 12, 31, 23, 59, 59, 999999 },
		  "1969-12-31T23:59:59Z",
		  "19691231-235959" },
		{ INT64_C(1795342210000000),
		  { 2026, 11, 22, 10, 10, 10, 0 },
		  "2026-11-22T10:10:10Z",
		  "20261122-101010" },
		{ INT64_C(951782399999999),
		  { 2000, 2, 28, 23, 59, 59, 999999 },
		  "2000-02-28T23:59:59Z",
		  "20000228-235959" },
		{ INT64_C(253402300799999999),
		  { 9999, 12, 31, 23, 59, 59, 999999 },
		  "9999-12-31T23:59:59Z",
		  "99991231-235959" },
		{ INT64_C(-62135596800000000),
		  { 1, 1, 1, 0, 0, 0, 0 },
		  "0001-01-01T00:00:00Z",
		  "00010101-000000" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct civil c = civil_of_us(cases[i].us);
		char utc[21], version[16];

		if (civil_to_us(&cases[i].civil) != cases[i].us)
			fail_msg("case %zu: %lld", i, (long long)civil_to_us(&cases[i].civil));
		if (civil_to_us(&c) != cases[i].us || c.microsecond != cases[i].civil.microsecond ||
		    c.second != cases[i].civil.second || c.hour != cases[i].civil.hour)
			fail_msg("case %zu: back", i);
		civil_print_utc(cases[i].us, utc);
		civil_print_version(cases[i].us, version);
		if (strcmp(utc, cases[i].utc) != 0 || strcmp(version, cases[i].version) != 0)
			fail_msg("case %zu: %s %s", i, utc, version);
	}
}

static void far_away_prints_the_nearest(void **unused)
{
	char utc[21];

	(void)unused;
	civil_print_utc(INT64_MAX, utc);
	assert_string_equal(utc, "9999-12-31T23:59:59Z");
	civil_print_utc(INT64_MIN, utc);
	assert_string_equal(utc, "0000-01-01T00:00:00Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_days),
		cmocka_unit_test(each_day_follows_the_last),
		cmocka_unit_test(dates),
		cmocka_unit_test(instants),
		cmocka_unit_test(far_away_prints_the_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
