/*
 * Which bytes may stand in a JSON string as they are: the scan looks for the first that may not,
 * the writer copies up to it. Internal to lib/json. Eight bytes at a time, because strings are
 * most of a document.
 */
#ifndef JSON_PLAIN_H
#define JSON_PLAIN_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PLAIN_ONES UINT64_C(0x0101010101010101)

/*
 * The top bit of each byte that is a quote, a backslash, a control character or not ASCII. A
 * borrow may mark a byte wrongly, but only above one that is marked rightly: the lowest is exact.
 */
static inline uint64_t plain_marks(uint64_t w)
{
	uint64_t quote = w ^ (PLAIN_ONES * '"');
	uint64_t backslash = w ^ (PLAIN_ONES * '\\');
	uint64_t marks = ((quote - PLAIN_ONES) & ~quote) | ((backslash - PLAIN_ONES) & ~backslash) |
	                 ((w - PLAIN_ONES * 0x20) & ~w) | w;

	return marks & (PLAIN_ONES * 0x80);
}

static inline int plain_byte(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The first byte of [p, end) that is not printable ASCII or is a quote or a backslash; or end. */
static inline const char *plain_end(const char *p, const char *end)
{
	uint64_t w;

	while (end - p >= 8) {
		memcpy(&w, p, 8);
		w = plain_marks(le64toh(w));
		if (w)
			return p + __builtin_ctzll(w) / 8;
		p += 8;
	}
	while (p < end && plain_byte((unsigned char)*p))
		p++;
	return p;
}

#endif
