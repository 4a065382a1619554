/*
 * How good scores are, given what turned out to be fraud. Formulas are scikit-learn's, so that the
 * figures can be compared: roc_auc_score, average_precision_score, auc(recall, precision) over
 * precision_recall_curve, log_loss, brier_score_loss.
 */
#ifndef LEARN_METRICS_H
#define LEARN_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum metric {
	METRIC_PR_AUC, /* trapezoid over the precision-recall curve */
	METRIC_AVERAGE_PRECISION,
	METRIC_ROC_AUC,
	METRIC_RECALL_LOW, /* at threshold_low: score >= threshold counts as alarm */
	METRIC_PRECISION_LOW,
	METRIC_FPR_LOW,
	METRIC_RECALL_HIGH,
	METRIC_PRECISION_HIGH,
	METRIC_FPR_HIGH,
	METRIC_LOG_LOSS,
	METRIC_BRIER,
	METRIC_MAX
};
/* "pr_auc", … as in manifest.json. */
extern const char *const metric_names[METRIC_MAX];

/* Rows by falling score; row i of the caller stands at some place p with row[p] == i. */
struct ranking {
	float *scores;
	uint8_t *labels; /* 0 or 1 */
	uint32_t *row;
	size_t count;
	size_t positives;
};
/* Scores must be finite; labels other than 0 count as 1. -ENOMEM, -E2BIG (2^32 rows). */
int ranking_init(struct ranking *r, const float *scores, const uint8_t *labels, size_t count);
void ranking_done(struct ranking *r);

/* What cannot be said is NaN: precision without an alarm, everything but loss and Brier with one
 * class. weights: how often each of the caller's rows counts, or NULL for once. */
void metrics_compute(const struct ranking *r, const uint8_t *weights, float threshold_low,
                     float threshold_high, double ret[METRIC_MAX]);

#endif
