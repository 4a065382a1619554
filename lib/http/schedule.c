/*
 * Deadlines without a timer for each connection: for one kind of waiting everybody has the same
 * time, so a list in the order of beginning is in the order of ending too, and a tick looks at the
 * heads only. Bodies and answers are judged by rate: their list is the rhythm of looking at them.
 *
 * The ready list is for what must not happen inside the call that caused it: freeing a connection,
 * the next request after a deferred answer, the rest of a long pipeline.
 */
#include "http/schedule.h"

#include <event2/event.h>

#include "base/clock.h"
#include "http/transport.h"

#define NS_PER_MS UINT64_C(1000000)
#define TICK_MIN_MS 5
#define TICK_MAX_MS 500
#define RATE_LOOK_MAX_MS 1000
/* While draining, a client that was accepted and says nothing is not waited for any longer. */
#define DRAIN_FIRST_BYTE_MS 1000

void schedule_now(struct http_server *s)
{
	s->now_ns = clock_mono_ns();
}

/* By time and not by event_active(): a loop that always finds the wake active never gets to its
 * sockets. But a timer may need memory, and a wake that is lost is lost for all. */
static void set_wake(struct http_server *s)
{
	static const struct timeval now = { 0 };

	if (event_add(s->wake, &now) < 0)
		event_active(s->wake, EV_TIMEOUT, 0);
}

void schedule_wake(struct connection *c)
{
	struct http_server *s = c->server;

	if (c->stepping || c->is_ready)
		return;
	c->is_ready = true;
	c->round = s->round;
	if (TAILQ_EMPTY(&s->ready))
		set_wake(s);
	TAILQ_INSERT_TAIL(&s->ready, c, ready);
}

void schedule_round(struct http_server *s)
{
	s->round++;
}

struct connection *schedule_next(struct http_server *s)
{
	struct connection *c = TAILQ_FIRST(&s->ready);

	if (!c)
		return NULL;
	if (c->round == s->round) {
		set_wake(s);
		return NULL;
	}
	TAILQ_REMOVE(&s->ready, c, ready);
	c->is_ready = false;
	return c;
}

/* How long a connection stays in the list before it is looked at. */
static uint64_t period_ms(const struct http_server *s, enum wait w)
{
	const struct http_limits *l = &s->limits;
	uint64_t ms;

	switch (w) {
	case WAIT_FIRST_BYTE:
		ms = l->first_byte_ms;
		return s->draining && ms > DRAIN_FIRST_BYTE_MS ? DRAIN_FIRST_BYTE_MS : ms;
	case WAIT_HEAD:
		return l->head_ms;
	case WAIT_IDLE:
		return l->idle_ms;
	case WAIT_BODY:
		ms = l->body_ms / 4;
		return ms > RATE_LOOK_MAX_MS ? RATE_LOOK_MAX_MS : ms;
	case WAIT_WRITE:
		ms = l->write_ms / 4;
		return ms > RATE_LOOK_MAX_MS ? RATE_LOOK_MAX_MS : ms;
	default:
		return l->linger_ms;
	}
}

static uint64_t tick_ms(const struct http_server *s)
{
	uint64_t ms = TICK_MAX_MS;

	for (enum wait w = WAIT_FIRST_BYTE; w < WAIT_MAX; w++) {
		uint64_t quarter = period_ms(s, w) / 4;

		if (quarter < ms)
			ms = quarter;
	}
	return ms < TICK_MIN_MS ? TICK_MIN_MS : ms;
}

void schedule_tick(struct http_server *s)
{
	uint64_t ms = tick_ms(s);
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
		              .tv_usec = (suseconds_t)(ms % 1000 * 1000) };
	bool anybody = false;

	for (enum wait w = WAIT_FIRST_BYTE; w < WAIT_MAX; w++)
		anybody = anybody || !TAILQ_EMPTY(&s->waiting[w]);
	/* Without memory for the timer the next who waits tries again. */
	s->ticking = anybody && event_add(s->tick, &tv) == 0;
}

/* What the rate counts. */
static uint64_t moved(const struct connection *c)
{
	return c->wait == WAIT_BODY ? c->received : c->queued - transport_pending(c);
}

static void leave(struct connection *c)
{
	if (c->wait != WAIT_NONE)
		TAILQ_REMOVE(&c->server->waiting[c->wait], c, waiting);
	c->wait = WAIT_NONE;
}

void schedule_wait(struct connection *c, enum wait w)
{
	struct http_server *s = c->server;

	if (c->wait == w && c->wait_request == c->requests)
		return;
	leave(c);
	if (w == WAIT_NONE)
		return;
	c->wait = (uint8_t)w;
	c->wait_request = c->requests;
	c->wait_since_ns = s->now_ns;
	c->meter_since_ns = s->now_ns;
	c->meter_start = moved(c);
	TAILQ_INSERT_TAIL(&s->waiting[w], c, waiting);
	if (!s->ticking)
		schedule_tick(s);
}

void schedule_forget(struct connection *c)
{
	leave(c);
	if (c->is_ready)
		TAILQ_REMOVE(&c->server->ready, c, ready);
	c->is_ready = false;
}

static bool is_fast_enough(const struct connection *c)
{
	const struct http_limits *l = &c->server->limits;
	bool body = c->wait == WAIT_BODY;
	uint64_t rate = body ? l->body_rate : l->write_rate;
	uint64_t ms = body ? l->body_ms : l->write_ms;

	if (rate > 0)
		ms += (moved(c) - c->meter_start) * 1000 / rate;
	return c->server->now_ns - c->meter_since_ns <= ms * NS_PER_MS;
}

static struct connection *late_in(struct http_server *s, enum wait w)
{
	uint64_t period = period_ms(s, w) * NS_PER_MS;
	bool by_rate = w == WAIT_BODY || w == WAIT_WRITE;
	struct connection *c;

	while ((c = TAILQ_FIRST(&s->waiting[w])) && s->now_ns - c->wait_since_ns > period) {
		if (!by_rate || !is_fast_enough(c))
			return c;
		TAILQ_REMOVE(&s->waiting[w], c, waiting);
		c->wait_since_ns = s->now_ns;
		TAILQ_INSERT_TAIL(&s->waiting[w], c, waiting);
	}
	return NULL;
}

struct connection *schedule_late(struct http_server *s)
{
	for (enum wait w = WAIT_FIRST_BYTE; w < WAIT_MAX; w++) {
		struct connection *c = late_in(s, w);

		if (c) {
			leave(c);
			return c;
		}
	}
	return NULL;
}
