/* Where to ask and where to stop a transaction, from the holdout's scores. */
#ifndef LEARN_THRESHOLDS_H
#define LEARN_THRESHOLDS_H

#include <stdbool.h>

#include "learn/metrics.h"

struct threshold_pair {
	float low;  /* REVIEW from here on */
	float high; /* BLOCK from here on; just above the highest score if nothing may be blocked */
	bool crossed; /* low would have been above high and was lowered to it */
};

/*
 * low: the highest score s with recall(score >= s) >= recall_target. high: the lowest score s
 * with fpr(score >= s) <= fpr_cap. When they cross, low becomes high: recall only grows by it, and
 * the cap of high holds. -ENODATA with one class.
 */
int thresholds_choose(const struct ranking *r, double recall_target, double fpr_cap,
                      struct threshold_pair *ret);

#endif
