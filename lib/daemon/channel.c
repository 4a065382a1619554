/*
 * A channel on the loop: reads packets and hands each to the one handler that its type has, writes
 * packets and keeps at most 64 of them for a peer that is slow to read. The packets themselves are
 * packet.c's; who says what to whom is messages.h's.
 *
 * Invariant: after on_end nothing is read or sent any more. A handler and on_end may free the
 * channel; its memory then lives until the reading function has left.
 */
#include "daemon/channel.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/packet.h"

#define QUEUE_MAX 64
/* Packets read in one turn: a chatty peer must not keep the loop from others. */
#define READ_BURST 16

struct queued {
	struct queued *next;
	enum message_type type;
	uint64_t id;
	int fd; /* our own duplicate, or -1 */
	unsigned char payload[];
};

struct channel {
	struct channel_options options;
	struct event *readable, *writable;
	struct queued *first, **last;
	unsigned count;
	int fd;
	bool ended;
	bool reading; /* on_readable() is on the stack */
	bool freed;   /* channel_free() came meanwhile */
};

static void queued_free(struct queued *q)
{
	if (q->fd >= 0)
		close(q->fd);
	free(q);
}

static void queue_drop(struct channel *c)
{
	while (c->first) {
		struct queued *q = c->first;

		c->first = q->next;
		queued_free(q);
	}
	c->last = &c->first;
	c->count = 0;
}

static void channel_end(struct channel *c, int reason)
{
	if (c->ended)
		return;
	c->ended = true;
	event_del(c->readable);
	event_del(c->writable);
	queue_drop(c);
	c->options.on_end(c, c->options.self, reason);
}

static void dispatch(struct channel *c, struct message *m)
{
	const struct channel_handler *h = c->options.handlers;

	while (h->handler && h->type != m->type)
		h++;
	if (h->handler)
		h->handler(c->options.self, m);
	else
		channel_end(c, -EPROTO);
	if (m->fd >= 0)
		close(m->fd);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(16) unsigned char buffer[CHANNEL_MAX_PAYLOAD];
	struct channel *c = arg;

	(void)what;
	c->reading = true;
	for (unsigned i = 0; i < READ_BURST && !c->ended; i++) {
		struct message m;
		int r = packet_receive(fd, buffer, &m);

		if (r == -EAGAIN)
			break;
		if (r <= 0)
			channel_end(c, r);
		else
			dispatch(c, &m);
	}
	c->reading = false;
	if (c->freed)
		free(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *c = arg;

	(void)what;
	while (c->first) {
		struct queued *q = c->first;
		int r = packet_send(fd, q->type, q->id, q->payload, q->fd);

		if (r == -EAGAIN)
			return;
		/* A peer that is gone shows as an end on the reading side, after what it still
		 * said. */
		c->first = q->next;
		c->count--;
		queued_free(q);
	}
	c->last = &c->first;
	event_del(c->writable);
}

static int queue_add(struct channel *c, const struct message *m)
{
	size_t size = message_size(m->type);
	struct queued *q;

	if (c->count >= QUEUE_MAX)
		return -ENOBUFS;
	q = malloc(sizeof(*q) + size);
	if (!q)
		return -ENOMEM;
	*q = (struct queued){ .type = m->type, .id = m->id, .fd = -1 };
	memcpy(q->payload, m->payload, size);
	if (m->fd >= 0) {
		q->fd = fcntl(m->fd, F_DUPFD_CLOEXEC, 0);
		if (q->fd < 0) {
			int r = -errno;

			free(q);
			return r;
		}
	}
	if (c->count++ == 0)
		event_add(c->writable, NULL);
	*c->last = q;
	c->last = &q->next;
	return 0;
}

int channel_send(struct channel *c, enum message_type type, uint64_t id, const void *payload,
                 int fd)
{
	struct message m = { type, id, payload, fd };
	int r = -EAGAIN;

	assert(message_size(type) > 0);
	if (c->ended)
		return -EPIPE;
	if (!c->first)
		r = packet_send(c->fd, type, id, payload, fd);
	return r == -EAGAIN ? queue_add(c, &m) : r;
}

int channel_new(struct event_base *base, int fd, const struct channel_options *o,
                struct channel **ret)
{
	int flags = fcntl(fd, F_GETFL);
	struct channel *c;

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	c = malloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = (struct channel){ .options = *o, .fd = -1 };
	c->last = &c->first;
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
	if (!c->readable || !c->writable || event_add(c->readable, NULL) < 0) {
		channel_free(c);
		return -ENOMEM;
	}
	c->fd = fd;
	*ret = c;
	return 0;
}

void channel_free(struct channel *c)
{
	if (!c || c->freed)
		return;
	c->ended = true;
	queue_drop(c);
	if (c->readable)
		event_free(c->readable);
	if (c->writable)
		event_free(c->writable);
	if (c->fd >= 0)
		close(c->fd);
	c->freed = true;
	if (!c->reading)
		free(c);
}

/* 0 when fd has one of the events, -ETIMEDOUT at the deadline. */
static int wait_for(int fd, short events, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now = clock_mono_ns();
	uint64_t left_ms = now < deadline_ns ? (deadline_ns - now + 999999) / 1000000 : 0;
	int r = poll(&p, 1, (int)left_ms);

	if (r < 0 && errno != EINTR)
		return -errno;
	if (r <= 0 && left_ms == 0)
		return -ETIMEDOUT;
	return 0;
}

static uint64_t deadline_after(int timeout_ms)
{
	return clock_mono_ns() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * 1000000;
}

int channel_send_blocking(int fd, enum message_type type, uint64_t id, const void *payload,
                          int attached_fd, int timeout_ms)
{
	uint64_t deadline = deadline_after(timeout_ms);
	int r = packet_send(fd, type, id, payload, attached_fd);

	while (r == -EAGAIN) {
		r = wait_for(fd, POLLOUT, deadline);
		if (r == 0)
			r = packet_send(fd, type, id, payload, attached_fd);
	}
	return r;
}

int channel_recv_blocking(int fd, int timeout_ms, void *buffer, struct message *ret)
{
	uint64_t deadline = deadline_after(timeout_ms);
	int r = packet_receive(fd, buffer, ret);

	while (r == -EAGAIN) {
		r = wait_for(fd, POLLIN, deadline);
		if (r == 0)
			r = packet_receive(fd, buffer, ret);
	}
	if (r == 0)
		return -EPIPE;
	return r < 0 ? r : 0;
}
