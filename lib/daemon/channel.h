/*
 * Typed messages over a SOCK_SEQPACKET socket: the packet is the border, so plain readiness events
 * with sendmsg and recvmsg, no buffering layer. What is of the wrong size, of an unknown type or
 * truncated is refused here, in one place.
 */
#ifndef DAEMON_CHANNEL_H
#define DAEMON_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "daemon/messages.h"

struct event_base;
struct channel;

typedef void channel_handler_fn(void *self, struct message *m);
/* Ends with { .handler = NULL }. A type that is not listed is a bug of the sender:
 * on_end(-EPROTO). */
struct channel_handler {
	enum message_type type;
	channel_handler_fn *handler;
};

struct channel_options {
	const struct channel_handler *handlers;
	/* EOF (0) or a broken peer (-errno). The channel is to be freed by the callee or later. */
	void (*on_end)(struct channel *c, void *self, int reason);
	void *self;
};

/* Owns fd (made non-blocking). At most 64 packets wait for a slow peer; then sending fails. */
int channel_new(struct event_base *base, int fd, const struct channel_options *o,
                struct channel **ret);
void channel_free(struct channel *c);

/* fd is borrowed (duplicated by the kernel); -1: none. 0, -EPIPE, or -ENOBUFS when the peer does
 * not read. Never blocks. payload has the type's size. */
int channel_send(struct channel *c, enum message_type type, uint64_t id, const void *payload,
                 int fd);

/* For programs without a loop (fraudctl) and for a child's first message: blocks up to timeout_ms.
 * buffer holds CHANNEL_MAX_PAYLOAD bytes and backs ret->payload. -ETIMEDOUT, -EPIPE, -EBADMSG. */
#define CHANNEL_MAX_PAYLOAD MESSAGE_MAX_PAYLOAD
int channel_send_blocking(int fd, enum message_type type, uint64_t id, const void *payload,
                          int attached_fd, int timeout_ms);
int channel_recv_blocking(int fd, int timeout_ms, void *buffer, struct message *ret);

#endif
