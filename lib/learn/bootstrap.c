/*
 * The bootstrap. A resample is a weight for each row, so the ranking is sorted once and every draw
 * is one sweep. Called by the trainer for the manifest and by the comparison for its verdict.
 */
#include "learn/bootstrap.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/arena.h"

#define MAX_WEIGHT 12

/* P(X <= k) of Poisson(1), scaled to 2^32: sum over j <= k of exp(-1) / j!. */
static const uint32_t cumulative[MAX_WEIGHT] = {
	1580030168U, 3160060337U, 3950075421U, 4213413783U, 4279248373U, 4292415291U,
	4294609777U, 4294923276U, 4294962463U, 4294966817U, 4294967252U, 4294967292U,
};

static uint8_t poisson(uint32_t u)
{
	uint8_t k = 0;

	while (k < MAX_WEIGHT && u >= cumulative[k])
		k++;
	return k;
}

void bootstrap_weights(struct random *random, uint8_t *ret, size_t count)
{
	for (size_t i = 0; i < count; i += 2) {
		uint64_t bits = random_u64(random);

		ret[i] = poisson((uint32_t)bits);
		if (i + 1 < count)
			ret[i + 1] = poisson((uint32_t)(bits >> 32));
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double quantile(const double *sorted, size_t count, double q)
{
	double at = q * (double)(count - 1);
	size_t below = (size_t)at;
	double part = at - (double)below;

	if (below + 1 >= count)
		return sorted[count - 1];
	return sorted[below] + part * (sorted[below + 1] - sorted[below]);
}

struct interval interval_of(double *values, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (!isnan(values[i]))
			values[n++] = values[i];
	}
	if (n == 0)
		return (struct interval){ (double)NAN, (double)NAN };
	qsort(values, n, sizeof(*values), by_value);
	return (struct interval){ quantile(values, n, 0.025), quantile(values, n, 0.975) };
}

/* values: for each metric `draws` of them. */
static void draw(const struct ranking *r, const float *thresholds, struct random *random,
                 uint8_t *weights, double *values, size_t draws)
{
	for (size_t i = 0; i < draws; i++) {
		double one[METRIC_MAX];

		bootstrap_weights(random, weights, r->count);
		metrics_compute(r, weights, thresholds[0], thresholds[1], one);
		for (size_t m = 0; m < METRIC_MAX; m++)
			values[m * draws + i] = one[m];
	}
}

int bootstrap_metrics(const struct ranking *r, float threshold_low, float threshold_high,
                      uint64_t seed, unsigned draws, struct interval ret[METRIC_MAX])
{
	const float thresholds[2] = { threshold_low, threshold_high };
	struct arena a = { 0 };
	double *values = arena_calloc(&a, (size_t)draws + 1, METRIC_MAX * sizeof(*values));
	uint8_t *weights = arena_calloc(&a, r->count + 1, 1);
	struct random random;
	bool failed = !values || !weights;

	if (!failed) {
		random_seed(&random, seed);
		draw(r, thresholds, &random, weights, values, draws);
		for (size_t m = 0; m < METRIC_MAX; m++)
			ret[m] = interval_of(values + m * draws, draws);
	}
	arena_done(&a);
	return failed ? -ENOMEM : 0;
}
