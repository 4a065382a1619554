/* One connection from accept to close. For server.c. */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include "http/state.h"

struct sockaddr;

/* Takes fd over, whatever happens: a connection that cannot be is closed and counted. */
void connection_new(struct listener *l, int fd, const struct sockaddr *peer);
/* From the wake: its turn, or its end. */
void connection_wake(struct connection *c);
/* It was late with what it waited for. */
void connection_late(struct connection *c);
/* The server drains: ends now if nothing is under way, else after the answer. */
void connection_drain(struct connection *c);
/* At once, without a word. The user hears of an exchange by on_abort. */
void connection_free(struct connection *c);

#endif
