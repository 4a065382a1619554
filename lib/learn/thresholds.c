/*
 * Thresholds are scores that occurred, float32 as they were: a threshold that went through a double
 * would lose the very row that set it. Called once a training.
 */
#include "learn/thresholds.h"

#include <errno.h>
#include <math.h>

int thresholds_choose(const struct ranking *r, double recall_target, double fpr_cap,
                      struct threshold_pair *ret)
{
	double positives = (double)r->positives;
	double negatives = (double)(r->count - r->positives);
	struct threshold_pair t = { 0 };
	size_t tp = 0, fp = 0;
	bool low_found = false;

	if (r->positives == 0 || r->positives == r->count)
		return -ENODATA;
	t.high = nextafterf(r->scores[0], INFINITY);
	for (size_t i = 0; i < r->count; i++) {
		tp += r->labels[i];
		fp += !r->labels[i];
		if (i + 1 < r->count && r->scores[i + 1] == r->scores[i])
			continue;
		if (!low_found && (double)tp / positives >= recall_target) {
			t.low = r->scores[i];
			low_found = true;
		}
		if ((double)fp / negatives <= fpr_cap)
			t.high = r->scores[i];
	}
	if (t.low > t.high) {
		t.low = t.high;
		t.crossed = true;
	}
	*ret = t;
	return 0;
}
