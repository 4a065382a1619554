/*
 * traceparent is `version-id-parent-flags` in lower-case hex, e.g.
 * 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01. What the standard calls invalid is
 * treated as absent. A version to come may append members; its beginning is read like ours.
 * Called by the log line of a request.
 */
#include "trace.h"

#include <errno.h>

#include "http/exchange.h"

#define FIELD "traceparent"
/* Where the members of version 00 begin. */
#define ID_AT 3
#define PARENT_AT (ID_AT + TRACE_ID_DIGITS + 1)
#define FLAGS_AT (PARENT_AT + TRACE_PARENT_DIGITS + 1)
#define SIZE (FLAGS_AT + 2)

static bool is_hex(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!(p[i] >= '0' && p[i] <= '9') && !(p[i] >= 'a' && p[i] <= 'f'))
			return false;
	}
	return true;
}

/* Zeros stand for "none", which is not allowed. */
static bool is_identity(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '0')
			return is_hex(p, n);
	}
	return false;
}

static bool is_end_fine(struct str text)
{
	if (memcmp(text.p, "00", 2) == 0)
		return text.n == SIZE;
	return text.n == SIZE || text.p[SIZE] == '-';
}

int trace_parse(struct str text, struct trace *ret)
{
	const char *p = text.p;

	if (text.n < SIZE || p[ID_AT - 1] != '-' || p[PARENT_AT - 1] != '-' ||
	    p[FLAGS_AT - 1] != '-')
		return -EINVAL;
	if (!is_hex(p, 2) || memcmp(p, "ff", 2) == 0 || !is_hex(p + FLAGS_AT, 2) ||
	    !is_end_fine(text))
		return -EINVAL;
	if (!is_identity(p + ID_AT, TRACE_ID_DIGITS) ||
	    !is_identity(p + PARENT_AT, TRACE_PARENT_DIGITS))
		return -EINVAL;
	memcpy(ret->id, p + ID_AT, TRACE_ID_DIGITS);
	ret->id[TRACE_ID_DIGITS] = '\0';
	memcpy(ret->parent, p + PARENT_AT, TRACE_PARENT_DIGITS);
	ret->parent[TRACE_PARENT_DIGITS] = '\0';
	return 0;
}

int trace_of(const struct http_exchange *x, struct trace *ret)
{
	struct str name, value, found = { NULL, 0 };

	for (size_t i = 0; i < http_field_count(x); i++) {
		http_field_at(x, i, &name, &value);
		if (!str_equal_nocase(name, STR(FIELD)))
			continue;
		if (found.p)
			return -EINVAL;
		found = value;
	}
	return found.p ? trace_parse(found, ret) : -ENOENT;
}
