/*
 * Decimal text to double and to 64-bit integer, for CSV fields, numeric strings in JSON bodies,
 * PostgreSQL's numeric and constants in features.yaml. What counts as a number is pydantic's lax
 * grammar (checked against pydantic 2, see test_number_text.c).
 *
 * Invariant: the double is correctly rounded. Up to 2^53 with a power of ten up to 22 both operands
 * are exact, so one multiplication or division rounds once (Clinger 1990); the rest goes to strtod,
 * which rounds correctly and, no program here calling setlocale(), reads a point as decimal sign.
 */
#include "features/number_text.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "features/text_trim.h"

/* Longer texts are refused: the digits beyond the 767th cannot change a double. */
#define NUMBER_TEXT_MAX 2048
#define EXPONENT_MAX 100000
#define MANTISSA_DIGITS 19

struct decimal {
	bool negative;
	bool inexact;    /* digits were dropped from the mantissa */
	unsigned digits; /* significant ones in the mantissa */
	uint64_t mantissa;
	long exponent;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void take_digit(struct decimal *d, char c, bool fraction)
{
	if (d->digits < MANTISSA_DIGITS) {
		d->mantissa = d->mantissa * 10 + (uint64_t)(c - '0');
		d->digits += d->mantissa != 0;
		d->exponent -= fraction;
	} else {
		d->inexact |= c != '0';
		d->exponent += !fraction;
	}
}

/* Digits with at most one point among them. Returns how many bytes, 0 if there is no digit. */
static size_t scan_mantissa(struct str s, struct decimal *d)
{
	bool point = false, any = false;
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (is_digit(s.p[i])) {
			any = true;
			take_digit(d, s.p[i], point);
		} else if (s.p[i] == '.' && !point) {
			point = true;
		} else {
			break;
		}
	}
	return any ? i : 0;
}

/* "e+12" to the end of s. */
static int scan_exponent(struct str s, struct decimal *d)
{
	bool negative = false;
	long e = 0;
	size_t i = 1;

	if (s.n == 0)
		return 0;
	if (s.p[0] != 'e' && s.p[0] != 'E')
		return -EINVAL;
	if (i < s.n && (s.p[i] == '+' || s.p[i] == '-')) {
		negative = s.p[i] == '-';
		i++;
	}
	if (i == s.n)
		return -EINVAL;
	for (; i < s.n; i++) {
		if (!is_digit(s.p[i]))
			return -EINVAL;
		if (e < EXPONENT_MAX)
			e = e * 10 + (s.p[i] - '0');
	}
	d->exponent += negative ? -e : e;
	return 0;
}

static bool is_special(struct str s)
{
	return str_equal_nocase(s, STR("inf")) || str_equal_nocase(s, STR("infinity")) ||
	       str_equal_nocase(s, STR("nan"));
}

/* s holds an optional sign and then nothing but what the grammar allows, no blank, no '_'. */
static int scan_decimal(struct str s, struct decimal *ret)
{
	struct decimal d = { 0 };
	size_t n;
	int r;

	if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) {
		d.negative = s.p[0] == '-';
		s = (struct str){ s.p + 1, s.n - 1 };
	}
	n = scan_mantissa(s, &d);
	if (n == 0)
		return is_special(s) ? -ERANGE : -EINVAL;
	r = scan_exponent((struct str){ s.p + n, s.n - n }, &d);
	if (r < 0)
		return r;
	*ret = d;
	return 0;
}

static bool convert_exactly(const struct decimal *d, double *ret)
{
	static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
		                         1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
		                         1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
	double v = (double)d->mantissa;

	if (d->inexact || d->mantissa > (UINT64_C(1) << 53) || d->exponent < -22 ||
	    d->exponent > 22)
		return false;
	v = d->exponent < 0 ? v / powers[-d->exponent] : v * powers[d->exponent];
	*ret = d->negative ? -v : v;
	return true;
}

static int convert_long(struct str s, double *ret)
{
	char text[NUMBER_TEXT_MAX + 1];
	double v;

	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	v = strtod(text, NULL);
	if (!isfinite(v))
		return -ERANGE;
	*ret = v;
	return 0;
}

/* Rust's and Python's rule: not first, not last, never two in a row; then they are dropped. */
static int drop_underscores(struct str s, char *room, struct str *ret)
{
	size_t n = 0;

	if (s.p[0] == '_' || s.p[s.n - 1] == '_')
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '_')
			room[n++] = s.p[i];
		else if (s.p[i + 1] == '_')
			return -EINVAL;
	}
	*ret = (struct str){ room, n };
	return 0;
}

static int convert(struct str s, double *ret)
{
	struct decimal d;
	int r = scan_decimal(s, &d);

	if (r < 0)
		return r;
	if (convert_exactly(&d, ret))
		return 0;
	return convert_long(s, ret);
}

static int convert_underscored(struct str s, double *ret)
{
	char room[NUMBER_TEXT_MAX];
	int r = drop_underscores(s, room, &s);

	return r < 0 ? r : convert(s, ret);
}

int number_from_text(struct str s, double *ret)
{
	struct str trimmed = text_trim(s);

	if (trimmed.n == 0 || trimmed.n > NUMBER_TEXT_MAX)
		return -EINVAL;
	if (!memchr(trimmed.p, '_', trimmed.n))
		return convert(trimmed, ret);
	/* pydantic takes blanks or underscores, not both. */
	return trimmed.n == s.n ? convert_underscored(s, ret) : -EINVAL;
}

/* "12", "1_000" and then perhaps ".000" into the digits before the point. */
static int scan_integer(struct str s, struct str *ret)
{
	size_t n = 0;
	size_t end;

	while (n < s.n && (is_digit(s.p[n]) || (s.p[n] == '_' && n > 0 && s.p[n - 1] != '_')))
		n++;
	if (n == 0 || s.p[n - 1] == '_')
		return -EINVAL;
	*ret = (struct str){ s.p, n };
	if (n == s.n)
		return 0;
	end = n + 1;
	while (end < s.n && s.p[end] == '0')
		end++;
	return s.p[n] == '.' && end == s.n && end > n + 1 ? 0 : -EINVAL;
}

int integer_from_text(struct str s, int64_t *ret)
{
	bool negative = false;
	uint64_t v = 0;
	int r;

	s = text_trim(s);
	if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) {
		negative = s.p[0] == '-';
		s = (struct str){ s.p + 1, s.n - 1 };
	}
	r = scan_integer(s, &s);
	if (r < 0)
		return r;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '_')
			continue;
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return -ERANGE;
	}
	if (v > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	*ret = negative ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}
