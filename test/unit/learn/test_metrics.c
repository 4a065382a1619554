/*
 * Metrics and thresholds against figures of scikit-learn 1.9.1. The rows come from integers, so
 * Python makes the same ones:
 *
 *   i = np.arange(n); label = ((i*i*31 + 7*i) % 11 < 2).astype(int); noise = (i*7919) % 97
 *   s = np.float32(noise*(1 - signal*label) + 97*signal*label) / np.float32(97)
 *   if steps: s = np.float32(np.floor(s*steps)) / np.float32(steps)
 *   p, r, _ = precision_recall_curve(label, s)
 *   auc(r, p), average_precision_score(label, s), roc_auc_score(label, s), then recall, precision
 *   and FPR of s >= 0.3 and of s >= 0.7, log_loss(label, s.astype(float64)), brier_score_loss
 *
 * The thresholds come from trying each score in turn (recall 0.8, FPR 0.05).
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "learn/thresholds.h"

#define MAX_ROWS 1000

struct made {
	float scores[MAX_ROWS];
	uint8_t labels[MAX_ROWS];
	size_t count;
};

static void make(struct made *m, size_t n, unsigned steps, double signal)
{
	m->count = n;
	for (size_t i = 0; i < n; i++) {
		double label = (i * i * 31 + 7 * i) % 11 < 2 ? 1.0 : 0.0;
		double noise = (double)(i * 7919 % 97);
		float s = (float)(noise * (1.0 - signal * label) + 97.0 * signal * label) / 97.0f;

		m->labels[i] = label > 0.0;
		m->scores[i] = steps ? floorf(s * (float)steps) / (float)steps : s;
	}
}

static const struct {
	size_t n;
	unsigned steps;
	double signal;
	double expected[METRIC_MAX];
	float low, high;
} cases[] = {
	{ 50,
	  0,
	  0,
	  { 0.1678458024842289, 0.19409618680262428, 0.39024390243902435, 0.44444444444444442,
	    0.11764705882352941, 0.73170731707317072, 0.44444444444444442, 0.2857142857142857,
	    0.24390243902439024, 1.7255341778347468, 0.35358910743878036 },
	  0.030927835f,
	  0.948453605f },
	{ 200,
	  0,
	  0.5,
	  { 0.24450800834698541, 0.25772670619841143, 0.66191344718952083, 1, 0.2356687898089172,
	    0.73619631901840488, 0.3783783783783784, 0.2153846153846154, 0.31288343558282211,
	    0.90933542268635092, 0.308095298336451 },
	  0.546391726f,
	  0.953608274f },
	{ 1000,
	  10,
	  0.25,
	  { 0.25935155465473697, 0.21689069101286471, 0.60475832236223437, 0.92307692307692313,
	    0.22795115332428764, 0.69559902200488999, 0.36263736263736263, 0.21019108280254778,
	    0.30317848410757947, 0.76938262443814942, 0.27751999916762127 },
	  0.300000012f,
	  0.900000036f },
	{ 1000,
	  0,
	  0.75,
	  { 0.483319686703993, 0.48050056022186849, 0.87138289583277362, 1, 0.24234354194407456,
	    0.69559902200488999, 1, 0.42325581395348838, 0.30317848410757947, 0.82679205948516388,
	    0.27612920214210979 },
	  0.796391726f,
	  0.95103091f },
};

static void test_scikit_learn(void **state)
{
	static struct made m;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double got[METRIC_MAX];
		struct ranking r;

		make(&m, cases[i].n, cases[i].steps, cases[i].signal);
		assert_int_equal(ranking_init(&r, m.scores, m.labels, m.count), 0);
		metrics_compute(&r, NULL, 0.3f, 0.7f, got);
		for (unsigned k = 0; k < METRIC_MAX; k++) {
			/* scikit-learn sums the same terms in another order */
			if (!(fabs(got[k] - cases[i].expected[k]) < 1e-12))
				fail_msg("case %zu, %s: %.17g instead of %.17g", i, metric_names[k],
				         got[k], cases[i].expected[k]);
		}
		ranking_done(&r);
	}
}

static void test_thresholds(void **state)
{
	static struct made m;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct threshold_pair t;
		struct ranking r;

		make(&m, cases[i].n, cases[i].steps, cases[i].signal);
		assert_int_equal(ranking_init(&r, m.scores, m.labels, m.count), 0);
		assert_int_equal(thresholds_choose(&r, 0.8, 0.05, &t), 0);
		if (t.low != cases[i].low || t.high != cases[i].high || t.crossed)
			fail_msg("case %zu: %.9g, %.9g%s", i, (double)t.low, (double)t.high,
			         t.crossed ? ", crossed" : "");
		ranking_done(&r);
	}
}

static void test_thresholds_at_the_edges(void **state)
{
	const float scores[] = { 0.9f, 0.8f, 0.8f, 0.3f, 0.2f, 0.1f };
	static const struct {
		uint8_t labels[6];
		double recall, cap;
		int r;
		float low, high;
		bool crossed;
	} edge[] = {
		/* perfect: low would be 0.8 and high 0.8 with no false alarm allowed */
		{ { 1, 1, 1, 0, 0, 0 }, 1.0, 0.0, 0, 0.8f, 0.8f, false },
		/* high goes below low when the cap is generous */
		{ { 1, 1, 1, 0, 0, 0 }, 1.0, 0.34, 0, 0.3f, 0.3f, true },
		/* the best score is a false alarm: nothing may be blocked */
		{ { 0, 1, 1, 1, 0, 0 }, 0.5, 0.1, 0, 0.8f, 0.90000004f, false },
		/* a tie holds both classes: it cannot be cut */
		{ { 1, 1, 0, 0, 0, 0 }, 1.0, 0.0, 0, 0.8f, 0.9f, false },
		{ { 0, 0, 0, 0, 0, 0 }, 0.8, 0.01, -ENODATA, 0, 0, false },
		{ { 1, 1, 1, 1, 1, 1 }, 0.8, 0.01, -ENODATA, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(edge) / sizeof(edge[0]); i++) {
		struct threshold_pair t = { 0 };
		struct ranking r;

		assert_int_equal(ranking_init(&r, scores, edge[i].labels, 6), 0);
		if (thresholds_choose(&r, edge[i].recall, edge[i].cap, &t) != edge[i].r ||
		    t.low != edge[i].low || t.high != edge[i].high || t.crossed != edge[i].crossed)
			fail_msg("case %zu: %.9g, %.9g, %d", i, (double)t.low, (double)t.high,
			         t.crossed);
		ranking_done(&r);
	}
}

/* A weight is the same as the row so many times. */
static void test_weights(void **state)
{
	static struct made m, repeated;
	static uint8_t weights[MAX_ROWS];
	double weighted[METRIC_MAX], plain[METRIC_MAX];
	struct ranking a, b;

	(void)state;
	make(&m, 300, 20, 0.4);
	for (size_t i = 0; i < m.count; i++) {
		weights[i] = (uint8_t)(i * 5 % 4);
		for (unsigned k = 0; k < weights[i]; k++) {
			repeated.scores[repeated.count] = m.scores[i];
			repeated.labels[repeated.count++] = m.labels[i];
		}
	}
	assert_int_equal(ranking_init(&a, m.scores, m.labels, m.count), 0);
	assert_int_equal(ranking_init(&b, repeated.scores, repeated.labels, repeated.count), 0);
	metrics_compute(&a, weights, 0.3f, 0.7f, weighted);
	metrics_compute(&b, NULL, 0.3f, 0.7f, plain);
	for (unsigned k = 0; k < METRIC_MAX; k++) {
		if (!(fabs(weighted[k] - plain[k]) < 1e-12))
			fail_msg("%s: %.17g instead of %.17g", metric_names[k], weighted[k],
			         plain[k]);
	}
	ranking_done(&a);
	ranking_done(&b);
}

static void test_one_class_says_nothing(void **state)
{
	const float scores[] = { 0.5f, 0.25f };
	const uint8_t labels[] = { 0, 0 };
	double got[METRIC_MAX];
	struct ranking r;

	(void)state;
	assert_int_equal(ranking_init(&r, scores, labels, 2), 0);
	metrics_compute(&r, NULL, 0.3f, 0.7f, got);
	for (unsigned k = 0; k < METRIC_LOG_LOSS; k++)
		assert_true(isnan(got[k]));
	assert_true(fabs(got[METRIC_BRIER] - (0.25 + 0.0625) / 2) < 1e-15);
	ranking_done(&r);
	assert_int_equal(ranking_init(&r, scores, labels, 0), 0);
	metrics_compute(&r, NULL, 0.3f, 0.7f, got);
	assert_true(isnan(got[METRIC_BRIER]));
	ranking_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scikit_learn),
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_thresholds_at_the_edges),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_one_class_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
