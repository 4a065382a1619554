/*
 * The comparison of two versions and the promotion rule. Both are pure functions, because what they
 * decide at night must be testable by day: no registry, no files, no clock. Called by fraud-train
 * compare, promote and retrain.
 */
#include "learn/compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"

#define EQUAL_RELATIVE 1e-5
/* Of values that the bootstrap draws; one more for the gain. */
#define RUNS ((size_t)COMPARE_SIDES * METRIC_MAX)

struct contest {
	const struct compare_input *in;
	struct ranking ranking[COMPARE_SIDES];
};

static void contest_done(struct contest *c)
{
	for (unsigned i = 0; i < COMPARE_SIDES; i++)
		ranking_done(&c->ranking[i]);
}

/* -1, 0 or 1: whether the candidate's value is lower, equal or higher. */
static int order(double candidate, double live)
{
	double larger = fmax(fabs(candidate), fabs(live));

	if (fabs(candidate - live) <= EQUAL_RELATIVE * larger)
		return 0;
	return candidate > live ? 1 : -1;
}

static void decide(struct verdict *v)
{
	int pr = order(v->metrics[COMPARE_CANDIDATE][METRIC_PR_AUC],
	               v->metrics[COMPARE_LIVE][METRIC_PR_AUC]);
	int roc = order(v->metrics[COMPARE_CANDIDATE][METRIC_ROC_AUC],
	                v->metrics[COMPARE_LIVE][METRIC_ROC_AUC]);

	if (pr) {
		v->winner = pr > 0 ? WINNER_CANDIDATE : WINNER_LIVE;
		v->reason = "higher PR-AUC";
	} else if (roc) {
		v->winner = roc > 0 ? WINNER_CANDIDATE : WINNER_LIVE;
		v->reason = "equal PR-AUC, higher ROC-AUC";
	} else {
		v->winner = WINNER_CANDIDATE;
		v->reason = "equal PR-AUC and ROC-AUC, newer version";
	}
}

static void measure(const struct contest *c, const uint8_t *weights, unsigned side, double *ret)
{
	metrics_compute(&c->ranking[side], weights, c->in->threshold_low[side],
	                c->in->threshold_high[side], ret);
}

/* values: for each side METRIC_MAX runs of `draws`, then the gains. */
static void draw(const struct contest *c, uint8_t *weights, double *values)
{
	size_t draws = c->in->draws;
	double *gains = values + RUNS * draws;
	struct random random;

	random_seed(&random, c->in->seed);
	for (size_t i = 0; i < draws; i++) {
		double one[COMPARE_SIDES][METRIC_MAX];

		bootstrap_weights(&random, weights, c->in->count);
		for (unsigned side = 0; side < COMPARE_SIDES; side++) {
			measure(c, weights, side, one[side]);
			for (unsigned m = 0; m < METRIC_MAX; m++)
				values[((size_t)side * METRIC_MAX + m) * draws + i] = one[side][m];
		}
		gains[i] = one[COMPARE_CANDIDATE][METRIC_PR_AUC] - one[COMPARE_LIVE][METRIC_PR_AUC];
	}
}

static int bootstrap(const struct contest *c, struct verdict *v)
{
	size_t draws = c->in->draws;
	struct arena a = { 0 };
	double *values = arena_calloc(&a, draws + 1, (RUNS + 1) * sizeof(*values));
	uint8_t *weights = arena_calloc(&a, c->in->count + 1, 1);
	bool failed = !values || !weights;

	if (!failed) {
		draw(c, weights, values);
		for (size_t i = 0; i < RUNS; i++)
			v->intervals[i / METRIC_MAX][i % METRIC_MAX] =
			        interval_of(values + i * draws, draws);
		v->pr_auc_gain = interval_of(values + RUNS * draws, draws);
	}
	arena_done(&a);
	return failed ? -ENOMEM : 0;
}

static int judge(struct contest *c, struct verdict *v)
{
	for (unsigned side = 0; side < COMPARE_SIDES; side++) {
		int r = ranking_init(&c->ranking[side], c->in->scores[side], c->in->labels,
		                     c->in->count);

		if (r < 0)
			return r;
		measure(c, NULL, side, v->metrics[side]);
	}
	v->rows = c->in->count;
	v->positives = c->ranking[0].positives;
	if (v->rows == 0)
		v->reason = "no row that neither version has seen";
	else if (v->positives == 0 || v->positives == v->rows)
		v->reason = "only one class among the rows that neither version has seen";
	else
		decide(v);
	return v->winner == WINNER_NONE ? 0 : bootstrap(c, v);
}

int compare_versions(const struct compare_input *in, struct verdict *ret)
{
	struct contest c = { .in = in };
	struct verdict v = { 0 };
	int r = judge(&c, &v);

	contest_done(&c);
	if (r == 0)
		*ret = v;
	return r;
}

static bool refuse(struct errbuf *ret_words, const char *what, double value, double limit)
{
	errbuf_set(ret_words, 0, "%s %.4g is above the limit of %.4g", what, value, limit);
	return false;
}

bool promotion_allowed(const struct promotion_facts *f, struct errbuf *ret_words)
{
	bool allowed = false;

	if (f->pinned)
		errbuf_set(ret_words, 0, "a version is pinned");
	else if (f->dead_input)
		errbuf_set(ret_words, 0, "input \"%s\" has gone constant or missing",
		           f->dead_input);
	else if (f->verdict && f->verdict->winner != WINNER_CANDIDATE)
		errbuf_set(ret_words, 0, "%s%s",
		           f->verdict->winner == WINNER_LIVE ? "the live version wins: "
		                                             : "no verdict: ",
		           f->verdict->reason);
	else if (f->verdict && f->flip_rate > f->max_flip_rate)
		return refuse(ret_words, "share of decisions that would change", f->flip_rate,
		              f->max_flip_rate);
	else if (f->verdict && f->score_shift > f->max_score_shift)
		return refuse(ret_words, "stability index of the score", f->score_shift,
		              f->max_score_shift);
	else
		allowed = true;
	if (allowed)
		errbuf_set(ret_words, 0, "%s",
		           f->verdict ? f->verdict->reason : "nothing is live yet");
	return allowed;
}

static double share(uint64_t n, uint64_t total)
{
	return n ? (double)n / (double)total : 0.5 / (double)total;
}

double stability_index(const uint64_t *expected, const uint64_t *actual, size_t bins)
{
	uint64_t expected_total = 0, actual_total = 0;
	double sum = 0.0;

	for (size_t i = 0; i < bins; i++) {
		expected_total += expected[i];
		actual_total += actual[i];
	}
	if (expected_total == 0 || actual_total == 0)
		return (double)NAN;
	for (size_t i = 0; i < bins; i++) {
		double p = share(actual[i], actual_total);
		double q = share(expected[i], expected_total);

		if (actual[i] || expected[i])
			sum += (p - q) * log(p / q);
	}
	return sum;
}
