/*
 * Metrics in one sweep over the rows by falling score. Ties are one step: rows of the same score
 * cannot be told apart by any threshold. Weights are small integers, so the bootstrap uses the same
 * sweep and the same sort. Called by the trainer, the comparison and the bootstrap.
 */
#include "learn/metrics.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

const char *const metric_names[METRIC_MAX] = {
	[METRIC_PR_AUC] = "pr_auc",
	[METRIC_AVERAGE_PRECISION] = "average_precision",
	[METRIC_ROC_AUC] = "roc_auc",
	[METRIC_RECALL_LOW] = "recall_low",
	[METRIC_PRECISION_LOW] = "precision_low",
	[METRIC_FPR_LOW] = "fpr_low",
	[METRIC_RECALL_HIGH] = "recall_high",
	[METRIC_PRECISION_HIGH] = "precision_high",
	[METRIC_FPR_HIGH] = "fpr_high",
	[METRIC_LOG_LOSS] = "log_loss",
	[METRIC_BRIER] = "brier",
};

struct scored {
	float score;
	uint32_t row;
};

static int by_falling_score(const void *a, const void *b)
{
	const struct scored *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

static void fill(struct ranking *r, const struct scored *sorted, const uint8_t *labels)
{
	for (size_t i = 0; i < r->count; i++) {
		r->scores[i] = sorted[i].score;
		r->row[i] = sorted[i].row;
		r->labels[i] = labels[sorted[i].row] != 0;
		r->positives += r->labels[i];
	}
}

int ranking_init(struct ranking *ret, const float *scores, const uint8_t *labels, size_t count)
{
	size_t room = count ? count : 1;
	struct ranking r = { .count = count };
	struct scored *sorted;

	if (count > UINT32_MAX)
		return -E2BIG;
	sorted = calloc(room, sizeof(*sorted));
	r.scores = calloc(room, sizeof(*r.scores));
	r.labels = calloc(room, 1);
	r.row = calloc(room, sizeof(*r.row));
	if (!sorted || !r.scores || !r.labels || !r.row) {
		free(sorted);
		ranking_done(&r);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = (struct scored){ scores[i], (uint32_t)i };
	qsort(sorted, count, sizeof(*sorted), by_falling_score);
	fill(&r, sorted, labels);
	free(sorted);
	*ret = r;
	return 0;
}

void ranking_done(struct ranking *r)
{
	free(r->scores);
	free(r->labels);
	free(r->row);
	*r = (struct ranking){ 0 };
}

struct totals {
	double positives, negatives;
};

/* Where the sweep stands: everything with a score at or above the last step's. */
struct sweep {
	double tp, fp;
	double recall, precision;
	double roc, pr, ap; /* areas so far; roc in counts */
};

static double weight_of(const struct ranking *r, const uint8_t *weights, size_t i)
{
	return weights ? (double)weights[r->row[i]] : 1.0;
}

static struct totals count_classes(const struct ranking *r, const uint8_t *weights)
{
	struct totals t = { 0.0, 0.0 };

	for (size_t i = 0; i < r->count; i++) {
		double w = weight_of(r, weights, i);

		if (r->labels[i])
			t.positives += w;
		else
			t.negatives += w;
	}
	return t;
}

/* One step: tp and fp rows of one score. */
static void advance(struct sweep *s, const struct totals *t, double tp, double fp)
{
	double recall, precision;

	if (tp + fp == 0.0)
		return;
	s->roc += fp * (s->tp + tp / 2.0);
	s->tp += tp;
	s->fp += fp;
	recall = s->tp / t->positives;
	precision = s->tp / (s->tp + s->fp);
	s->ap += (recall - s->recall) * precision;
	s->pr += (recall - s->recall) * (precision + s->precision) / 2.0;
	s->recall = recall;
	s->precision = precision;
}

static void set_at_threshold(const struct sweep *s, const struct totals *t, double *ret)
{
	ret[0] = s->tp / t->positives;
	ret[1] = s->tp + s->fp > 0.0 ? s->tp / (s->tp + s->fp) : (double)NAN;
	ret[2] = s->fp / t->negatives;
}

static void compute_areas(const struct ranking *r, const uint8_t *weights, const float *thresholds,
                          const struct totals *t, double ret[METRIC_MAX])
{
	static const enum metric at[2] = { METRIC_RECALL_HIGH, METRIC_RECALL_LOW };
	struct sweep s = { .precision = 1.0 };
	unsigned next = 0;
	size_t i = 0;

	while (i < r->count) {
		float score = r->scores[i];
		double tp = 0.0, fp = 0.0;

		for (; next < 2 && score < thresholds[next]; next++)
			set_at_threshold(&s, t, &ret[at[next]]);
		for (; i < r->count && r->scores[i] == score; i++) {
			double w = weight_of(r, weights, i);

			tp += r->labels[i] ? w : 0.0;
			fp += r->labels[i] ? 0.0 : w;
		}
		advance(&s, t, tp, fp);
	}
	for (; next < 2; next++)
		set_at_threshold(&s, t, &ret[at[next]]);
	ret[METRIC_PR_AUC] = s.pr;
	ret[METRIC_AVERAGE_PRECISION] = s.ap;
	ret[METRIC_ROC_AUC] = s.roc / (t->positives * t->negatives);
}

static void compute_losses(const struct ranking *r, const uint8_t *weights, const struct totals *t,
                           double ret[METRIC_MAX])
{
	double log_loss = 0.0, brier = 0.0;

	for (size_t i = 0; i < r->count; i++) {
		double w = weight_of(r, weights, i);
		double p = (double)r->scores[i];
		/* a certain score that is wrong costs much, not infinitely much */
		double clipped = fmin(fmax(p, DBL_EPSILON), 1.0 - DBL_EPSILON);
		double miss = p - (double)r->labels[i];

		log_loss -= w * log(r->labels[i] ? clipped : 1.0 - clipped);
		brier += w * miss * miss;
	}
	ret[METRIC_LOG_LOSS] = log_loss / (t->positives + t->negatives);
	ret[METRIC_BRIER] = brier / (t->positives + t->negatives);
}

void metrics_compute(const struct ranking *r, const uint8_t *weights, float threshold_low,
                     float threshold_high, double ret[METRIC_MAX])
{
	const float thresholds[2] = { threshold_high, threshold_low };
	struct totals t = count_classes(r, weights);

	for (unsigned i = 0; i < METRIC_MAX; i++)
		ret[i] = (double)NAN;
	if (t.positives + t.negatives == 0.0)
		return;
	if (t.positives > 0.0 && t.negatives > 0.0)
		compute_areas(r, weights, thresholds, &t, ret);
	compute_losses(r, weights, &t, ret);
}
