/*
 * Two versions on the same rows, and whether the newer one may take over. Pure: scores in, verdict
 * out; which rows count (both holdouts, at or after the later cutoff) is the caller's business.
 */
#ifndef LEARN_COMPARE_H
#define LEARN_COMPARE_H

#include <stdbool.h>

#include "base/errbuf.h"
#include "learn/bootstrap.h"

enum compare_side { COMPARE_LIVE, COMPARE_CANDIDATE, COMPARE_SIDES };
enum compare_winner { WINNER_NONE, WINNER_LIVE, WINNER_CANDIDATE };

struct compare_input {
	const uint8_t *labels;
	const float *scores[COMPARE_SIDES]; /* of each version's model_holdout */
	float threshold_low[COMPARE_SIDES], threshold_high[COMPARE_SIDES];
	size_t count;
	uint64_t seed;
	unsigned draws;
};

struct verdict {
	enum compare_winner winner; /* NONE: empty slice or one class */
	const char *reason;         /* one static line: what decided, or why nothing could */
	size_t rows, positives;
	double metrics[COMPARE_SIDES][METRIC_MAX];
	struct interval intervals[COMPARE_SIDES][METRIC_MAX];
	/* candidate - live, on the same resamples: tells more than two intervals that overlap */
	struct interval pr_auc_gain;
};

/* Higher PR-AUC wins; equal (1e-5 relative): higher ROC-AUC; equal: the candidate, being newer.
 * 0 also without a winner; -ENOMEM, -E2BIG. */
int compare_versions(const struct compare_input *in, struct verdict *ret);

/* What else is known when a winner asks to be promoted. */
struct promotion_facts {
	const struct verdict *verdict; /* NULL: nothing is live yet */
	bool pinned;            /* an operator holds a version: nothing is promoted over it */
	const char *dead_input; /* an input of the candidate gone constant or missing, or NULL */
	double flip_rate; /* share of the last window's decisions that would change; NaN: unknown */
	double max_flip_rate;
	double score_shift; /* population stability index of the score; NaN: unknown */
	double max_score_shift;
};

/* True if the candidate may take over; the words say why or why not. */
bool promotion_allowed(const struct promotion_facts *f, struct errbuf *ret_words);

/*
 * Population stability index of two histograms over the same bins: sum (p - q) ln(p / q). Empty
 * bins count as half a row. NaN when one of them has no rows.
 */
double stability_index(const uint64_t *expected, const uint64_t *actual, size_t bins);

#endif
