/*
 * From the slice to a judgement: lib/learn compares, this file counts decisions that flip and how
 * far the scores have moved. All of it by the models that have not seen the rows, with the
 * thresholds that they were given.
 *
 * Rows that were sampled count for as many as they stand for: else the few frauds would decide what
 * share of all decisions flips.
 */
#include "judge.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"

/* Bins of the score: coarse where nobody acts, so that a model that is merely surer of what is
 * harmless has not jumped. */
static const float edges[] = { 0.05F, 0.1F, 0.2F, 0.3F, 0.4F, 0.5F, 0.6F, 0.7F, 0.8F, 0.9F };
#define BINS (sizeof(edges) / sizeof(edges[0]) + 1)

static enum decision decide(const struct judged_version *v, float score)
{
	if (score >= v->threshold_high)
		return DECISION_BLOCK;
	return score >= v->threshold_low ? DECISION_REVIEW : DECISION_ALLOW;
}

static size_t bin_of(float score)
{
	size_t bin = 0;

	while (bin < BINS - 1 && score >= edges[bin])
		bin++;
	return bin;
}

static void measure_change(const struct slice *s, struct judgement *j)
{
	uint64_t bins[COMPARE_SIDES][BINS] = { 0 };
	uint64_t all = 0, flipped = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct slice_row *row = &s->rows[i];
		enum decision decisions[COMPARE_SIDES];

		for (unsigned side = 0; side < COMPARE_SIDES; side++) {
			decisions[side] = decide(&j->versions[side], row->scores[side]);
			bins[side][bin_of(row->scores[side])] += row->weight;
		}
		all += row->weight;
		if (decisions[COMPARE_LIVE] != decisions[COMPARE_CANDIDATE])
			flipped += row->weight;
	}
	j->flip_rate = all ? (double)flipped / (double)all : (double)NAN;
	j->score_shift = stability_index(bins[COMPARE_LIVE], bins[COMPARE_CANDIDATE], BINS);
}

static int compare(const struct slice *s, const struct settings *settings, struct judgement *j)
{
	struct arena a = { 0 };
	uint8_t *labels = arena_calloc(&a, s->count + 1, 1);
	float *live = arena_calloc(&a, s->count + 1, sizeof(*live));
	float *candidate = arena_calloc(&a, s->count + 1, sizeof(*candidate));
	struct compare_input in = {
		.labels = labels,
		.scores = { live, candidate },
		.count = s->count,
		.seed = settings->train.seed,
		.draws = settings->train.bootstrap,
	};
	int r = -ENOMEM;

	for (unsigned side = 0; side < COMPARE_SIDES; side++) {
		in.threshold_low[side] = j->versions[side].threshold_low;
		in.threshold_high[side] = j->versions[side].threshold_high;
	}
	if (!arena_failed(&a)) {
		for (size_t i = 0; i < s->count; i++) {
			labels[i] = s->rows[i].label;
			live[i] = s->rows[i].scores[COMPARE_LIVE];
			candidate[i] = s->rows[i].scores[COMPARE_CANDIDATE];
		}
		r = compare_versions(&in, &j->verdict);
	}
	arena_done(&a);
	return r;
}

static void describe(const struct contender *c, struct judged_version *ret)
{
	memcpy(ret->version, c->version.version, sizeof(ret->version));
	ret->cutoff_us = c->cutoff_us;
	ret->threshold_low = c->model.threshold_low;
	ret->threshold_high = c->model.threshold_high;
}

static int judge(const struct slice *s, const struct settings *settings, struct judgement *j)
{
	j->from_us = s->from_us;
	j->unreadable = s->unreadable;
	j->duplicates = s->duplicates;
	j->note = s->note;
	j->draws = settings->train.bootstrap;
	memcpy(j->dead_input, s->dead_input, sizeof(j->dead_input));
	measure_change(s, j);
	return compare(s, settings, j);
}

int judge_versions(struct contender *live, struct contender *candidate, const struct settings *s,
                   struct judgement *ret, struct errbuf *err)
{
	struct contender *const contenders[COMPARE_SIDES] = { live, candidate };
	CLEANUP(slice_done) struct slice slice = { 0 };
	struct judgement j = { 0 };
	int r;

	describe(live, &j.versions[COMPARE_LIVE]);
	describe(candidate, &j.versions[COMPARE_CANDIDATE]);
	r = slice_read(&slice, contenders, err);
	if (r < 0)
		return r;
	r = judge(&slice, s, &j);
	if (r < 0)
		return errbuf_set(err, r, "could not compare the versions: %s", strerror(-r));
	*ret = j;
	return 0;
}
