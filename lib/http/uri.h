/*
 * The target of a request: its forms, its percent-encoding, its query. Pure. Everything that could
 * be read in two ways is refused, because somebody in front of us may read it the other way.
 */
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct uri {
	struct str host;  /* with port, of an absolute target; else .p is NULL */
	struct str path;  /* raw, begins with '/'; or "*" */
	struct str query; /* raw, without '?'; may be empty */
	bool encoded;     /* path has a '%': it must be decoded */
};

/*
 * Origin-form, absolute-form (http, https) or "*"; slices of target. -EINVAL: another form, a byte
 * that has no place there, a '%' without two hex digits, %00 anywhere or %2F in the path.
 */
int uri_split(struct str target, struct uri *ret);
/* host [":" port] as in the field Host; not empty. */
bool uri_is_host(struct str s);

/* Percent-decoded copy. plus: '+' is a blank. -EINVAL (bad or %00) or -ENOMEM. */
int uri_decode(struct str s, bool plus, struct arena *a, struct str *ret);

/* One after another: *at begins as the whole query, name and value are raw. False at the end. Empty
 * pieces ("a&&b") are skipped; a piece without '=' has an empty value. */
bool uri_next_parameter(struct str *at, struct str *ret_name, struct str *ret_value);

/* The first parameter of this name, decoded. 1, 0 if there is none, or -errno. The typed ones take
 * what pydantic takes as bool ("true", "1", "on", "yes" …) and decimal integers: -EINVAL, -ERANGE.
 */
int uri_parameter(struct str query, const char *name, struct arena *a, struct str *ret);
int uri_parameter_bool(struct str query, const char *name, struct arena *a, bool *ret);
int uri_parameter_int(struct str query, const char *name, struct arena *a, int64_t *ret);

#endif
