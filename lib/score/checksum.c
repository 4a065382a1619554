/*
 * The checksum of an image. A worker computes it when it maps a generation, the loader while it
 * copies the kept one, so it must keep up with memory: four independent lanes hide the latency of
 * the multiplication. Bytes behind the last whole block count as zero-padded words; the length is
 * mixed in, so zeros at the end matter.
 */
#include <string.h>

#include "score/image.h"

#define BLOCK sizeof(((struct score_sum *)0)->rest)

static const uint64_t prime1 = UINT64_C(0x9E3779B185EBCA87);
static const uint64_t prime2 = UINT64_C(0xC2B2AE3D27D4EB4F);

static inline uint64_t rotate(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

static inline uint64_t step(uint64_t lane, uint64_t word)
{
	return rotate(lane + word * prime2, 31) * prime1;
}

static inline uint64_t word_at(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* The lanes by name, not in a loop: so each stays in a register, which is six times as fast. */
static void add_blocks(struct score_sum *s, const unsigned char *p, size_t blocks)
{
	uint64_t a = s->lane[0], b = s->lane[1], c = s->lane[2], d = s->lane[3];

	for (; blocks > 0; blocks--, p += BLOCK) {
		a = step(a, word_at(p));
		b = step(b, word_at(p + 8));
		c = step(c, word_at(p + 16));
		d = step(d, word_at(p + 24));
	}
	s->lane[0] = a;
	s->lane[1] = b;
	s->lane[2] = c;
	s->lane[3] = d;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* What the last piece left goes first; true once nothing of it is left. */
static bool complete_rest(struct score_sum *s, const unsigned char **p, size_t *n)
{
	size_t more = s->rest_size > 0 ? smaller(BLOCK - s->rest_size, *n) : 0;

	memcpy(s->rest + s->rest_size, *p, more);
	s->rest_size += more;
	*p += more;
	*n -= more;
	if (s->rest_size == BLOCK) {
		add_blocks(s, s->rest, 1);
		s->rest_size = 0;
	}
	return s->rest_size == 0;
}

static void begin(struct score_sum *s, size_t skip)
{
	*s = (struct score_sum){ .lane = { prime1 + prime2, prime2, 0, prime1 }, .skip = skip };
}

void score_sum_begin(struct score_sum *s)
{
	begin(s, offsetof(struct score_header, version));
}

void score_sum_add(struct score_sum *s, const void *bytes, size_t n)
{
	size_t skip = smaller(s->skip, n);
	const unsigned char *p = (const unsigned char *)bytes + skip;

	s->skip -= skip;
	n -= skip;
	s->size += n;
	if (!complete_rest(s, &p, &n))
		return;
	add_blocks(s, p, n / BLOCK);
	s->rest_size = n % BLOCK;
	memcpy(s->rest, p + (n - s->rest_size), s->rest_size);
}

uint64_t score_sum_end(const struct score_sum *s)
{
	uint64_t sum = s->size * prime1;
	unsigned char rest[BLOCK] = { 0 };

	memcpy(rest, s->rest, s->rest_size);
	for (size_t i = 0; i < 4; i++)
		sum = step(sum, s->lane[i]);
	for (size_t at = 0; at < s->rest_size; at += 8)
		sum = step(sum, word_at(rest + at));
	sum ^= sum >> 33;
	sum *= prime2;
	return sum ^ sum >> 29;
}

uint64_t score_checksum(const void *bytes, size_t n)
{
	struct score_sum s;

	begin(&s, 0);
	score_sum_add(&s, bytes, n);
	return score_sum_end(&s);
}

uint64_t score_image_checksum(const struct score_header *h)
{
	struct score_sum s;

	score_sum_begin(&s);
	score_sum_add(&s, h, (size_t)h->size);
	return score_sum_end(&s);
}
