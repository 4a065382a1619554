/*
 * application/x-www-form-urlencoded bodies, strictly: for the login form. Pure.
 */
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

#define FORM_FIELDS_MAX 64

struct form_field {
	struct str name, value; /* decoded */
};

struct form {
	struct form_field *fields;
	size_t count;
};

/* True for "application/x-www-form-urlencoded", whatever its parameters. */
bool form_is_type(struct str content_type);
/*
 * All fields in their order, decoded into the arena. -EINVAL: bad percent-encoding, NUL, no UTF-8;
 * -EEXIST: a name comes twice; -E2BIG: more than FORM_FIELDS_MAX; -ENOMEM. ret_bad (may be NULL)
 * then holds the raw name that is meant.
 */
int form_parse(struct str body, struct arena *a, struct form *ret, struct str *ret_bad);
/* The value; .p is NULL if there is no such field. */
struct str form_get(const struct form *f, const char *name);

#endif
