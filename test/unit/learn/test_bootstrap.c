/* The bootstrap: the weights are Poisson, the intervals numpy's, the same seed gives the same bits.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "learn/bootstrap.h"

static void test_weights_are_poisson(void **state)
{
	static uint8_t weights[200001];
	const double want[] = { 0.3679, 0.3679, 0.1839, 0.0613, 0.0153 };
	size_t counts[16] = { 0 };
	struct random random;

	(void)state;
	random_seed(&random, 7);
	bootstrap_weights(&random, weights, sizeof(weights));
	for (size_t i = 0; i < sizeof(weights); i++)
		counts[weights[i]]++;
	for (unsigned k = 0; k < 5; k++) {
		double share = (double)counts[k] / (double)sizeof(weights);

		/* five standard deviations of a share of 200,001 are below 0.006 */
		if (fabs(share - want[k]) > 0.006)
			fail_msg("%u: share %.4f instead of %.4f", k, share, want[k]);
	}
}

/* numpy.percentile(v, [2.5, 97.5]) */
static void test_intervals(void **state)
{
	static const struct {
		double values[8];
		size_t count;
		double low, high;
	} cases[] = {
		{ { 3, 1, 2, 5, 4 }, 5, 1.1, 4.9 },
		{ { 7 }, 1, 7, 7 },
		{ { 2, NAN, 1, NAN }, 4, 1.025, 1.975 },
		{ { 1, 2, 3, 4, 5, 6, 7, 8 }, 8, 1.175, 7.825 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double values[8];
		struct interval got;

		memcpy(values, cases[i].values, sizeof(values));
		got = interval_of(values, cases[i].count);
		if (fabs(got.low - cases[i].low) > 1e-12 || fabs(got.high - cases[i].high) > 1e-12)
			fail_msg("case %zu: %.17g, %.17g", i, got.low, got.high);
	}
	assert_true(isnan(interval_of(NULL, 0).low));
}

static void test_metrics(void **state)
{
	struct interval first[METRIC_MAX], again[METRIC_MAX], other[METRIC_MAX];
	double point[METRIC_MAX];
	float scores[500];
	uint8_t labels[500];
	struct ranking r;

	(void)state;
	for (size_t i = 0; i < 500; i++) {
		labels[i] = i % 7 == 0;
		scores[i] = (float)(i * 37 % 100) / 200.0f + (labels[i] ? 0.3f : 0.0f);
	}
	assert_int_equal(ranking_init(&r, scores, labels, 500), 0);
	metrics_compute(&r, NULL, 0.3f, 0.6f, point);
	assert_int_equal(bootstrap_metrics(&r, 0.3f, 0.6f, 42, 300, first), 0);
	assert_int_equal(bootstrap_metrics(&r, 0.3f, 0.6f, 42, 300, again), 0);
	assert_int_equal(bootstrap_metrics(&r, 0.3f, 0.6f, 43, 300, other), 0);
	assert_memory_equal(first, again, sizeof(first));
	assert_memory_not_equal(first, other, sizeof(first));
	for (unsigned k = 0; k < METRIC_MAX; k++) {
		if (!(first[k].low <= point[k] && point[k] <= first[k].high))
			fail_msg("%s: %g not within [%g, %g]", metric_names[k], point[k],
			         first[k].low, first[k].high);
	}
	assert_true(first[METRIC_PR_AUC].low < first[METRIC_PR_AUC].high);
	assert_int_equal(bootstrap_metrics(&r, 0.3f, 0.6f, 42, 0, first), 0);
	assert_true(isnan(first[METRIC_PR_AUC].low));
	ranking_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights_are_poisson),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
