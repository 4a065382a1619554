/*
 * Every message is formed in a buffer of its own first, so that a text may be made from the one it
 * replaces, and is cut on a whole character, so that it can go into JSON or a log as it is.
 */
#include "base/errbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static void store(struct errbuf *err, const char *text)
{
	struct str s = str_of(text);

	s.n = str_utf8_cut(s, sizeof(err->text) - 1);
	memcpy(err->text, s.p, s.n);
	err->text[s.n] = '\0';
}

void errbuf_write(struct errbuf *err, const char *format, ...)
{
	/* A few bytes more than fit show whether the last character was whole. */
	char text[sizeof(struct errbuf) + 8];
	va_list arguments;

	if (!err)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	store(err, text);
}

void errbuf_precede(struct errbuf *err, const char *format, ...)
{
	char prefix[sizeof(err->text)];
	char text[2 * sizeof(err->text) + 2];
	va_list arguments;

	if (!err)
		return;
	va_start(arguments, format);
	vsnprintf(prefix, sizeof(prefix), format, arguments);
	va_end(arguments);
	snprintf(text, sizeof(text), "%s: %s", prefix, err->text);
	store(err, text);
}
