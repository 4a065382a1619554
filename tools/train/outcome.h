/* What came of a wish to promote a version. Its names and reports: verdict_report.h. */
#ifndef TRAIN_OUTCOME_H
#define TRAIN_OUTCOME_H

#include "judge.h"
#include "registry/registry.h"
#include "rollout.h"

enum promotion_outcome {
	PROMOTION_DONE,      /* the alias names it now */
	PROMOTION_POSSIBLE,  /* it would be, but nobody wants it to */
	PROMOTION_UNCHANGED, /* it is live already */
	PROMOTION_KEPT,      /* the live version wins */
	PROMOTION_REFUSED,   /* a guard */
	PROMOTION_PINNED,
	PROMOTION_NO_VERDICT, /* the two cannot be compared */
	PROMOTION_OUTCOME_MAX
};
/* "promoted", "possible", … as in verdict.json and job_runs. */
extern const char *const promotion_names[PROMOTION_OUTCOME_MAX];

struct promotion {
	enum promotion_outcome outcome;
	struct errbuf words; /* why */
	char candidate[REGISTRY_TEXT];
	char registry_version[REGISTRY_TEXT]; /* of the candidate; "": it has no other name */
	char live[REGISTRY_TEXT];             /* what the alias named before; "" for nothing */
	bool has_judgement;
	struct judgement judgement;
	bool rolled_out; /* the hosts were told */
	struct rollout rollout;
	bool followed; /* every host that lives serves it */
};

#endif
