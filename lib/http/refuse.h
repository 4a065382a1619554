/* What the server says by itself. For the inside of this folder. */
#ifndef HTTP_REFUSE_H
#define HTTP_REFUSE_H

#include "http/state.h"

/* The user hears that x ends, if it knows it. */
void refuse_abort(struct http_exchange *x);
/*
 * The server itself answers and the connection closes. If an answer was begun, nothing can be said
 * any more: the connection breaks off. The user is told by on_abort if it knows x.
 */
void refuse_and_close(struct http_exchange *x, int status, const char *why);
/* The same, but the connection stays if the request lets it. */
void refuse_and_stay(struct http_exchange *x, int status, const char *why);

#endif
