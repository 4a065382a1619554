/*
 * Questions about runs of bytes that came from outside. None of these looks at the locale: what
 * counts as a digit, a letter or a blank is ASCII, on every host. Called by every parser of the
 * house, so each function reads inside s.n only and never needs a terminator.
 */
#include "base/str.h"

#include <errno.h>
#include <limits.h>

static char ascii_lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c + ('a' - 'A'));
	return c;
}

bool str_equal_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	}
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

int str_to_u64(struct str s, unsigned long long *ret)
{
	unsigned long long value = 0;
	bool overflow = false;

	if (s.n == 0)
		return -EINVAL;
	/* To the end even after an overflow: junk is the worse of the two faults. */
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -EINVAL;
		overflow |= __builtin_mul_overflow(value, 10ULL, &value);
		overflow |=
		        __builtin_add_overflow(value, (unsigned long long)(s.p[i] - '0'), &value);
	}
	if (overflow)
		return -ERANGE;
	*ret = value;
	return 0;
}

int str_to_i64(struct str s, long long *ret)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	unsigned long long size;
	int r;

	if (negative)
		s = (struct str){ s.p + 1, s.n - 1 };
	r = str_to_u64(s, &size);
	if (r < 0)
		return r;
	if (size > (unsigned long long)LLONG_MAX + (negative ? 1 : 0))
		return -ERANGE;
	if (!negative)
		*ret = (long long)size;
	else
		*ret = size > LLONG_MAX ? LLONG_MIN : -(long long)size;
	return 0;
}

/*
 * The length of the character that begins at p[0], or 0 if it is none. The range of the second byte
 * depends on the first (Unicode standard, table 3-7): that alone keeps out overlong forms,
 * surrogates and what is above 10FFFF.
 */
static size_t utf8_length(const unsigned char *p, size_t n)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		length = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		length = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (n < length || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	}
	return length;
}

size_t str_utf8_length(struct str s)
{
	return s.n ? utf8_length((const unsigned char *)s.p, s.n) : 0;
}

bool str_is_utf8(struct str s)
{
	while (s.n > 0) {
		size_t length = str_utf8_length(s);

		if (length == 0)
			return false;
		s.p += length;
		s.n -= length;
	}
	return true;
}

size_t str_utf8_cut(struct str s, size_t limit)
{
	size_t cut = limit;

	if (s.n <= limit)
		return s.n;
	/* At most three continuation bytes; where there are more it is no UTF-8, and any cut will
	 * do. */
	while (cut > 0 && limit - cut < 4 && ((unsigned char)s.p[cut] & 0xc0) == 0x80)
		cut--;
	return limit - cut < 4 ? cut : limit;
}
