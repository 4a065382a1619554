/*
 * Sum and sum of squares of float32 values without rounding, hence without regard to their order:
 * one counter per exponent. Mean and standard deviation are rounded once, at the end.
 */
#ifndef FEATURES_MOMENTS_H
#define FEATURES_MOMENTS_H

#include <stdbool.h>
#include <stdint.h>

#define MOMENTS_EXPONENTS 255

/* { 0 } is empty. Exact for 2^39 values. */
struct moments {
	uint64_t count;
	int64_t sum[MOMENTS_EXPONENTS]; /* of signed 24-bit mantissas */
	int64_t square_low[MOMENTS_EXPONENTS],
	        square_high[MOMENTS_EXPONENTS]; /* halves of 48 bits */
};

/* NaN is ignored; an infinity too. */
void moments_add(struct moments *m, float v);
/* Of the population (divided by n). False if there is no value. */
bool moments_result(const struct moments *m, double *ret_mean, double *ret_sd);

#endif
