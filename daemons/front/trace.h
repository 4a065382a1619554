/* The header field traceparent of W3C Trace Context: which request of somebody else's ours is part
 * of. It is logged, so that a trace leads from their log to ours. */
#ifndef FRONT_TRACE_H
#define FRONT_TRACE_H

#include "base/str.h"

#define TRACE_ID_DIGITS 32
#define TRACE_PARENT_DIGITS 16

struct trace {
	char id[TRACE_ID_DIGITS + 1];
	char parent[TRACE_PARENT_DIGITS + 1];
};

struct http_exchange;

/* 0, or -EINVAL if the text is no traceparent: then nobody's trace is continued. */
int trace_parse(struct str text, struct trace *ret);
/* Of a request; -ENOENT if it has none, -EINVAL for a bad one and for two. */
int trace_of(const struct http_exchange *x, struct trace *ret);

#endif
