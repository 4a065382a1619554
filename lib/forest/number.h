/*
 * A number of a model document on its way to an int64 or a float32: JSON's text, or what UBJSON
 * stored. A float32 is read from the text itself, never by way of a double, which would round
 * twice.
 */
#ifndef FOREST_NUMBER_H
#define FOREST_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct number {
	struct str text; /* JSON; p is NULL for UBJSON */
	bool integral;   /* UBJSON: `integer` counts, else `real` */
	int64_t integer;
	double real;
};

/* 0 or -EINVAL: not a whole number of 64 bits; not a number. */
int number_to_int(const struct number *n, int64_t *ret);
int number_to_float(const struct number *n, float *ret);

/* Whole text as a float32: digits as JSON writes them, NaN, Infinity, -Infinity. */
int float_from_text(struct str text, float *ret);

/* Lists that grow while a document is read; freed by the owner. */
struct ints {
	int64_t *v;
	size_t n, room;
};

struct floats {
	float *v;
	size_t n, room;
};

/* Room for `more` further elements. -E2BIG beyond limit, -ENOMEM. */
int ints_reserve(struct ints *list, size_t more, size_t limit);
int floats_reserve(struct floats *list, size_t more, size_t limit);

/* The bytes that one UBJSON number of this type takes: i U I l L d D; 0 for any other type. */
size_t ubj_number_size(char type);
/* Its value; the bytes are big-endian. The type is one of the seven. */
void ubj_number(char type, const uint8_t *p, struct number *ret);

#endif
