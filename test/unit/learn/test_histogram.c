/* Bins of reference histograms: few values, many values, ties, missing ones. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "learn/histogram.h"

static void test_few_values(void **state)
{
	const float values[] = { 1, 0, 1, NAN, 3, 1, -1, NAN };
	const uint64_t want[] = { 0, 1, 1, 3, 1 };
	struct histogram h;

	(void)state;
	assert_int_equal(histogram_learn(&h, values, 8, 1), 0);
	assert_int_equal(h.edge_count, 4);
	for (unsigned i = 0; i <= h.edge_count; i++)
		assert_int_equal(h.counts[i], want[i]);
	assert_int_equal(h.missing, 2);
	histogram_add(&h, -5.0f);
	histogram_add(&h, 2.0f);
	assert_int_equal(h.counts[0], 1);
	assert_int_equal(h.counts[3], 4);
}

static void test_many_values(void **state)
{
	float values[2000];
	struct histogram h;

	(void)state;
	/* a matrix of two columns; the second is 0 in half of the rows */
	for (size_t i = 0; i < 1000; i++) {
		values[2 * i] = (float)(i * 7 % 1000);
		values[2 * i + 1] = i % 2 ? (float)i : 0.0f;
	}
	assert_int_equal(histogram_learn(&h, values, 1000, 2), 0);
	assert_int_equal(h.edge_count, 9);
	for (unsigned i = 0; i <= 9; i++)
		assert_int_equal(h.counts[i], 100);
	assert_int_equal(histogram_learn(&h, values + 1, 1000, 2), 0);
	assert_true(h.edge_count < 9);
	assert_true(h.edges[0] == 0.0f);
	assert_int_equal(h.counts[0], 0);
}

static void test_nothing(void **state)
{
	const float missing[] = { NAN, NAN };
	struct histogram h;

	(void)state;
	assert_int_equal(histogram_learn(&h, missing, 2, 1), 0);
	assert_int_equal(h.edge_count, 0);
	assert_int_equal(h.missing, 2);
	assert_int_equal(histogram_learn(&h, missing, 0, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_values),
		cmocka_unit_test(test_many_values),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
