/*
 * Layout of a model image: what a worker maps. One block of memory, read-only, without pointers;
 * everything is found by offsets from its start. Host byte order: an image never leaves its host.
 *
 *   header | program | forest | stats | reasons | texts        each section 64-byte aligned
 *
 * The program section is features/image.h's, the forest section forest/image.h's; both check
 * themselves. Private to lib/score, its tests and its fuzzer.
 */
#ifndef SCORE_IMAGE_H
#define SCORE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "score/score.h"

#define SCORE_IMAGE_MAGIC "fraudimg"
#define SCORE_IMAGE_VERSION 1
#define SCORE_IMAGE_ALIGN 64

enum score_section_id {
	SCORE_SECTION_PROGRAM,
	SCORE_SECTION_FOREST,
	SCORE_SECTION_STATS,   /* struct score_stat, one a feature */
	SCORE_SECTION_REASONS, /* struct score_reason_texts, one a feature; or empty */
	SCORE_SECTION_TEXTS,   /* bytes that struct score_text points into */
	SCORE_SECTION_MAX
};

struct score_section {
	uint64_t offset; /* from the start of the image */
	uint64_t size;
};

struct score_text {
	uint32_t offset; /* into the texts section */
	uint32_t size;   /* 0: none */
};

/* Training statistics of one feature. sd NaN: no z-score (a category, or nothing was learned). */
struct score_stat {
	double mean, sd;
};

/* What to say when a feature is a reason: its z-score above 0, below 0, either. */
struct score_reason_texts {
	struct score_text high, low, any;
};

struct score_header {
	char magic[8];
	uint64_t checksum; /* score_checksum() of everything behind this member */
	uint32_t version;  /* SCORE_IMAGE_VERSION */
	uint32_t verified; /* enum score_verified */
	uint64_t size;     /* of the whole image, a multiple of SCORE_IMAGE_ALIGN */
	struct score_section section[SCORE_SECTION_MAX];
	uint8_t model_sha256[32];
	struct score_text name, model_version;
	float threshold_low, threshold_high;
	uint32_t feature_count;
	uint32_t unused; /* 0: no padding that nobody wrote */
};

/*
 * Against torn and foreign bytes, not against people: four lanes of multiply and rotate over
 * 64-bit words (the lane step of xxHash64), a few GB/s.
 */
uint64_t score_checksum(const void *p, size_t n);
uint64_t score_image_checksum(const struct score_header *h);
uint64_t score_sum_end(const struct score_sum *s);

#endif
