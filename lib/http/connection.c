/*
 * The life of a connection: PROXY header, requests one after another, the last answer, the
 * lingering close. connection_run() is the only driver: it takes one step after another until
 * nothing can go on, then settle() flushes, decides what to wait for and how long. Callbacks of the
 * user and of the transport happen inside a run and only leave marks; a run is never entered twice,
 * and a connection is freed from the wake alone, when no call of its own is on the stack.
 *
 * Requests that a client pipelines stay in the input buffer until the answer before them is
 * complete, so answers are in order by construction.
 */
#include "http/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "http/pool.h"
#include "http/refuse.h"
#include "http/request.h"
#include "http/schedule.h"
#include "http/transport.h"

/* Input that is held while nobody reads it: a pipeline behind a slow answer, a paused body. */
#define INPUT_MAX 65536

struct proxy_reader {
	struct event *readable;
	size_t n;
	char bytes[PROXY_SIZE_MAX];
};

/* -- counting --------------------------------------------------------------------------------- */

static void opened(struct connection *c, long by)
{
	struct http_server *s = c->server;

	s->open += (uint64_t)by;
	if (!c->listener->reserved)
		s->open_limited += (uint64_t)by;
	count_set(&s->counters->open, s->open);
	if (s->on.on_connections)
		s->on.on_connections(s->open, s->self);
}

static void free_proxy(struct connection *c)
{
	if (!c->proxy)
		return;
	if (c->proxy->readable)
		event_free(c->proxy->readable);
	free(c->proxy);
	c->proxy = NULL;
}

/* Closed without a word. */
static void drop(struct connection *c)
{
	free_proxy(c);
	count_add(&c->server->counters->dropped, 1);
	c->state = CONNECTION_DEAD;
	schedule_wake(c);
}

/* -- one step --------------------------------------------------------------------------------- */

/* Between two requests: can another one begin, and does the peer read our answers? */
static bool may_begin(const struct connection *c)
{
	const struct http_limits *l = &c->server->limits;

	if (transport_available(c) == 0 || c->unsent >= l->pipeline)
		return false;
	return c->unsent == 0 || transport_pending(c) <= l->output;
}

static bool begin(struct connection *c)
{
	/* After a full pipeline the other connections come first. */
	if (c->turn >= c->server->limits.pipeline || !may_begin(c))
		return false;
	c->x = pool_take(c);
	if (!c->x)
		c->failed = true;
	return c->x != NULL;
}

static void take_down(struct connection *c)
{
	request_uncount(c->x);
	pool_give(c->x);
	c->x = NULL;
}

/* The answer is out. On to the next request, over the rest of this one's body, or to the end. */
static bool after_answer(struct connection *c)
{
	struct http_exchange *x = c->x;

	request_uncount(x);
	pool_release(x);
	if (x->closes || x->dropped > c->server->limits.discard) {
		take_down(c);
		c->state = CONNECTION_FLUSHING;
		return false;
	}
	if (state_is_complete(x)) {
		take_down(c);
		c->turn++;
		c->unsent++;
		return true;
	}
	return request_feed(x);
}

static bool advance(struct connection *c)
{
	struct http_exchange *x = c->x;

	if (!x)
		return begin(c);
	if (x->ended)
		return after_answer(c);
	if (x->writable) {
		x->writable = false;
		if (c->server->on.on_writable)
			c->server->on.on_writable(x, c->server->self);
		return true;
	}
	if (x->paused || x->waiting)
		return false;
	return request_feed(x);
}

/* -- when nothing can go on ------------------------------------------------------------------- */

static void die(struct connection *c)
{
	if (c->state == CONNECTION_DEAD)
		return;
	c->state = CONNECTION_DEAD;
	if (c->x && !c->x->ended)
		refuse_abort(c->x);
	schedule_wake(c);
}

/* The user waits for room in the output: is there some now? */
static void look_at_room(struct connection *c)
{
	struct http_exchange *x = c->x;

	if (!x || x->ended || !x->crowded || transport_pending(c) > c->server->limits.output / 4)
		return;
	x->crowded = false;
	x->writable = true;
	schedule_wake(c);
}

/* The peer has closed its side. What was asked for completely is still answered. */
static void settle_ended(struct connection *c)
{
	if (transport_available(c) > 0 || (c->x && !c->x->ended && state_is_complete(c->x)))
		return;
	if (c->x)
		refuse_abort(c->x);
	c->state = CONNECTION_FLUSHING;
}

static enum wait wait_of_open(const struct connection *c)
{
	const struct http_exchange *x = c->x;

	if (x && !parser_has_begun(&x->parser))
		x = NULL;
	if (x && !x->counted && !x->ended)
		return WAIT_HEAD;
	if (x && !x->paused && !state_is_complete(x))
		return WAIT_BODY;
	if (transport_pending(c) > 0)
		return WAIT_WRITE;
	if (x)
		return WAIT_NONE;
	return c->requests == 0 ? WAIT_FIRST_BYTE : WAIT_IDLE;
}

static void settle_open(struct connection *c)
{
	if (c->ended) {
		settle_ended(c);
		if (c->state != CONNECTION_OPEN)
			return;
	}
	look_at_room(c);
	transport_set_reading(c, !c->ended && transport_available(c) < INPUT_MAX);
	schedule_wait(c, wait_of_open(c));
	/* More was pipelined than one turn takes. */
	if (!c->x && may_begin(c))
		schedule_wake(c);
}

/* The last answer: flush it, shut down, wait for the peer to have seen it. */
static void settle_closing(struct connection *c)
{
	if (c->x)
		take_down(c);
	transport_consume(c, transport_available(c));
	transport_set_reading(c, !c->ended);
	if (c->state == CONNECTION_FLUSHING && transport_pending(c) == 0) {
		if (c->ended) {
			die(c);
			return;
		}
		transport_shutdown(c);
		c->state = CONNECTION_LINGERING;
	}
	if (c->state == CONNECTION_LINGERING && c->ended)
		die(c);
	else
		schedule_wait(c, c->state == CONNECTION_FLUSHING ? WAIT_WRITE : WAIT_LINGER);
}

static void settle(struct connection *c)
{
	transport_flush(c);
	if (transport_pending(c) == 0)
		c->unsent = 0;
	if (!c->failed && c->state == CONNECTION_OPEN)
		settle_open(c);
	if (!c->failed && (c->state == CONNECTION_FLUSHING || c->state == CONNECTION_LINGERING))
		settle_closing(c);
	if (c->failed)
		die(c);
}

static void connection_run(struct connection *c)
{
	if (c->running || c->state == CONNECTION_DEAD || c->state == CONNECTION_PROXY)
		return;
	c->running = true;
	c->stepping = true;
	c->turn = 0;
	while (c->state == CONNECTION_OPEN && !c->failed && advance(c))
		;
	c->stepping = false;
	settle(c);
	c->running = false;
}

/* -- events of the transport ------------------------------------------------------------------ */

static void on_transport(struct connection *c)
{
	schedule_now(c->server);
	connection_run(c);
}

static void on_transport_end(struct connection *c)
{
	/* A handshake that failed, or a peer that left without a request. */
	if (c->failed && c->requests == 0 && !c->x && c->state != CONNECTION_DEAD)
		count_add(&c->server->counters->dropped, 1);
	on_transport(c);
}

static const struct transport_events transport_events = {
	.on_readable = on_transport,
	.on_writable = on_transport,
	.on_end = on_transport_end,
};

/* -- the beginning ---------------------------------------------------------------------------- */

/* The client's address is known now. */
static void open_connection(struct connection *c)
{
	struct http_server *s = c->server;
	uint32_t most = s->limits.source_connections;

	if (most > 0 && !c->listener->reserved) {
		if (source_add(&s->sources, &c->peer, most) < 0) {
			drop(c);
			return;
		}
		c->counted = true;
	}
	c->state = CONNECTION_OPEN;
	if (transport_open(c, &transport_events) < 0)
		drop(c);
}

/* 1: the header is whole; 0: more is to come; or -errno. */
static int read_proxy(struct connection *c)
{
	struct proxy_reader *p = c->proxy;

	for (;;) {
		int size = proxy_size((struct str){ p->bytes, p->n });
		ssize_t n;

		if (size < 0)
			return size;
		if (p->n > 0 && p->n == (size_t)size && p->n >= PROXY_HEADER_SIZE)
			return 1;
		n = recv(c->fd, p->bytes + p->n, (size_t)size - p->n, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		p->n += (size_t)n;
	}
}

static void on_proxy(evutil_socket_t fd, short what, void *self)
{
	struct connection *c = self;
	struct http_address client;
	int r;

	(void)fd;
	(void)what;
	schedule_now(c->server);
	r = read_proxy(c);
	if (r == 0)
		return;
	if (r < 0 || proxy_parse((struct str){ c->proxy->bytes, c->proxy->n }, &client) < 0) {
		drop(c);
		return;
	}
	if (client.family != HTTP_FAMILY_NONE)
		c->peer = client;
	free_proxy(c);
	open_connection(c);
}

static int await_proxy(struct connection *c)
{
	c->state = CONNECTION_PROXY;
	if (!c->trusted)
		return -EPERM;
	c->proxy = calloc(1, sizeof(*c->proxy));
	if (!c->proxy)
		return -ENOMEM;
	c->proxy->readable = event_new(c->server->base, c->fd, EV_READ | EV_PERSIST, on_proxy, c);
	if (!c->proxy->readable || event_add(c->proxy->readable, NULL) < 0)
		return -ENOMEM;
	return 0;
}

void connection_new(struct listener *l, int fd, const struct sockaddr *peer)
{
	struct http_server *s = l->server;
	struct connection *c = calloc(1, sizeof(*c));

	count_add(&s->counters->accepted, 1);
	if (!c) {
		close(fd);
		count_add(&s->counters->dropped, 1);
		return;
	}
	c->server = s;
	c->listener = l;
	c->fd = fd;
	c->peer = http_address_of_sockaddr(peer);
	c->trusted = http_network_has(l->trusted, l->trusted_count, &c->peer);
	TAILQ_INSERT_TAIL(&s->all, c, all);
	opened(c, 1);
	schedule_wait(c, WAIT_FIRST_BYTE);
	if (!l->proxy_v2)
		open_connection(c);
	else if (await_proxy(c) < 0)
		drop(c);
}

/* -- the end ---------------------------------------------------------------------------------- */

void connection_free(struct connection *c)
{
	struct http_server *s = c->server;

	if (c->x && !c->x->ended)
		refuse_abort(c->x);
	if (c->x)
		take_down(c);
	schedule_forget(c);
	free_proxy(c);
	transport_close(c);
	if (c->counted)
		source_remove(&s->sources, &c->peer);
	TAILQ_REMOVE(&s->all, c, all);
	opened(c, -1);
	free(c);
}

void connection_wake(struct connection *c)
{
	if (c->state == CONNECTION_DEAD)
		connection_free(c);
	else
		connection_run(c);
}

/* A request that does not come to its end in time. */
static void late_request(struct connection *c, const char *why)
{
	struct http_exchange *x = c->x;

	if (!x || x->ended) {
		c->state = CONNECTION_FLUSHING;
		return;
	}
	refuse_and_close(x, 408, why);
}

void connection_late(struct connection *c)
{
	enum connection_state state = c->state;
	const struct http_exchange *x = c->x;

	if (state == CONNECTION_OPEN && x && !x->paused && !state_is_complete(x) &&
	    parser_has_begun(&x->parser)) {
		late_request(c, x->counted ? "request body came too slowly"
		                           : "request head came too slowly");
		connection_run(c);
		return;
	}
	if (state == CONNECTION_OPEN && c->requests > 0 && transport_pending(c) == 0) {
		c->state = CONNECTION_FLUSHING;
		connection_run(c);
		return;
	}
	/* One that never spoke, or does not read, is cut off. */
	if (state != CONNECTION_LINGERING && state != CONNECTION_DEAD)
		count_add(&c->server->counters->dropped, 1);
	die(c);
}

void connection_drain(struct connection *c)
{
	bool between = !c->x || !parser_has_begun(&c->x->parser);

	if (c->state == CONNECTION_OPEN && between && c->requests > 0) {
		c->state = CONNECTION_FLUSHING;
		schedule_wake(c);
	}
}
