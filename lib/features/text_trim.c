/*
 * Unicode white space at both ends of a UTF-8 text, for numbers as pydantic reads them and for
 * names as not_equal compares them. Works on bytes: the characters in question are few and a text
 * that is not UTF-8 is simply not trimmed there.
 */
#include "features/text_trim.h"

static bool is_ascii_blank(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Two bytes: U+0085, U+00A0. */
static bool is_blank2(const unsigned char *p)
{
	return p[0] == 0xC2 && (p[1] == 0x85 || p[1] == 0xA0);
}

/* Three bytes: U+1680, U+2000-200A, U+2028, U+2029, U+202F, U+205F, U+3000. */
static bool is_blank3(const unsigned char *p)
{
	if (p[0] == 0xE1)
		return p[1] == 0x9A && p[2] == 0x80;
	if (p[0] == 0xE3)
		return p[1] == 0x80 && p[2] == 0x80;
	if (p[0] != 0xE2)
		return false;
	if (p[1] == 0x81)
		return p[2] == 0x9F;
	return p[1] == 0x80 &&
	       ((p[2] >= 0x80 && p[2] <= 0x8A) || p[2] == 0xA8 || p[2] == 0xA9 || p[2] == 0xAF);
}

/* Length of the blank that n bytes begin with (from_end: end with), or 0. */
static size_t blank_at(const unsigned char *p, size_t n, bool from_end)
{
	if (n >= 1 && is_ascii_blank(p[from_end ? n - 1 : 0]))
		return 1;
	if (n >= 2 && is_blank2(from_end ? p + n - 2 : p))
		return 2;
	if (n >= 3 && is_blank3(from_end ? p + n - 3 : p))
		return 3;
	return 0;
}

struct str text_trim(struct str s)
{
	size_t n;

	while ((n = blank_at((const unsigned char *)s.p, s.n, false)) > 0)
		s = (struct str){ s.p + n, s.n - n };
	while ((n = blank_at((const unsigned char *)s.p, s.n, true)) > 0)
		s.n -= n;
	return s;
}
