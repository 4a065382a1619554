/*
 * RFC 8259, strictly, in one pass and without a tree: the only JSON grammar of the house. Requests
 * are scanned before cJSON sees them (it accepts 01, raw control bytes, invalid UTF-8, a BOM and
 * cuts strings at \u0000); XGBoost's JSON documents are read from its events alone, because a
 * float32 must not go through a double.
 */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/str.h"

#define JSON_DEPTH 32 /* containers within containers, unless said otherwise */

enum json_event {
	JSON_OBJECT_BEGIN,
	JSON_OBJECT_END,
	JSON_ARRAY_BEGIN,
	JSON_ARRAY_END,
	JSON_KEY,    /* text: the member's name, decoded */
	JSON_STRING, /* text: decoded */
	JSON_NUMBER, /* text: as written */
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

/* Returns 0 to go on; anything negative ends the scan and is returned by it. */
typedef int json_on_event(void *self, enum json_event event, struct str text);

struct json_scan_options {
	unsigned max_depth; /* 0 = JSON_DEPTH */
	bool nonfinite;     /* NaN, Infinity and -Infinity count as numbers (XGBoost writes them) */
	bool unique;        /* a member name twice in one object is an error */
	json_on_event *on_event; /* NULL: only check */
	void *self;
};

struct json_fault {
	size_t offset; /* bytes from the start */
	const char
	        *what; /* e.g. "invalid escape", static text, pydantic's words where it has them */
};

/*
 * 0 if the whole text is one JSON value with nothing but white space around it. -EBADMSG for a
 * fault of the text, -ENOMEM, or what on_event returned; *ret_fault is filled in each case (where
 * on_event refused, its offset is behind what was refused). Texts of events point into the input
 * or, decoded, into the arena, so they may be kept as long as both. Does not block; no recursion.
 */
int json_scan(struct str text, const struct json_scan_options *options, struct arena *a,
              struct json_fault *ret_fault);

#endif
