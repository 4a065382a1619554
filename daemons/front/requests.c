/*
 * Every request passes here once on its way in. What can be refused by the head alone is refused at
 * the head: unknown URL, wrong method, no model, too much in flight. The call that is made holds
 * the newest generation from then on, whatever is swapped meanwhile.
 */
#include "requests.h"

#include <stdio.h>
#include <string.h>

#include "answers.h"
#include "auth_gate.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "cors.h"
#include "generation.h"
#include "handlers.h"
#include "http/exchange.h"
#include "routes.h"

/* A worker that has not turned its loop for so long does not count when connections are shared out.
 */
#define LIVE_NS UINT64_C(3000000000)

static bool is_request_id(struct str s)
{
	if (s.n == 0 || s.n > 64)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char b = s.p[i];

		if (!(b >= 'a' && b <= 'z') && !(b >= 'A' && b <= 'Z') && !(b >= '0' && b <= '9') &&
		    b != '.' && b != '_' && b != '-')
			return false;
	}
	return true;
}

/* The client's own id if it is harmless, else a new one. */
static void set_request_id(struct call *c)
{
	struct str theirs = http_field(c->exchange, "X-Request-Id");

	if (theirs.p && is_request_id(theirs)) {
		memcpy(c->request_id, theirs.p, theirs.n);
		c->request_id[theirs.n] = '\0';
	} else if (uuid7(clock_real_us() / 1000, c->request_id) < 0) {
		snprintf(c->request_id, sizeof(c->request_id), "%llx",
		         (unsigned long long)c->started_ns);
	}
}

static struct call *new_call(struct front *f, struct http_exchange *x)
{
	struct arena *a = http_arena(x);
	struct call *c = arena_calloc(a, 1, sizeof(*c));

	if (!c)
		return NULL;
	c->front = f;
	c->exchange = x;
	c->started_ns = http_started_ns(x);
	set_request_id(c);
	if (f->current) {
		c->generation = generation_hold(f->current);
		if (arena_on_free(a, generation_release, c->generation) < 0)
			return NULL;
	}
	http_set_user(x, c);
	return c;
}

static bool too_much_in_flight(const struct front *f)
{
	const struct http_counters *n = http_server_counters(f->server);

	return n->in_flight > front_settings(f)->http.max_in_flight;
}

/* False: the call has ended. */
static bool admit(struct call *c)
{
	struct front *f = c->front;

	if (!(c->route->flags & ROUTE_ALWAYS) && too_much_in_flight(f)) {
		atomic_fetch_add_explicit(&f->slot->refused, 1, memory_order_relaxed);
		answer_error(c, 503, 1, "Too many requests at once.");
		return false;
	}
	if ((c->route->flags & ROUTE_MODEL) && !c->generation) {
		answer_error(c, 503, 1, "No model is loaded yet.");
		return false;
	}
	return true;
}

static bool find(struct call *c)
{
	char allow[ROUTE_ALLOW_SIZE];

	c->route = route_find(http_method(c->exchange), http_path(c->exchange),
	                      http_role(c->exchange) == LISTENER_OPERATOR, allow);
	if (c->route && (c->route->flags & ROUTE_USERS) && !c->front->auth)
		c->route = NULL;
	if (c->route)
		return true;
	if (!allow[0]) {
		answer_error(c, 404, 0, "Not Found");
		return false;
	}
	if (cors_is_preflight(c, allow)) {
		answer(c, 204, NULL, STR(""));
		return false;
	}
	http_set_header(c->exchange, "Allow", allow);
	answer_error(c, 405, 0, "Method Not Allowed");
	return false;
}

/* What is announced as too large is refused here, by an answer like all others; a chunked body that
 * turns out so is refused by the server. */
static void take_body(struct call *c, uint64_t limit)
{
	if (http_body_announced(c->exchange) > (int64_t)limit)
		answer_error(c, 413, 0, "request body too large");
	else
		http_take_body(c->exchange, limit);
}

/* A request that cannot be read, or whose body is too large or too slow. Its id is the one that its
 * call has, if it came so far. */
static void on_refuse(struct http_exchange *x, int status, const char *why, void *self)
{
	const struct call *known = http_user(x);
	struct call c = { .front = self, .exchange = x };

	if (known)
		memcpy(c.request_id, known->request_id, sizeof(c.request_id));
	else
		set_request_id(&c);
	answer_refusal(&c, status, why);
}

static void on_head(struct http_exchange *x, void *self)
{
	struct front *f = self;
	struct call *c = new_call(f, x);
	enum gate gate;

	if (!c) {
		on_refuse(x, 503, "out of memory", f);
		return;
	}
	if (!find(c) || !admit(c))
		return;
	gate = auth_gate(c);
	if (gate == GATE_CLOSED)
		return;
	c->gate = gate;
	switch (c->route->body) {
	case BODY_NONE:
	case BODY_SMALL:
		take_body(c, front_settings(f)->http.max_body_bytes);
		break;
	case BODY_BATCH:
		take_body(c, front_settings(f)->http.max_batch_body_bytes);
		break;
	case BODY_STREAM:
		http_stream_body(x);
		if (c->gate == GATE_OPEN)
			c->route->handle(c);
		else
			http_pause_body(x);
		break;
	}
}

static void on_body(struct http_exchange *x, struct str bytes, void *self)
{
	struct call *c = http_user(x);

	(void)self;
	c->route->data(c, bytes);
}

static void on_request(struct http_exchange *x, void *self)
{
	struct call *c = http_user(x);

	(void)self;
	if (c->gate != GATE_OPEN)
		c->complete = true;
	else if (c->route->body == BODY_STREAM)
		c->route->end(c);
	else
		c->route->handle(c);
}

static void on_writable(struct http_exchange *x, void *self)
{
	struct call *c = http_user(x);

	(void)self;
	if (c && c->route && c->route->body == BODY_STREAM && c->gate == GATE_OPEN)
		upload_writable(c);
}

static bool is_live(const struct scoreboard_slot *slot, uint64_t now)
{
	uint64_t beat = atomic_load_explicit(&slot->beat_ns, memory_order_relaxed);

	return atomic_load_explicit(&slot->pid, memory_order_relaxed) != 0 &&
	       atomic_load_explicit(&slot->accepting, memory_order_relaxed) != 0 &&
	       beat + LIVE_NS > now;
}

/* A worker takes a connection at once unless another live one holds fewer: they come out even. */
static bool may_accept(void *self)
{
	struct front *f = self;
	const struct scoreboard *board = f->daemon->scoreboard;
	uint64_t mine = http_server_counters(f->server)->open;
	uint64_t now = clock_mono_ns();

	for (uint32_t i = 0; i < board->head.slot_count; i++) {
		const struct scoreboard_slot *slot = &board->slots[i];
		const struct http_counters *theirs = (const void *)slot->http;

		if (slot != f->slot && is_live(slot, now) &&
		    __atomic_load_n(&theirs->open, __ATOMIC_RELAXED) < mine)
			return false;
	}
	return true;
}

const struct http_callbacks request_callbacks = {
	.on_head = on_head,
	.on_body = on_body,
	.on_request = on_request,
	.on_writable = on_writable,
	.on_refuse = on_refuse,
	.may_accept = may_accept,
};
