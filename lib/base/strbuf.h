/*
 * Text that grows. Like an arena, a buffer that failed (memory, limit) stays failed and further
 * additions do nothing, so the caller checks once: strbuf_error().
 *
 * { 0 } is a valid empty buffer without a limit.
 */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct strbuf {
	char *p; /* NULL while nothing was added; else terminated */
	size_t n;
	size_t room;
	size_t limit; /* longest content allowed; 0 = none */
	int error;    /* 0, -ENOMEM or -E2BIG */
};

void strbuf_add(struct strbuf *b, const void *p, size_t n);
void strbuf_adds(struct strbuf *b, const char *text);
void strbuf_addc(struct strbuf *b, char c);
void strbuf_addf(struct strbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* At least n writable bytes at the end, or NULL. strbuf_commit() then says how many were used. */
char *strbuf_reserve(struct strbuf *b, size_t n);
void strbuf_commit(struct strbuf *b, size_t n);

static inline int strbuf_error(const struct strbuf *b)
{
	return b->error;
}

static inline struct str strbuf_str(const struct strbuf *b)
{
	return (struct str){ b->p, b->n };
}

/* Empty again, memory kept, error cleared. */
void strbuf_reset(struct strbuf *b);
void strbuf_done(struct strbuf *b);

#endif
