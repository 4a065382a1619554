/*
 * A growing run of bytes with a terminator that it does not count. Room doubles, so n additions
 * cost O(n). The first failure stays: an answer is never sent with a hole in it, because whoever
 * sends it asks strbuf_error() once. Called by whatever writes text: JSON, metrics, CSV, messages.
 */
#include "base/strbuf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOM_MIN ((size_t)64)

static void fail(struct strbuf *b, int r)
{
	if (b->error == 0)
		b->error = r;
}

/* Room for n more bytes and the terminator. */
static bool grow(struct strbuf *b, size_t n)
{
	size_t room = b->room ? b->room : ROOM_MIN;
	size_t need;
	char *p;

	if (b->error)
		return false;
	if (__builtin_add_overflow(b->n, n, &need) || need >= SIZE_MAX / 4) {
		fail(b, -ENOMEM);
		return false;
	}
	need++;
	if (b->p && need <= b->room)
		return true;
	while (room < need)
		room *= 2;
	p = realloc(b->p, room);
	if (!p) {
		fail(b, -ENOMEM);
		return false;
	}
	p[b->n] = '\0';
	b->p = p;
	b->room = room;
	return true;
}

static bool within_limit(struct strbuf *b, size_t n)
{
	if (b->error)
		return false;
	if (b->limit && (b->n > b->limit || n > b->limit - b->n)) {
		fail(b, -E2BIG);
		return false;
	}
	return true;
}

void strbuf_add(struct strbuf *b, const void *p, size_t n)
{
	if (!within_limit(b, n) || !grow(b, n))
		return;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void strbuf_adds(struct strbuf *b, const char *text)
{
	strbuf_add(b, text, strlen(text));
}

void strbuf_addc(struct strbuf *b, char c)
{
	strbuf_add(b, &c, 1);
}

void strbuf_addf(struct strbuf *b, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (n < 0) {
		fail(b, -ENOMEM);
		return;
	}
	if (!within_limit(b, (size_t)n) || !grow(b, (size_t)n))
		return;
	va_start(arguments, format);
	vsnprintf(b->p + b->n, (size_t)n + 1, format, arguments);
	va_end(arguments);
	b->n += (size_t)n;
}

char *strbuf_reserve(struct strbuf *b, size_t n)
{
	return grow(b, n) ? b->p + b->n : NULL;
}

void strbuf_commit(struct strbuf *b, size_t n)
{
	if (!b->p)
		return;
	if (within_limit(b, n))
		b->n += n;
	b->p[b->n] = '\0';
}

void strbuf_reset(struct strbuf *b)
{
	b->n = 0;
	b->error = 0;
	if (b->p)
		b->p[0] = '\0';
}

void strbuf_done(struct strbuf *b)
{
	free(b->p);
	b->p = NULL;
	b->n = 0;
	b->room = 0;
	b->error = 0;
}
