/*
 * Numbers of model documents, read strictly: what is not wholly a number of the wanted kind is
 * refused, nothing is rounded by way of another type. Called for every element of every tree.
 */
#include "forest/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Longer than any float32 or double that somebody prints. */
#define MAX_DIGITS 127

static bool looks_like_number(struct str text)
{
	size_t i = text.n > 0 && text.p[0] == '-';

	if (i == text.n)
		return false;
	if (text.p[i] == 'N' || text.p[i] == 'I')
		return str_is(text, "NaN") || str_is(text, "Infinity") || str_is(text, "-Infinity");
	for (; i < text.n; i++)
		if (!strchr("0123456789.eE+-", text.p[i]) || text.p[i] == '\0')
			return false;
	return true;
}

int float_from_text(struct str text, float *ret)
{
	char digits[MAX_DIGITS + 1];
	char *end;
	float f;

	if (text.n > MAX_DIGITS || !looks_like_number(text))
		return -EINVAL;
	memcpy(digits, text.p, text.n);
	digits[text.n] = '\0';
	f = strtof(digits, &end);
	if (*end != '\0')
		return -EINVAL;
	*ret = f;
	return 0;
}

int number_to_int(const struct number *n, int64_t *ret)
{
	long long i;

	if (!n->text.p) {
		if (!n->integral)
			return -EINVAL;
		*ret = n->integer;
		return 0;
	}
	if (str_to_i64(n->text, &i) < 0)
		return -EINVAL;
	*ret = i;
	return 0;
}

int number_to_float(const struct number *n, float *ret)
{
	if (n->text.p)
		return float_from_text(n->text, ret);
	*ret = n->integral ? (float)n->integer : (float)n->real;
	return 0;
}

/* The list's memory as one of `size` bytes an element. */
static int reserve(void **v, size_t *room, size_t needed, size_t size)
{
	size_t wanted = *room ? *room : 64;
	void *grown;

	if (needed <= *room)
		return 0;
	while (wanted < needed)
		wanted *= 2;
	grown = reallocarray(*v, wanted, size);
	if (!grown)
		return -ENOMEM;
	*v = grown;
	*room = wanted;
	return 0;
}

int ints_reserve(struct ints *list, size_t more, size_t limit)
{
	void *v = list->v;
	int r;

	if (list->n > limit || more > limit - list->n)
		return -E2BIG;
	r = reserve(&v, &list->room, list->n + more, sizeof(*list->v));
	list->v = v;
	return r;
}

int floats_reserve(struct floats *list, size_t more, size_t limit)
{
	void *v = list->v;
	int r;

	if (list->n > limit || more > limit - list->n)
		return -E2BIG;
	r = reserve(&v, &list->room, list->n + more, sizeof(*list->v));
	list->v = v;
	return r;
}

size_t ubj_number_size(char type)
{
	switch (type) {
	case 'i':
	case 'U':
		return 1;
	case 'I':
		return 2;
	case 'l':
	case 'd':
		return 4;
	case 'L':
	case 'D':
		return 8;
	default:
		return 0;
	}
}

static uint64_t big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static double as_real(char type, uint64_t bits)
{
	uint32_t low = (uint32_t)bits;
	double d;
	float f;

	if (type == 'D') {
		memcpy(&d, &bits, sizeof(d));
		return d;
	}
	memcpy(&f, &low, sizeof(f));
	return (double)f;
}

/* A two's complement number of `size` bytes. */
static int64_t extend_sign(uint64_t bits, size_t size)
{
	uint64_t sign = (uint64_t)1 << (8 * size - 1);

	return (int64_t)((bits ^ sign) - sign);
}

void ubj_number(char type, const uint8_t *p, struct number *ret)
{
	size_t size = ubj_number_size(type);
	uint64_t bits = big_endian(p, size);

	*ret = (struct number){ .integral = type != 'd' && type != 'D' };
	if (!ret->integral)
		ret->real = as_real(type, bits);
	else if (type == 'U' || size == 0)
		ret->integer = (int64_t)bits;
	else
		ret->integer = extend_sign(bits, size);
}
