/* Two versions on the rows that neither has seen, and what else speaks against a change. */
#ifndef TRAIN_JUDGE_H
#define TRAIN_JUDGE_H

#include "contender.h"
#include "learn/compare.h"
#include "slice.h"

struct judged_version {
	char version[REGISTRY_TEXT];
	int64_t cutoff_us; /* UTC */
	float threshold_low, threshold_high;
};

struct judgement {
	struct judged_version versions[COMPARE_SIDES];
	struct verdict verdict;
	int64_t from_us; /* of the slice, UTC */
	uint64_t unreadable, duplicates;
	struct errbuf note; /* see slice.h */
	double flip_rate;   /* share of the slice's decisions that would change; NaN: no row */
	double score_shift; /* population stability index of the scores; NaN: no row */
	char dead_input[PROGRAM_MAX_NAME + 1]; /* of the candidate; "" for none */
	unsigned draws;
};

/* 0 also without a winner: the verdict says why. Contenders are only read. */
int judge_versions(struct contender *live, struct contender *candidate, const struct settings *s,
                   struct judgement *ret, struct errbuf *err);

#endif
