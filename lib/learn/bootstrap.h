/* How sure a metric is: percentile intervals over seeded resamples of the rows. */
#ifndef LEARN_BOOTSTRAP_H
#define LEARN_BOOTSTRAP_H

#include "base/random.h"
#include "learn/metrics.h"

struct interval {
	double low, high; /* 2.5 % and 97.5 %; NaN where no resample said anything */
};

/* How often each row counts in one resample: Poisson(1), drawn row by row (Hanley and MacGibbon,
 * 2006), which needs one pass in memory order instead of `count` jumps. At most 12. */
void bootstrap_weights(struct random *random, uint8_t *ret, size_t count);

/* 2.5 % and 97.5 % of the values that are numbers, interpolated as numpy.percentile does. Sorts. */
struct interval interval_of(double *values, size_t count);

/* Deterministic in seed. draws 0: all NaN. -ENOMEM. */
int bootstrap_metrics(const struct ranking *r, float threshold_low, float threshold_high,
                      uint64_t seed, unsigned draws, struct interval ret[METRIC_MAX]);

#endif
