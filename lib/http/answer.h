/* The connection's side of exchange.h. For the inside of this folder. */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "http/state.h"

/* A new one for c, or NULL. Made from the spare ones of the server. */
struct http_exchange *exchange_new(struct connection *c);
/* Back to the spare ones. */
void exchange_free(struct http_exchange *x);
/* Gives back what the user had in it, but keeps what reading on needs. */
void exchange_release(struct http_exchange *x);
/* For good, when the server ends. */
void exchange_free_spare(struct http_server *s);

/* True if the whole request is in. */
bool exchange_is_complete(const struct http_exchange *x);
/* The user hears that x ends, if it knows it. */
void exchange_abort(struct http_exchange *x);
/*
 * The server itself answers and the connection closes. If an answer was begun, nothing can be said
 * any more: the connection breaks off. The user is told by on_abort if it knows x.
 */
void exchange_refuse(struct http_exchange *x, int status, const char *why);
/* The same, but the connection stays if the request lets it. */
void exchange_decline(struct http_exchange *x, int status, const char *why);

#endif
