/*
 * numeric on the wire: ndigits, weight, sign, dscale, then digits to the base 10000, the first of
 * them times 10000^weight (src/backend/utils/adt/numeric.c, numeric_send). Called for columns of
 * that type by binary_row.c.
 *
 * Printed as digits and an exponent of ten, or without one if the value is an integer of at most
 * 800 digits, so that an integer input can read it. A double is fixed by 767 significant digits;
 * behind the 800th a single 1 stands for the rest.
 */
#include "features/pg_numeric.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define NUMERIC_POSITIVE 0x0000
#define NUMERIC_NEGATIVE 0x4000
#define NUMERIC_NAN 0xC000
#define NUMERIC_INFINITY 0xD000
#define NUMERIC_MINUS_INFINITY 0xF000
#define HEADER_SIZE 8
#define DIGITS_MAX 200 /* of base 10000 */
#define INTEGER_WEIGHT_MAX (DIGITS_MAX - 1)

struct numeric {
	const unsigned char *digits;
	unsigned count;
	int weight;
	bool negative;
};

static unsigned load16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static unsigned digit_at(const struct numeric *v, unsigned i)
{
	return i < v->count ? load16(v->digits + 2 * (size_t)i) : 0;
}

static int numeric_load(const unsigned char *p, size_t n, struct numeric *ret)
{
	unsigned sign;

	if (n < HEADER_SIZE)
		return -EBADMSG;
	*ret = (struct numeric){ p + HEADER_SIZE, load16(p), (int16_t)load16(p + 2), false };
	sign = load16(p + 4);
	if (sign == NUMERIC_NAN)
		return -ENODATA;
	if (sign == NUMERIC_INFINITY || sign == NUMERIC_MINUS_INFINITY)
		return -ERANGE;
	if (n != HEADER_SIZE + 2 * (size_t)ret->count)
		return -EBADMSG;
	if (sign != NUMERIC_POSITIVE && sign != NUMERIC_NEGATIVE)
		return -EBADMSG;
	ret->negative = sign == NUMERIC_NEGATIVE;
	for (unsigned i = 0; i < ret->count; i++) {
		if (digit_at(ret, i) > 9999)
			return -EBADMSG;
	}
	return 0;
}

/* Trailing zero digits say nothing; without them an integer is one whose digits end at weight 0. */
static void drop_zeros(struct numeric *v)
{
	while (v->count > 0 && digit_at(v, v->count - 1) == 0)
		v->count--;
}

static size_t print_digits(const struct numeric *v, unsigned count, char *ret)
{
	size_t n = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned d = digit_at(v, i);

		ret[n++] = (char)('0' + d / 1000);
		ret[n++] = (char)('0' + d / 100 % 10);
		ret[n++] = (char)('0' + d / 10 % 10);
		ret[n++] = (char)('0' + d % 10);
	}
	return n;
}

int pg_numeric_print(const void *p, size_t n, char ret[PG_NUMERIC_TEXT_SIZE])
{
	struct numeric v;
	size_t at = 0;
	unsigned shown;
	int r = numeric_load(p, n, &v);

	if (r < 0)
		return r;
	drop_zeros(&v);
	if (v.count == 0) {
		ret[0] = '0';
		return 1;
	}
	if (v.negative)
		ret[at++] = '-';
	if (v.weight <= INTEGER_WEIGHT_MAX && (int)v.count <= v.weight + 1)
		return (int)(at + print_digits(&v, (unsigned)v.weight + 1, ret + at));
	shown = v.count < DIGITS_MAX ? v.count : DIGITS_MAX;
	at += print_digits(&v, shown, ret + at);
	if (v.count > shown)
		ret[at++] = '1';
	at += (size_t)snprintf(ret + at, PG_NUMERIC_TEXT_SIZE - at, "e%d",
	                       4 * (v.weight + 1 - (int)shown) - (v.count > shown));
	return (int)at;
}
