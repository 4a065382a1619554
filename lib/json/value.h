/*
 * A parsed document and careful looks at it. The tree is cJSON's; its header is included here in
 * lib/json only, so others hold `const struct cJSON *` and ask these functions. Allocation hooks of
 * cJSON are global: json_setup() sets them once, at the start of a process, to the arena that
 * json_parse() is given.
 */
#ifndef JSON_VALUE_H
#define JSON_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/str.h"
#include "json/scan.h"

struct cJSON;

enum json_type {
	JSON_TYPE_NULL,
	JSON_TYPE_BOOL,
	JSON_TYPE_NUMBER,
	JSON_TYPE_TEXT,
	JSON_TYPE_ARRAY,
	JSON_TYPE_OBJECT
};

/* Once a process, before the first json_parse(). */
void json_setup(void);

/*
 * Scans strictly (unique names, depth 32), then builds the tree in the arena: it is never freed one
 * by one. The text may go afterwards. -EBADMSG for bad text or -ENOMEM, *ret_fault in both cases.
 * One thread at a time.
 */
int json_parse(struct str text, struct arena *a, const struct cJSON **ret,
               struct json_fault *ret_fault);

enum json_type json_type(const struct cJSON *v);
bool json_bool(const struct cJSON *v);
/* Nearest double; an overflow such as 1e400 is infinite. Zero for any other type. */
double json_number(const struct cJSON *v);
/* True and *ret if the value is written as an integer (no point, no exponent) that fits 64 bits. */
bool json_integer(const struct cJSON *v, int64_t *ret);
/* Of a string, or of a number as it was written. Borrowed from the tree; no NUL inside (the scan
 * refuses \u0000). Empty for any other type. */
struct str json_text(const struct cJSON *v);

/* First child of an array or object, next sibling, name of a member. NULL ends. */
const struct cJSON *json_first(const struct cJSON *v);
const struct cJSON *json_next(const struct cJSON *v);
struct str json_name(const struct cJSON *v);
const struct cJSON *json_member(const struct cJSON *v, const char *name);
size_t json_count(const struct cJSON *v);

/* Typed members with words for a person: "tracking answer: member \"version\" must be text".
 * Missing or of another type: -EBADMSG. */
int json_get_text(const struct cJSON *object, const char *name, struct str *ret,
                  struct errbuf *err);
int json_get_integer(const struct cJSON *object, const char *name, int64_t *ret,
                     struct errbuf *err);
int json_get_number(const struct cJSON *object, const char *name, double *ret, struct errbuf *err);

#endif
