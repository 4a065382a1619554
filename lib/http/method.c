/*
 * The one table of method names, read by the request parser (text to number) and by whoever prints
 * an Allow field or a log line (number to text).
 */
#include "http/method.h"

static const char *const names[HTTP_METHOD_MAX] = {
	[HTTP_METHOD_OTHER] = "",      [HTTP_METHOD_GET] = "GET",
	[HTTP_METHOD_HEAD] = "HEAD",   [HTTP_METHOD_POST] = "POST",
	[HTTP_METHOD_PUT] = "PUT",     [HTTP_METHOD_DELETE] = "DELETE",
	[HTTP_METHOD_PATCH] = "PATCH", [HTTP_METHOD_OPTIONS] = "OPTIONS",
	[HTTP_METHOD_TRACE] = "TRACE",
};

const char *http_method_name(enum http_method m)
{
	return names[m];
}

enum http_method http_method_of(struct str name)
{
	for (enum http_method m = HTTP_METHOD_OTHER + 1; m < HTTP_METHOD_MAX; m++) {
		if (str_is(name, names[m]))
			return m;
	}
	return HTTP_METHOD_OTHER;
}
