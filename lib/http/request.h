/* A request on its way from the transport through the parser to the user. For connection.c. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/state.h"

/* Gives the parser what has come and the user what comes of it. False if nothing had come. */
bool request_feed(struct http_exchange *x);
/* Not in flight any more. */
void request_uncount(struct http_exchange *x);

#endif
