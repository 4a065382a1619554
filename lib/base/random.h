/* A small seeded generator (xoshiro256**, public domain, Blackman and Vigna) for reproducible data,
 * bootstrap and jitter. Not for secrets: those come from getrandom. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t s[4];
};

void random_seed(struct random *r, uint64_t seed);
uint64_t random_u64(struct random *r);
/* Uniform in [0, n), without bias; n > 0. */
uint64_t random_below(struct random *r, uint64_t n);
/* Uniform in [0, 1), 53 bits. */
double random_unit(struct random *r);
/* Standard normal (polar method). */
double random_normal(struct random *r);

#endif
