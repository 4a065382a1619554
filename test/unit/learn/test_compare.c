/* Who wins, when nobody does, and what keeps a winner from taking over. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "learn/compare.h"

#define ROWS 6

static const struct {
	size_t count;
	uint8_t labels[ROWS];
	float live[ROWS], candidate[ROWS];
	enum compare_winner winner;
	const char *reason;
} cases[] = {
	{ 6,
	  { 1, 1, 0, 0, 0, 0 },
	  { 9, 2, 3, 1, 1, 1 },
	  { 9, 8, 3, 1, 1, 1 },
	  WINNER_CANDIDATE,
	  "higher PR-AUC" },
	{ 6,
	  { 1, 1, 0, 0, 0, 0 },
	  { 9, 8, 3, 1, 1, 1 },
	  { 9, 2, 3, 1, 1, 1 },
	  WINNER_LIVE,
	  "higher PR-AUC" },
	{ 6,
	  { 1, 1, 0, 0, 0, 0 },
	  { 9, 8, 3, 2, 1, 0 },
	  { 7, 6, 1, 1, 1, 1 },
	  WINNER_CANDIDATE,
	  "equal PR-AUC and ROC-AUC, newer version" },
	{ 6,
	  { 0, 0, 0, 0, 0, 0 },
	  { 9, 8, 3, 2, 1, 0 },
	  { 7, 6, 1, 1, 1, 1 },
	  WINNER_NONE,
	  "only one class among the rows that neither version has seen" },
	{ 6,
	  { 1, 1, 1, 1, 1, 1 },
	  { 9, 8, 3, 2, 1, 0 },
	  { 7, 6, 1, 1, 1, 1 },
	  WINNER_NONE,
	  "only one class among the rows that neither version has seen" },
	{ 0, { 0 }, { 0 }, { 0 }, WINNER_NONE, "no row that neither version has seen" },
};

static void test_winners(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct compare_input in = {
			.labels = cases[i].labels,
			.scores = { cases[i].live, cases[i].candidate },
			.threshold_low = { 1, 1 },
			.threshold_high = { 5, 5 },
			.count = cases[i].count,
			.seed = 1,
			.draws = 50,
		};
		struct verdict v;

		assert_int_equal(compare_versions(&in, &v), 0);
		if (v.winner != cases[i].winner || strcmp(v.reason, cases[i].reason) != 0)
			fail_msg("case %zu: %d, %s", i, v.winner, v.reason);
	}
}

/* One of 70,000 positives at the very end costs 1.4e-5 of the ROC-AUC, but only 0.7e-5 of the
 * PR-AUC: the latter counts as equal, the former decides. */
static void test_equal_within_tolerance(void **state)
{
	enum { N = 140000 };
	static uint8_t labels[N];
	static float live[N], candidate[N];
	struct compare_input in = { .labels = labels, .scores = { live, candidate }, .count = N };
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		labels[i] = i < N / 2;
		live[i] = candidate[i] = labels[i] ? 0.9f : 0.1f;
	}
	candidate[0] = 0.0f;
	assert_int_equal(compare_versions(&in, &v), 0);
	assert_int_equal(v.winner, WINNER_LIVE);
	assert_string_equal(v.reason, "equal PR-AUC, higher ROC-AUC");
	assert_true(v.metrics[COMPARE_CANDIDATE][METRIC_PR_AUC] <
	            v.metrics[COMPARE_LIVE][METRIC_PR_AUC]);
	assert_true(isnan(v.pr_auc_gain.low));
}

static void test_gain_interval(void **state)
{
	float live[400], candidate[400];
	uint8_t labels[400];
	struct compare_input in = { .labels = labels,
		                    .scores = { live, candidate },
		                    .count = 400,
		                    .seed = 3,
		                    .draws = 200 };
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < 400; i++) {
		labels[i] = i % 9 == 0;
		live[i] = (float)(i * 37 % 100) / 100.0f;
		candidate[i] = live[i] + (labels[i] ? 0.6f : 0.0f);
	}
	assert_int_equal(compare_versions(&in, &v), 0);
	assert_int_equal(v.winner, WINNER_CANDIDATE);
	assert_true(v.pr_auc_gain.low > 0.0);
	assert_true(v.pr_auc_gain.low < v.pr_auc_gain.high);
	assert_int_equal(v.rows, 400);
	assert_int_equal(v.positives, 45);
}

static void test_promotion(void **state)
{
	static const struct verdict wins = { .winner = WINNER_CANDIDATE,
		                             .reason = "higher PR-AUC" };
	static const struct verdict loses = { .winner = WINNER_LIVE, .reason = "higher PR-AUC" };
	static const struct verdict none = { .winner = WINNER_NONE, .reason = "no row" };
	static const struct {
		struct promotion_facts facts;
		bool allowed;
		const char *words;
	} rules[] = {
		{ { &wins, false, NULL, 0.01, 0.05, 0.1, 0.25 }, true, "higher PR-AUC" },
		{ { NULL, false, NULL, NAN, 0.05, NAN, 0.25 }, true, "nothing is live yet" },
		{ { &wins, false, NULL, NAN, 0.05, NAN, 0.25 }, true, "higher PR-AUC" },
		{ { &wins, true, NULL, 0.01, 0.05, 0.1, 0.25 }, false, "a version is pinned" },
		{ { NULL, true, NULL, NAN, 0.05, NAN, 0.25 }, false, "a version is pinned" },
		{ { &loses, false, NULL, 0.01, 0.05, 0.1, 0.25 },
		  false,
		  "the live version wins: higher PR-AUC" },
		{ { &none, false, NULL, 0.01, 0.05, 0.1, 0.25 }, false, "no verdict: no row" },
		{ { &wins, false, "id_type", 0.01, 0.05, 0.1, 0.25 },
		  false,
		  "input \"id_type\" has gone constant or missing" },
		{ { &wins, false, NULL, 0.051, 0.05, 0.1, 0.25 },
		  false,
		  "share of decisions that would change 0.051 is above the limit of 0.05" },
		{ { &wins, false, NULL, 0.01, 0.05, 0.3, 0.25 },
		  false,
		  "stability index of the score 0.3 is above the limit of 0.25" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct errbuf words;
		bool allowed = promotion_allowed(&rules[i].facts, &words);

		if (allowed != rules[i].allowed || strcmp(words.text, rules[i].words) != 0)
			fail_msg("case %zu: %d, %s", i, allowed, words.text);
	}
}

static void test_stability_index(void **state)
{
	const uint64_t even[] = { 50, 50 }, skewed[] = { 75, 25 }, gap[] = { 100, 0 };
	const uint64_t nothing[] = { 0, 0 };

	(void)state;
	assert_true(stability_index(even, even, 2) == 0.0);
	/* (.75 - .5) ln(.75 / .5) + (.25 - .5) ln(.25 / .5) */
	assert_true(fabs(stability_index(even, skewed, 2) - 0.27465307216702745) < 1e-15);
	assert_true(isfinite(stability_index(even, gap, 2)));
	assert_true(isnan(stability_index(even, nothing, 2)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_winners),
		cmocka_unit_test(test_equal_within_tolerance),
		cmocka_unit_test(test_gain_interval),
		cmocka_unit_test(test_promotion),
		cmocka_unit_test(test_stability_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
