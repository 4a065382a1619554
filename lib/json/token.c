/*
 * The lexical half of RFC 8259: what a string and a number may look like. A string is checked
 * first, in a pass that writes nothing; only one that has escapes is then decoded, into memory of
 * the caller, and never grows by it (the shortest escape of an n byte character is longer than n).
 * Every function stops at `end`: the input is not terminated. Called by scan.c.
 */
#include "json/token.h"

#include <stdint.h>

#include "json/plain.h"

#define ESCAPE_DIGITS 4

static const char *fault(struct token_fault *f, const char *at, const char *what)
{
	f->at = at;
	f->what = what;
	return NULL;
}

static int hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits behind "\u"; -1 if they are none. p + 4 <= end. */
static int32_t hex_unit(const char *p)
{
	int32_t unit = 0;

	for (int i = 0; i < ESCAPE_DIGITS; i++) {
		int digit = hex_digit((unsigned char)p[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

static bool is_leading(int32_t unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_trailing(int32_t unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* p is at the backslash of "\uXXXX". Returns what follows the escape, or the pair of escapes. */
static const char *check_unicode(const char *p, const char *end, struct token_fault *f)
{
	int32_t unit;

	if (end - p < 2 + ESCAPE_DIGITS)
		return fault(f, end, "EOF while parsing a string");
	unit = hex_unit(p + 2);
	if (unit < 0)
		return fault(f, p, "invalid escape");
	if (unit == 0)
		return fault(f, p, "null character (\\u0000) is not allowed in a string");
	if (is_trailing(unit))
		return fault(f, p, "lone trailing surrogate in hex escape");
	if (!is_leading(unit))
		return p + 2 + ESCAPE_DIGITS;
	p += 2 + ESCAPE_DIGITS;
	if (end - p < 2 + ESCAPE_DIGITS || p[0] != '\\' || p[1] != 'u' ||
	    !is_trailing(hex_unit(p + 2)))
		return fault(f, p, "lone leading surrogate in hex escape");
	return p + 2 + ESCAPE_DIGITS;
}

static const char *check_escape(const char *p, const char *end, struct token_fault *f)
{
	if (end - p < 2)
		return fault(f, end, "EOF while parsing a string");
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return p + 2;
	case 'u':
		return check_unicode(p, end, f);
	default:
		return fault(f, p, "invalid escape");
	}
}

static const char *check_utf8(const char *p, const char *end, struct token_fault *f)
{
	size_t n = str_utf8_length((struct str){ p, (size_t)(end - p) });

	return n > 0 ? p + n : fault(f, p, "invalid unicode code point");
}

const char *token_string(const char *p, const char *end, bool *ret_escaped, struct token_fault *f)
{
	bool escaped = false;

	while (p) {
		p = plain_end(p, end);
		if (p == end)
			return fault(f, p, "EOF while parsing a string");
		if (*p == '"')
			break;
		if (*p == '\\') {
			escaped = true;
			p = check_escape(p, end, f);
		} else if ((unsigned char)*p < 0x20) {
			return fault(f, p,
			             "control character (\\u0000-\\u001F) found while parsing a "
			             "string");
		} else {
			p = check_utf8(p, end, f);
		}
	}
	if (p)
		*ret_escaped = escaped;
	return p;
}

static char *put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	}
	return out;
}

/* p is at the 'u'; both escapes of a pair are taken. Returns what follows. */
static const char *decode_unicode(const char *p, char **out)
{
	uint32_t c = (uint32_t)hex_unit(p + 1);

	p += 1 + ESCAPE_DIGITS;
	if (is_leading((int32_t)c)) {
		c = 0x10000 + ((c - 0xd800) << 10) + ((uint32_t)hex_unit(p + 2) - 0xdc00);
		p += 2 + ESCAPE_DIGITS;
	}
	*out = put_utf8(*out, c);
	return p;
}

static char decode_letter(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return c;
	}
}

size_t token_decode(struct str raw, char *ret)
{
	const char *p = raw.p;
	const char *end = raw.p + raw.n;
	char *out = ret;

	while (p < end) {
		const char *backslash = memchr(p, '\\', (size_t)(end - p));
		size_t run = (size_t)((backslash ? backslash : end) - p);

		memcpy(out, p, run);
		out += run;
		p += run;
		if (!backslash)
			break;
		p++;
		if (*p == 'u')
			p = decode_unicode(p, &out);
		else
			*out++ = decode_letter(*p++);
	}
	return (size_t)(out - ret);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One digit or more. */
static const char *digits(const char *p, const char *end, struct token_fault *f)
{
	if (p == end)
		return fault(f, p, "EOF while parsing a value");
	if (!is_digit(*p))
		return fault(f, p, "invalid number");
	while (p < end && is_digit(*p))
		p++;
	return p;
}

const char *token_number(const char *p, const char *end, struct token_fault *f)
{
	const char *first;

	if (*p == '-')
		p++;
	first = p;
	p = digits(p, end, f);
	if (p && *first == '0' && p - first > 1)
		return fault(f, first + 1, "invalid number");
	if (p && p < end && *p == '.')
		p = digits(p + 1, end, f);
	if (p && p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = digits(p, end, f);
	}
	return p;
}

const char *token_word(const char *p, const char *end, struct str word, struct token_fault *f)
{
	for (size_t i = 0; i < word.n; i++) {
		if (p + i == end)
			return fault(f, end, "EOF while parsing a value");
		if (p[i] != word.p[i])
			return fault(f, p + i, "expected ident");
	}
	return p + word.n;
}
