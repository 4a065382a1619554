/*
 * One row: features, margin, score, decision, reasons. The only place that decides, so a row means
 * the same alone, in a batch, from CSV and from the database. No allocation, no I/O; all memory is
 * the caller's scratch. Score and thresholds are float32 as the holdout's were: compared in double,
 * the row that set a threshold would flip.
 */
#include <math.h>
#include <string.h>

#include "score/image.h"
#include "score/score.h"

const char *const decision_names[DECISION_MAX] = {
	[DECISION_ALLOW] = "ALLOW",
	[DECISION_REVIEW] = "REVIEW",
	[DECISION_BLOCK] = "BLOCK",
};

static enum decision decide(const struct score_model *m, float score)
{
	if (score >= m->threshold_high)
		return DECISION_BLOCK;
	return score >= m->threshold_low ? DECISION_REVIEW : DECISION_ALLOW;
}

/* Behind features and contributions, see open.c. */
static void *work_area(const struct score_model *m, const struct score_scratch *s)
{
	size_t n = (m->forest.feature_count + 1) * sizeof(double);

	n = (n + SCORE_IMAGE_ALIGN - 1) / SCORE_IMAGE_ALIGN * SCORE_IMAGE_ALIGN;
	return (char *)s->contributions + n;
}

static double sigmoid(double margin)
{
	return 1.0 / (1.0 + exp(-margin));
}

static double zscore(const struct score_stat *stat, float value)
{
	return stat->sd > 0.0 ? ((double)value - stat->mean) / stat->sd : (double)NAN;
}

/* Keeps the list sorted; an equal contribution stays behind the earlier feature. */
static void add_reason(struct score_result *ret, unsigned top_k, uint32_t feature,
                       double contribution)
{
	unsigned at = ret->reason_count;

	while (at > 0 && contribution > ret->reasons[at - 1].contribution)
		at--;
	if (at == top_k)
		return;
	if (ret->reason_count < top_k)
		ret->reason_count++;
	memmove(&ret->reasons[at + 1], &ret->reasons[at],
	        (ret->reason_count - at - 1) * sizeof(ret->reasons[0]));
	ret->reasons[at] = (struct reason){ .feature = feature, .contribution = contribution };
}

static void explain(const struct score_model *m, unsigned top_k, struct score_scratch *s,
                    struct score_result *ret)
{
	double margin = (double)ret->margin;

	forest_explain(&m->forest, s->features, work_area(m, s), s->contributions);
	for (uint32_t i = 0; i < m->forest.feature_count; i++) {
		if (s->contributions[i] > 0.0)
			add_reason(ret, top_k, i, s->contributions[i]);
	}
	for (unsigned i = 0; i < ret->reason_count; i++) {
		struct reason *r = &ret->reasons[i];

		r->value = s->features[r->feature];
		r->delta_score = sigmoid(margin) - sigmoid(margin - r->contribution);
		r->zscore = zscore(&m->stats[r->feature], r->value);
	}
}

void score_row(const struct score_model *m, const struct cell *row, const struct score_options *o,
               struct score_scratch *s, struct score_result *ret)
{
	unsigned top_k = o->top_k < SCORE_MAX_REASONS ? o->top_k : SCORE_MAX_REASONS;

	program_run(&m->program, row, work_area(m, s), s->features);
	ret->margin = forest_margin(&m->forest, s->features);
	ret->score = forest_sigmoid(ret->margin);
	ret->decision = decide(m, ret->score);
	ret->reason_count = 0;
	if (top_k > 0 && ret->decision >= o->explain_from)
		explain(m, top_k, s, ret);
}
