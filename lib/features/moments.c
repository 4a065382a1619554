/*
 * Mean and standard deviation for z-scores. A float32 is a 24-bit mantissa times a power of two, so
 * a 64-bit counter for each power adds up billions of them exactly; squares of mantissas take two
 * counters. The result is evaluated in pairs of doubles (106 bits: Dekker 1971, Knuth's two-sum),
 * because the difference of the two large sums is what a small deviation of a large mean hangs on.
 */
#include "features/moments.h"

#include <math.h>
#include <string.h>

#define MANTISSA_BITS 23
#define HALF_BITS 24
#define EXPONENT_BIAS 150 /* of the mantissa taken as an integer */

struct pair {
	double high, low;
};

void moments_add(struct moments *m, float v)
{
	uint32_t bits, exponent;
	uint64_t mantissa;

	memcpy(&bits, &v, sizeof(bits));
	exponent = (bits >> MANTISSA_BITS) & 0xFF;
	if (exponent == 0xFF)
		return;
	mantissa = bits & ((1U << MANTISSA_BITS) - 1);
	if (exponent > 0)
		mantissa |= 1U << MANTISSA_BITS;
	m->count++;
	m->sum[exponent] += bits >> 31 ? -(int64_t)mantissa : (int64_t)mantissa;
	mantissa *= mantissa;
	m->square_low[exponent] += (int64_t)(mantissa & ((1U << HALF_BITS) - 1));
	m->square_high[exponent] += (int64_t)(mantissa >> HALF_BITS);
}

static struct pair two_sum(double a, double b)
{
	double s = a + b;
	double t = s - a;

	return (struct pair){ s, (a - (s - t)) + (b - t) };
}

static struct pair two_product(double a, double b)
{
	const double splitter = 134217729; /* 2^27 + 1 */
	double ah = splitter * a - (splitter * a - a);
	double bh = splitter * b - (splitter * b - b);
	double al = a - ah, bl = b - bh;
	double p = a * b;

	return (struct pair){ p, ((ah * bh - p) + ah * bl + al * bh) + al * bl };
}

static struct pair add(struct pair a, double b)
{
	struct pair s = two_sum(a.high, b);

	return two_sum(s.high, s.low + a.low);
}

/* count * 2^exponent; the count may need more than a double's 53 bits. */
static struct pair add_scaled(struct pair sum, int64_t count, int exponent)
{
	int64_t high = count / (INT64_C(1) << 32);
	int64_t low = count % (INT64_C(1) << 32);

	sum = add(sum, ldexp((double)high, exponent + 32));
	return add(sum, ldexp((double)low, exponent));
}

/* The subnormals, exponent 0, have the unit of exponent 1. */
static int unit_of(int exponent)
{
	return (exponent > 0 ? exponent : 1) - EXPONENT_BIAS;
}

static struct pair total(const struct moments *m)
{
	struct pair sum = { 0, 0 };

	for (int e = MOMENTS_EXPONENTS - 1; e >= 0; e--)
		sum = add_scaled(sum, m->sum[e], unit_of(e));
	return sum;
}

static struct pair total_squares(const struct moments *m)
{
	struct pair sum = { 0, 0 };

	for (int e = MOMENTS_EXPONENTS - 1; e >= 0; e--) {
		sum = add_scaled(sum, m->square_high[e], 2 * unit_of(e) + HALF_BITS);
		sum = add_scaled(sum, m->square_low[e], 2 * unit_of(e));
	}
	return sum;
}

static struct pair divide(struct pair a, double b)
{
	double q = a.high / b;
	struct pair back = two_product(q, b);

	return two_sum(q, ((a.high - back.high) - back.low + a.low) / b);
}

bool moments_result(const struct moments *m, double *ret_mean, double *ret_sd)
{
	double n = (double)m->count;
	struct pair sum, mean, product, rest;
	double variance;

	if (m->count == 0)
		return false;
	sum = total(m);
	mean = divide(sum, n);
	product = two_product(sum.high, mean.high);
	product.low += sum.high * mean.low + sum.low * mean.high;
	rest = add(total_squares(m), -product.high);
	rest = add(rest, -product.low);
	variance = rest.high / n;
	*ret_mean = mean.high;
	*ret_sd = variance > 0 ? sqrt(variance) : 0;
	return true;
}
