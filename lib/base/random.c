/*
 * xoshiro256** 1.0 by Blackman and Vigna (public domain), seeded by splitmix64 as its authors
 * advise. The same seed gives the same demo data and the same bootstrap on every host and compiler:
 * no libc generator promises that. Called by the data generator, evaluation and back-off.
 */
#include "base/random.h"

#include <math.h>

static uint64_t rotate(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

void random_seed(struct random *r, uint64_t seed)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		r->s[i] = z ^ (z >> 31);
	}
}

uint64_t random_u64(struct random *r)
{
	uint64_t result = rotate(r->s[1] * 5, 7) * 9;
	uint64_t t = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = rotate(r->s[3], 45);
	return result;
}

uint64_t random_below(struct random *r, uint64_t n)
{
	/* 2^64 mod n values at the bottom would make the small results likelier. */
	uint64_t unfair = (0 - n) % n;
	uint64_t value;

	do {
		value = random_u64(r);
	} while (value < unfair);
	return value % n;
}

double random_unit(struct random *r)
{
	return (double)(random_u64(r) >> 11) * 0x1.0p-53;
}

double random_normal(struct random *r)
{
	double x, y, s;

	/* The second value of the pair is thrown away: the state stays the four words above. */
	do {
		x = 2 * random_unit(r) - 1;
		y = 2 * random_unit(r) - 1;
		s = x * x + y * y;
	} while (s >= 1 || s == 0);
	return x * sqrt(-2 * log(s) / s);
}
