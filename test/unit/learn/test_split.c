/* The split by time: shares, ties that must stay together, windows that cannot be parted. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "learn/split.h"

static const struct {
	int64_t times[12];
	size_t count;
	double test, validation;
	int r;
	size_t want_validation, want_holdout;
	int64_t cutoff;
} cases[] = {
	{ { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, 10, 0.2, 0.25, 0, 6, 8, 9 },
	/* rows of one instant go to the newer part together */
	{ { 1, 2, 3, 4, 5, 6, 7, 8, 8, 8 }, 10, 0.2, 0.25, 0, 6, 7, 8 },
	/* nothing would be left to train on: they go to the older part */
	{ { 1, 1, 1, 1, 1, 1, 1, 1, 1, 2 }, 10, 0.5, 0.25, 0, 9, 9, 2 },
	/* the rest is of one instant: no validation */
	{ { 1, 1, 1, 1, 2, 2 }, 6, 0.4, 0.5, 0, 4, 4, 2 },
	{ { 1, 2 }, 2, 0.01, 0.5, 0, 1, 1, 2 },
	{ { 1, 2, 3 }, 3, 0.9, 0.9, 0, 1, 1, 2 },
	{ { 5, 5, 5 }, 3, 0.5, 0.5, -ENODATA, 0, 0, 0 },
	{ { 5 }, 1, 0.5, 0.5, -ENODATA, 0, 0, 0 },
	{ { 0 }, 0, 0.5, 0.5, -ENODATA, 0, 0, 0 },
};

static void test_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct split s = { 0 };
		int r = split_by_time(cases[i].times, cases[i].count, cases[i].test,
		                      cases[i].validation, &s);

		if (r != cases[i].r || s.validation != cases[i].want_validation ||
		    s.holdout != cases[i].want_holdout || s.cutoff_us != cases[i].cutoff)
			fail_msg("case %zu: %d, %zu, %zu, %lld", i, r, s.validation, s.holdout,
			         (long long)s.cutoff_us);
	}
}

static void test_order_is_stable(void **state)
{
	const int64_t times[] = { 3, 1, 2, 1, INT64_MIN, 3, INT64_MAX };
	const size_t want[] = { 4, 1, 3, 2, 0, 5, 6 };
	size_t order[7];

	(void)state;
	assert_int_equal(split_order(times, 7, order), 0);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(order[i], want[i]);
	assert_int_equal(split_order(times, 0, order), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_order_is_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
