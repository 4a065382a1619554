/* What a value looked like in training, for the comparison with what it looks like now (drift). */
#ifndef LEARN_HISTOGRAM_H
#define LEARN_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_MAX_EDGES 32

/* Bin 0 is below edges[0], bin i in [edges[i - 1], edges[i]), the last at or above the last edge.
 */
struct histogram {
	float edges[HISTOGRAM_MAX_EDGES];
	unsigned edge_count; /* bins = edge_count + 1 */
	uint64_t counts[HISTOGRAM_MAX_EDGES + 1];
	uint64_t missing; /* NaN */
};

/* Up to 32 different values: one bin each (edges at the values; bin 0 stays empty). More: deciles,
 * equal ones once. values: every stride-th float of `count`. -ENOMEM. */
int histogram_learn(struct histogram *h, const float *values, size_t count, size_t stride);

/* One more value, into the bins there are. */
void histogram_add(struct histogram *h, float value);

#endif
