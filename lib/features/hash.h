/* The hash under the name index and the level tables. Stands in images: see image.h. */
#ifndef FEATURES_HASH_H
#define FEATURES_HASH_H

#include <stdint.h>
#include <string.h>

#include "base/str.h"

/* Eight bytes a step; the multiplier is the 64-bit golden ratio, as in Fibonacci hashing. */
static inline uint32_t text_hash(struct str s)
{
	const uint64_t k = UINT64_C(0x9E3779B97F4A7C15);
	uint64_t h = (s.n + 1) * k;
	uint64_t word;

	for (; s.n >= 8; s.p += 8, s.n -= 8) {
		memcpy(&word, s.p, 8);
		h = (h ^ word) * k;
		h ^= h >> 32;
	}
	word = 0;
	if (s.n > 0)
		memcpy(&word, s.p, s.n);
	h = (h ^ word) * k;
	return (uint32_t)(h >> 32);
}

#endif
