/* A borrowed run of bytes: not terminated, not owned, may hold any byte. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* For a string literal. */
#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })

/* The same where C wants a constant: in the initializer of a static table. */
#define STR_INIT(literal)                                                                          \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

/* For printf's "%.*s". */
#define STR_ARGS(s) (int)(s).n, (s).p

static inline struct str str_of(const char *text)
{
	return (struct str){ text, strlen(text) };
}

static inline bool str_equal(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *text)
{
	return str_equal(a, str_of(text));
}

/* ASCII letters compare without case; other bytes exactly. */
bool str_equal_nocase(struct str a, struct str b);

/* Without leading and trailing blanks and tabs. */
struct str str_trim(struct str s);

/*
 * Whole text as a decimal number. 0, -EINVAL (empty, sign other than '-', junk) or -ERANGE.
 * Nothing but digits (and one '-' for the signed one) is taken: no blank, no '+', no 0x.
 */
int str_to_u64(struct str s, unsigned long long *ret);
int str_to_i64(struct str s, long long *ret);

/* Whole text is valid UTF-8 (no surrogates, no overlong forms, no code point above 10FFFF). */
bool str_is_utf8(struct str s);
/* Bytes of the character at the front of s; 0 if there is no valid one. */
size_t str_utf8_length(struct str s);
/* The largest length <= limit that does not cut a character of s in two. */
size_t str_utf8_cut(struct str s, size_t limit);

#endif
