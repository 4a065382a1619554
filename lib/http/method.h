/* The methods that a request of ours may have. */
#ifndef HTTP_METHOD_H
#define HTTP_METHOD_H

#include "base/str.h"

enum http_method {
	HTTP_METHOD_OTHER, /* never seen by on_head: the server answers 501 */
	HTTP_METHOD_GET,
	HTTP_METHOD_HEAD,
	HTTP_METHOD_POST,
	HTTP_METHOD_PUT,
	HTTP_METHOD_DELETE,
	HTTP_METHOD_PATCH,
	HTTP_METHOD_OPTIONS,
	HTTP_METHOD_TRACE,
	HTTP_METHOD_MAX
};

/* "GET"; "" for HTTP_METHOD_OTHER. */
const char *http_method_name(enum http_method m);
/* Methods are case-sensitive: "get" is HTTP_METHOD_OTHER. */
enum http_method http_method_of(struct str name);

#endif
