/* The generator against its authors' values, and that its numbers are spread as they should be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"

/* From the public reference code: state 1, 2, 3, 4; and splitmix64 seeded with 0. */
static void reference_values(void **unused)
{
	static const uint64_t expected[] = {
		11520,
		0,
		1509978240,
		1215971899390074240,
		1216172134540287360,
		607988272756665600,
		UINT64_C(16172922978634559625),
		UINT64_C(8476171486693032832),
		UINT64_C(10595114339597558777),
		UINT64_C(2904607092377533576),
	};
	struct random r = { { 1, 2, 3, 4 } };

	(void)unused;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		uint64_t value = random_u64(&r);

		if (value != expected[i])
			fail_msg("value %zu: %llu", i, (unsigned long long)value);
	}
	random_seed(&r, 0);
	assert_true(r.s[0] == UINT64_C(0xe220a8397b1dcdaf));
	assert_true(r.s[1] == UINT64_C(0x6e789e6aa1b965f4));
	assert_true(r.s[2] == UINT64_C(0x06c45d188009454f));
	assert_true(r.s[3] == UINT64_C(0xf88bb8a8724c81ec));
}

static void same_seed_same_numbers(void **unused)
{
	struct random one, two, other;
	unsigned same = 0;

	(void)unused;
	random_seed(&one, 42);
	random_seed(&two, 42);
	random_seed(&other, 43);
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t value = random_u64(&one);

		assert_true(value == random_u64(&two));
		same += value == random_u64(&other);
	}
	assert_int_equal(same, 0);
}

static void below_stays_below_and_is_even(void **unused)
{
	static const uint64_t limits[] = { 1, 2, 3, 10, 1000, UINT64_C(1) << 63, UINT64_MAX };
	struct random r;
	unsigned counts[10] = { 0 };

	(void)unused;
	random_seed(&r, 1);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		for (unsigned k = 0; k < 1000; k++) {
			if (random_below(&r, limits[i]) >= limits[i])
				fail_msg("limit %zu", i);
		}
	}
	for (unsigned i = 0; i < 100000; i++)
		counts[random_below(&r, 10)]++;
	/* Five standard deviations of a count are 474. */
	for (unsigned i = 0; i < 10; i++) {
		if (counts[i] < 9526 || counts[i] > 10474)
			fail_msg("%u came %u times", i, counts[i]);
	}
}

static void moments(void **unused)
{
	struct random r;
	double unit = 0, sum = 0, squares = 0;
	const unsigned n = 100000;

	(void)unused;
	random_seed(&r, 7);
	for (unsigned i = 0; i < n; i++) {
		double u = random_unit(&r);
		double x = random_normal(&r);

		assert_true(u >= 0 && u < 1);
		unit += u;
		sum += x;
		squares += x * x;
	}
	assert_true(unit / n > 0.495 && unit / n < 0.505);
	assert_true(sum / n > -0.016 && sum / n < 0.016);
	assert_true(squares / n > 0.977 && squares / n < 1.023);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_values),
		cmocka_unit_test(same_seed_same_numbers),
		cmocka_unit_test(below_stays_below_and_is_even),
		cmocka_unit_test(moments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
