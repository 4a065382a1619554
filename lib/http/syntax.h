/* The byte classes of RFC 9110 §5.6.2 and §5.5, as one table. */
#ifndef HTTP_SYNTAX_H
#define HTTP_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum syntax_set {
	SYNTAX_TOKEN,  /* tchar */
	SYNTAX_VALUE,  /* field-vchar, SP, HTAB: VCHAR and obs-text too */
	SYNTAX_QUOTED, /* qdtext */
	SYNTAX_MAX
};

extern const uint64_t syntax_sets[SYNTAX_MAX][4];

static inline bool syntax_is(char c, enum syntax_set set)
{
	return syntax_sets[set][(uint8_t)c / 64] >> ((uint8_t)c % 64) & 1;
}

/* The number of bytes at the front of s that are of the set. */
static inline size_t syntax_span(struct str s, enum syntax_set set)
{
	size_t n = 0;

	while (n < s.n && syntax_is(s.p[n], set))
		n++;
	return n;
}

/* One or more tchar and nothing else. */
static inline bool syntax_is_token(struct str s)
{
	return s.n > 0 && syntax_span(s, SYNTAX_TOKEN) == s.n;
}

/* 0 … 15, or -1. */
int syntax_hex(char c);

/* The byte that "%XX" at the front of s stands for, or -1. */
int syntax_percent(struct str s);

/* A quoted-string at the front of s (RFC 9110 §5.6.4): its length with both quotes, or 0. */
size_t syntax_quoted(struct str s);

/* The next element of a comma-separated list, trimmed; false at the end. Elements may be empty. */
bool syntax_next_element(struct str *list, struct str *ret);

#endif
