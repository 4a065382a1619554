/* What a batch has counted: committed counts only, what a lost chunk had done is not in it. */
#ifndef BATCH_TALLY_H
#define BATCH_TALLY_H

#include <stdint.h>

#include "score/score.h"

struct tally {
	uint64_t planned;                 /* rows of the windows that were opened */
	uint64_t scored;                  /* scores written (in a dry run: that would have been) */
	uint64_t failed;                  /* rows that cannot be scored */
	uint64_t skipped;                 /* rows that had a score already */
	uint64_t explained;               /* rows of fraud_explanations */
	uint64_t decisions[DECISION_MAX]; /* of all rows scored, written or skipped */
	uint64_t without_key;             /* of those that failed */
	uint64_t chunks;
	uint64_t reading_ns, scoring_ns, writing_ns;
};

void tally_add(struct tally *t, const struct tally *more);

#endif
