/*
 * The checksum of an image. A worker computes it once when it maps a generation, so it must keep up
 * with memory: four independent lanes hide the latency of the multiplication. Bytes behind the last
 * whole word count as one zero-padded word; the length is mixed in, so zeros at the end matter.
 */
#include <string.h>

#include "score/image.h"

#define LANES 4

static const uint64_t prime1 = UINT64_C(0x9E3779B185EBCA87);
static const uint64_t prime2 = UINT64_C(0xC2B2AE3D27D4EB4F);

static uint64_t rotate(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

static uint64_t step(uint64_t lane, uint64_t word)
{
	return rotate(lane + word * prime2, 31) * prime1;
}

static uint64_t word_at(const unsigned char *p, size_t n)
{
	uint64_t word = 0;

	memcpy(&word, p, n);
	return word;
}

uint64_t score_checksum(const void *bytes, size_t n)
{
	uint64_t lanes[LANES] = { prime1 + prime2, prime2, 0, prime1 };
	const unsigned char *p = bytes;
	uint64_t sum = n * prime1;
	size_t at = 0;

	for (; n - at >= LANES * sizeof(uint64_t); at += LANES * sizeof(uint64_t)) {
		for (size_t i = 0; i < LANES; i++)
			lanes[i] = step(lanes[i], word_at(p + at + i * 8, 8));
	}
	for (size_t i = 0; i < LANES; i++)
		sum = step(sum, lanes[i]);
	for (; at < n; at += n - at < 8 ? n - at : 8)
		sum = step(sum, word_at(p + at, n - at < 8 ? n - at : 8));
	sum ^= sum >> 33;
	sum *= prime2;
	return sum ^ sum >> 29;
}

uint64_t score_image_checksum(const struct score_header *h)
{
	size_t skip = offsetof(struct score_header, version);

	return score_checksum((const char *)h + skip, (size_t)h->size - skip);
}
