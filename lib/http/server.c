/*
 * Listeners and the two events that drive what is not a socket: the wake, which gives ready
 * connections their turn and buries dead ones, and the tick, which looks for late ones.
 *
 * Accepting: one connection a wake, because every worker of the suite listens on the same socket
 * and all of them are woken. A worker that holds more than its share pauses for 1 ms, so that
 * another one takes the connection; then it takes one itself whatever the shares say, because the
 * other may hang.
 */
#include "http/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "http/connection.h"
#include "http/pool.h"
#include "http/schedule.h"
#include "http/state.h"
#include "http/tls.h"

static const struct timeval accept_pause = { .tv_usec = 1000 };
/* No descriptors, no memory: nothing here can change that, so wait a little. */
static const struct timeval exhausted_pause = { .tv_usec = 100000 };

/* -- listeners -------------------------------------------------------------------------------- */

static bool is_full(const struct listener *l)
{
	uint32_t most = l->server->limits.connections;

	return most > 0 && !l->reserved && l->server->open_limited >= most;
}

static void pause_accept(struct listener *l, const struct timeval *tv)
{
	/* Without memory for the timer nobody would resume. */
	if (event_add(l->resume, tv) == 0)
		event_del(l->accept);
}

static void accept_one(struct listener *l)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);
	int fd;

	memset(&peer, 0, sizeof(peer));
	fd = accept4(l->fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		schedule_now(l->server);
		connection_new(l, fd, (struct sockaddr *)&peer);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		pause_accept(l, &exhausted_pause);
	}
}

static void on_acceptable(evutil_socket_t fd, short what, void *self)
{
	struct listener *l = self;
	struct http_server *s = l->server;

	(void)fd;
	(void)what;
	if (is_full(l)) {
		/* Resumed when a connection ends. */
		l->full = true;
		event_del(l->accept);
	} else if (s->on.may_accept && !s->on.may_accept(s->self)) {
		l->yields = true;
		pause_accept(l, &accept_pause);
	} else {
		accept_one(l);
	}
}

static void on_resume(evutil_socket_t fd, short what, void *self)
{
	struct listener *l = self;

	(void)fd;
	(void)what;
	l->yields = false;
	if (l->server->draining)
		return;
	event_add(l->accept, NULL);
	if (!is_full(l))
		accept_one(l);
}

static void free_listener(struct listener *l)
{
	if (!l)
		return;
	if (l->accept)
		event_free(l->accept);
	if (l->resume)
		event_free(l->resume);
	http_tls_unref(l->tls);
	free(l->trusted);
	free(l);
}

static int set_options(struct listener *l, const struct http_listener_options *o)
{
	l->role = o->role;
	l->proxy_v2 = o->proxy_v2;
	l->reserved = o->reserved;
	l->tls = http_tls_ref(o->tls);
	if (o->trusted_count == 0)
		return 0;
	l->trusted = calloc(o->trusted_count, sizeof(*l->trusted));
	if (!l->trusted)
		return -ENOMEM;
	memcpy(l->trusted, o->trusted, o->trusted_count * sizeof(*l->trusted));
	l->trusted_count = o->trusted_count;
	return 0;
}

static int start_listener(struct listener *l)
{
	struct event_base *base = l->server->base;

	l->accept = event_new(base, l->fd, EV_READ | EV_PERSIST, on_acceptable, l);
	l->resume = event_new(base, -1, 0, on_resume, l);
	if (!l->accept || !l->resume || event_add(l->accept, NULL) < 0)
		return -ENOMEM;
	return 0;
}

int http_server_listen(struct http_server *s, int fd, const struct http_listener_options *o)
{
	struct listener *l;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -EINVAL;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->server = s;
	l->fd = fd;
	if (set_options(l, o) < 0 || start_listener(l) < 0) {
		free_listener(l);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&s->listeners, l, all);
	return 0;
}

int http_server_set_tls(struct http_server *s, int fd, struct http_tls *tls)
{
	struct listener *l;

	TAILQ_FOREACH(l, &s->listeners, all)
	{
		if (l->fd != fd)
			continue;
		http_tls_ref(tls);
		http_tls_unref(l->tls);
		l->tls = tls;
		return 0;
	}
	return -ENOENT;
}

/* Connections have ended: who was full has room again, and who let others go first may go on before
 * its pause is over (those who connect for each request would wait for every pause). */
static void accept_again(struct http_server *s)
{
	struct listener *l;

	TAILQ_FOREACH(l, &s->listeners, all)
	{
		if (s->draining || !(l->full || l->yields) || is_full(l))
			continue;
		if (l->yields && !s->on.may_accept(s->self))
			continue;
		if (l->yields)
			event_del(l->resume);
		l->full = false;
		l->yields = false;
		event_add(l->accept, NULL);
	}
}

/* -- the loop --------------------------------------------------------------------------------- */

static void look_drained(struct http_server *s)
{
	void (*on_drained)(void *self) = s->on_drained;

	if (!s->draining || s->open > 0 || !on_drained)
		return;
	s->on_drained = NULL;
	on_drained(s->self);
}

static void on_wake(evutil_socket_t fd, short what, void *self)
{
	struct http_server *s = self;
	struct connection *c;

	(void)fd;
	(void)what;
	schedule_now(s);
	/* Who gets ready meanwhile comes in the next round: others want the loop, too. */
	schedule_round(s);
	while ((c = schedule_next(s)))
		connection_wake(c);
	accept_again(s);
	look_drained(s);
}

static void on_tick(evutil_socket_t fd, short what, void *self)
{
	struct http_server *s = self;
	struct connection *c;

	(void)fd;
	(void)what;
	schedule_now(s);
	while ((c = schedule_late(s)))
		connection_late(c);
	schedule_tick(s);
}

/* -- the server ------------------------------------------------------------------------------- */

void http_server_set_limits(struct http_server *s, const struct http_limits *limits)
{
	s->limits = *limits;
	/* Without one answer at a time nothing would ever be answered. */
	if (s->limits.pipeline == 0)
		s->limits.pipeline = 1;
	s->parser_limits = (struct parser_limits){
		.request_line = limits->request_line,
		.head = limits->head,
		.fields = limits->fields,
		.chunk_extension = limits->chunk_extension,
		.chunk_extensions = limits->chunk_extensions,
		.trailer = limits->trailer,
	};
	if (s->ticking)
		schedule_tick(s);
	accept_again(s);
}

int http_server_new(struct event_base *base, const struct http_limits *limits,
                    const struct http_callbacks *callbacks, void *self, struct http_server **ret)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->base = base;
	s->on = *callbacks;
	s->self = self;
	s->counters = &s->own;
	TAILQ_INIT(&s->listeners);
	TAILQ_INIT(&s->all);
	TAILQ_INIT(&s->ready);
	for (enum wait w = WAIT_NONE; w < WAIT_MAX; w++)
		TAILQ_INIT(&s->waiting[w]);
	s->wake = event_new(base, -1, 0, on_wake, s);
	s->tick = event_new(base, -1, 0, on_tick, s);
	if (!s->wake || !s->tick) {
		http_server_free(s);
		return -ENOMEM;
	}
	http_server_set_limits(s, limits);
	schedule_now(s);
	*ret = s;
	return 0;
}

void http_server_set_counters(struct http_server *s, struct http_counters *counters)
{
	s->counters = counters ? counters : &s->own;
	count_set(&s->counters->open, s->open);
	count_set(&s->counters->in_flight, s->in_flight);
}

const struct http_counters *http_server_counters(const struct http_server *s)
{
	return s->counters;
}

void http_server_drain(struct http_server *s, void (*on_drained)(void *self))
{
	struct connection *c;
	struct listener *l;

	s->draining = true;
	s->on_drained = on_drained;
	TAILQ_FOREACH(l, &s->listeners, all)
	{
		event_del(l->accept);
		event_del(l->resume);
	}
	TAILQ_FOREACH(c, &s->all, all)
	connection_drain(c);
	if (s->ticking)
		schedule_tick(s);
	/* Looks whether anybody is left. */
	event_active(s->wake, EV_TIMEOUT, 0);
}

void http_server_free(struct http_server *s)
{
	struct connection *c;
	struct listener *l;

	if (!s)
		return;
	while ((c = TAILQ_FIRST(&s->all)))
		connection_free(c);
	while ((l = TAILQ_FIRST(&s->listeners))) {
		TAILQ_REMOVE(&s->listeners, l, all);
		free_listener(l);
	}
	pool_done(s);
	source_done(&s->sources);
	if (s->wake)
		event_free(s->wake);
	if (s->tick)
		event_free(s->tick);
	free(s);
}
