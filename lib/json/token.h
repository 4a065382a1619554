/* Strings and numbers of JSON, one at a time, without knowledge of what is around them. Internal to
 * lib/json. */
#ifndef JSON_TOKEN_H
#define JSON_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct token_fault {
	const char *at;
	const char *what;
};

/*
 * p is behind the opening quote. Returns the closing quote, or NULL and *f. *ret_escaped: there is
 * at least one escape, so the text has to be decoded.
 */
const char *token_string(const char *p, const char *end, bool *ret_escaped, struct token_fault *f);

/* Of a string that token_string() accepted, without its quotes. ret has raw.n bytes; returns how
 * many were used. */
size_t token_decode(struct str raw, char *ret);

/* p is at the first byte. Returns the byte behind the number, or NULL and *f. */
const char *token_number(const char *p, const char *end, struct token_fault *f);

/* As token_number(), for a literal name. */
const char *token_word(const char *p, const char *end, struct str word, struct token_fault *f);

#endif
