/*
 * The layout of a compiled program: a header, then arrays of fixed-size records, all found by
 * offsets from the header's first byte, so that the bytes may lie anywhere (64-byte aligned) in a
 * model image and be mapped by any process of the same byte order.
 *
 * Everything that an offset, index or enum of these records could do wrong is checked by
 * image_check() once; the run trusts them after that.
 */
#ifndef FEATURES_IMAGE_H
#define FEATURES_IMAGE_H

#include "features/operators.h"
#include "features/program.h"

#define PROGRAM_IMAGE_MAGIC "FDPROGRM"
#define PROGRAM_IMAGE_VERSION 1
#define PROGRAM_IMAGE_LIMIT (1U << 30)

/* count records that begin `at` bytes after the header's start; at is a multiple of 8. */
struct image_span {
	uint32_t at, count;
};

/* Bytes of the pool. */
struct image_text {
	uint32_t at, n;
};

/*
 * texts[first .. first + count) by their text: open addressing over slots[first_slot .. first_slot
 * + mask], each 0 (empty) or 1 + the text's place among the count.
 */
struct program_index {
	uint32_t first, count;
	uint32_t first_slot, mask;
};

union image_value {
	double number;
	int64_t integer; /* also a time in µs */
};

#define IMAGE_INPUT_REQUIRED 1U
#define IMAGE_INPUT_PRIVATE 2U
#define IMAGE_INPUT_DEFAULT 4U

struct image_input {
	struct image_text name;
	uint8_t type, role, flags, unused;
	uint32_t missing_first, missing_count; /* values that mean "missing" */
	struct image_text initial_text;
	uint32_t unused2;
	union image_value initial;
};

struct image_operand {
	uint16_t kind, index;
};

struct image_comparison {
	struct image_operand left, right; /* right OPERAND_NONE: constants */
	uint32_t op;
	uint32_t first, count; /* in texts for a text, else in values */
};

struct image_feature {
	struct image_text name;
	uint8_t op, part, any, unused;
	int32_t input; /* with the same name, or -1 */
	struct image_operand a, b;
	uint32_t first, count; /* limits in values, or comparisons */
	double lo, hi;         /* clip */
	double fill;           /* in place of a missing value */
	struct program_index levels;
};

struct program_header {
	char magic[8];
	uint32_t version;
	uint32_t size; /* of the whole program */
	int32_t zone_seconds;
	int32_t key, time, entity;
	struct image_span inputs, features, comparisons, values, texts, slots;
	struct image_span pool;     /* bytes */
	struct program_index names; /* of the inputs; its texts are theirs in order */
};

/* The arrays as pointers. */
struct image_view {
	const struct program_header *header;
	const struct image_input *inputs;
	const struct image_feature *features;
	const struct image_comparison *comparisons;
	const union image_value *values;
	const struct image_text *texts;
	const uint32_t *slots;
	const char *pool;
};

/* -EBADMSG with words for anything that could lead a run astray. */
int image_check(const void *image, size_t size, struct errbuf *err);

struct image_view image_view_of(const struct program_header *h);

static inline struct str image_text(const struct image_view *v, struct image_text t)
{
	return (struct str){ v->pool + t.at, t.n };
}

/* Place among the index's texts, or -1. */
int image_find(const struct image_view *v, const struct program_index *index, struct str text);

#endif
