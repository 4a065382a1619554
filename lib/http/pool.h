/* Exchanges and their memory, kept from one request to the next. For the inside of this folder. */
#ifndef HTTP_POOL_H
#define HTTP_POOL_H

#include "http/state.h"

/* A new exchange for c, or NULL. */
struct http_exchange *pool_take(struct connection *c);
/* Ends x: back to the pool. */
void pool_give(struct http_exchange *x);
/* Frees what the user had in x, but keeps what reading on needs. Twice does no harm. */
void pool_release(struct http_exchange *x);
/* For good, when the server ends. */
void pool_done(struct http_server *s);

#endif
