/*
 * A connection's bytes: socket, TLS, buffers. Knows nothing of requests. For the inside of this
 * folder.
 */
#ifndef HTTP_TRANSPORT_H
#define HTTP_TRANSPORT_H

#include "http/state.h"

struct transport_events {
	void (*on_readable)(struct connection *c);
	void (*on_writable)(struct connection *c);
	/* c->ended or c->failed was set. */
	void (*on_end)(struct connection *c);
};

/* Takes c->fd into use: buffers, TLS if the listener has it, reading. 0 or -ENOMEM. `events` is
 * borrowed for good. */
int transport_open(struct connection *c, const struct transport_events *events);
/* Frees everything and closes the socket. Never inside an event of c. */
void transport_close(struct connection *c);

/* The bytes at the front that can be looked at; .n is 0 if there are none. */
struct str transport_peek(struct connection *c);
void transport_consume(struct connection *c, size_t n);
size_t transport_available(const struct connection *c);
void transport_set_reading(struct connection *c, bool on);

/* Where the next bytes of an answer go. What was added is told by transport_queued(). */
struct evbuffer *transport_output(struct connection *c);
void transport_queued(struct connection *c, uint64_t n);
/* The fd is taken over. -errno: then the answer cannot be finished. */
int transport_add_file(struct connection *c, int fd, off_t offset, uint64_t length);
/* Bytes that the kernel has not taken yet, files included. */
uint64_t transport_pending(const struct connection *c);
/* Writes what it can now; the rest goes by itself. Sets c->failed if the peer is gone. */
void transport_flush(struct connection *c);
/* Tells the peer that no more will come. */
void transport_shutdown(struct connection *c);

#endif
