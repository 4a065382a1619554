/*
 * The pool: which connection runs what, what waits, and what took too long. Links tell it when they
 * are idle, lost or have an answer; one timer, armed for the nearest deadline, is the janitor for
 * all the rest: retries, time-outs, and failures that are told from the loop and not from within a
 * call.
 *
 * Invariant: a request is in exactly one place (waiting, in a slot, failed) and leaves it with
 * exactly one callback or none if it was forgotten.
 *
 * Called by front workers (accounts, tokens) and the scheduler.
 */
#include "db/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/random.h"
#include "daemon/loop.h"
#include "db/link.h"

#define MAX_CONNECTIONS 64
#define BACKOFF_FIRST_MS 50
#define BACKOFF_LAST_MS 400 /* and a quarter: service is back within a second of the server */
#define GRACE_MS 250        /* the server's own statement_timeout comes first */
#define MS_NS UINT64_C(1000000)

struct db_request {
	struct db_request *next;
	unsigned statement;
	db_on_result *on_result; /* NULL: forgotten */
	void *self;
	uint64_t deadline_ns; /* while it waits */
	int result;           /* of a failed one */
	struct errbuf words;
	size_t count;
	struct db_param params[]; /* the bytes they point to follow */
};

struct queue {
	struct db_request *first, *last;
	size_t count;
};

struct slot {
	struct db_pool *pool;
	struct link *link;
	struct db_request *request; /* under way */
	bool usable;                /* idle or busy */
	bool listens;
	uint64_t deadline_ns; /* down: the next try; else: too long; 0: none */
	uint32_t backoff_ms;
};

struct db_pool {
	struct db_pool_options options;
	char *url; /* options.url */
	struct loop_timer *janitor;
	struct random random;
	struct queue waiting, failed;
	unsigned usable_count;
	bool was_up, told_down;
	char timeout_text[16];
	struct slot slots[MAX_CONNECTIONS];
};

/* --- queues --- */

static void queue_add(struct queue *q, struct db_request *r)
{
	r->next = NULL;
	if (q->last)
		q->last->next = r;
	else
		q->first = r;
	q->last = r;
	q->count++;
}

static struct db_request *queue_take(struct queue *q)
{
	struct db_request *r = q->first;

	if (!r)
		return NULL;
	q->first = r->next;
	if (!q->first)
		q->last = NULL;
	q->count--;
	return r;
}

/* --- time --- */

static uint64_t in_ms(uint64_t milliseconds)
{
	return clock_mono_ns() + milliseconds * MS_NS;
}

static void consider(uint64_t *nearest, uint64_t deadline_ns)
{
	if (deadline_ns && deadline_ns < *nearest)
		*nearest = deadline_ns;
}

static void arm(struct db_pool *p)
{
	uint64_t nearest = UINT64_MAX, now = clock_mono_ns();

	for (unsigned i = 0; i < p->options.connections; i++)
		consider(&nearest, p->slots[i].deadline_ns);
	if (p->waiting.first)
		consider(&nearest, p->waiting.first->deadline_ns);
	if (p->failed.first)
		nearest = now;
	if (nearest == UINT64_MAX)
		loop_timer_disarm(p->janitor);
	else
		loop_timer_arm(p->janitor, nearest > now ? (nearest - now + MS_NS - 1) / MS_NS : 0);
}

/* --- requests --- */

static void end_request(struct db_request *r, int result, const struct pg_result *rows,
                        const struct errbuf *err)
{
	if (r->on_result)
		r->on_result(r->self, result, rows, err);
	free(r);
}

/* Told by the janitor, never from within the caller's own call. */
static void fail_request(struct db_pool *p, struct db_request *r, int result,
                         const struct errbuf *err)
{
	r->result = result;
	r->words = *err;
	queue_add(&p->failed, r);
}

static void tell_failures(struct db_pool *p)
{
	size_t count = p->failed.count;

	/* What a callback adds meanwhile is for the next turn. */
	for (size_t i = 0; i < count; i++) {
		struct db_request *r = queue_take(&p->failed);

		end_request(r, r->result, NULL, &r->words);
	}
}

static void fail_waiting(struct db_pool *p, int result, const struct errbuf *err)
{
	struct db_request *r;

	while ((r = queue_take(&p->waiting)))
		fail_request(p, r, result, err);
}

/* --- states of a slot --- */

static void tell_state(struct db_pool *p, bool up, const struct errbuf *why)
{
	if (p->options.on_state)
		p->options.on_state(p->options.self, up, why);
}

static void set_usable(struct db_pool *p, struct slot *s)
{
	s->usable = true;
	s->backoff_ms = BACKOFF_FIRST_MS;
	p->was_up = true;
	p->told_down = false;
	if (p->usable_count++ == 0)
		tell_state(p, true, NULL);
	if (s->listens && p->options.on_listening)
		p->options.on_listening(p->options.self);
}

/* The first failure is told, too, or nobody would hear of a server that was never there. */
static void set_unusable(struct db_pool *p, struct slot *s, const struct errbuf *why)
{
	if (s->usable)
		p->usable_count--;
	s->usable = false;
	if (p->usable_count > 0)
		return;
	fail_waiting(p, -ECONNREFUSED, why);
	if (!p->told_down)
		tell_state(p, false, why);
	p->told_down = true;
}

/* The link is down already. */
static void slot_lost(struct slot *s, int result, const struct errbuf *err)
{
	struct db_pool *p = s->pool;
	uint64_t jitter = random_below(&p->random, s->backoff_ms / 2 + 1);

	if (s->request)
		fail_request(p, take_ptr(&s->request), result, err);
	s->deadline_ns = in_ms(s->backoff_ms * 3 / 4 + jitter);
	s->backoff_ms = s->backoff_ms * 2 > BACKOFF_LAST_MS ? BACKOFF_LAST_MS : s->backoff_ms * 2;
	set_unusable(p, s, err);
}

static void try_connect(struct slot *s)
{
	struct errbuf err = { "" };
	int r;

	s->deadline_ns = in_ms(s->pool->options.connect_timeout_ms);
	r = link_connect(s->link, &err);
	if (r < 0)
		slot_lost(s, r, &err);
}

/* --- work --- */

static struct slot *idle_slot(struct db_pool *p)
{
	for (unsigned i = 0; i < p->options.connections; i++)
		if (link_state_of(p->slots[i].link) == LINK_IDLE && p->slots[i].usable)
			return &p->slots[i];
	return NULL;
}

static void send_request(struct slot *s, struct db_request *r)
{
	struct errbuf err = { "" };
	int result = link_send(s->link, r->statement, r->params, r->count, &err);

	s->request = r;
	s->deadline_ns = in_ms((uint64_t)s->pool->options.query_timeout_ms + GRACE_MS);
	if (result < 0)
		slot_lost(s, result, &err);
}

static void dispatch(struct db_pool *p)
{
	struct slot *s;

	while (p->waiting.first && (s = idle_slot(p))) {
		struct db_request *r = queue_take(&p->waiting);

		if (r->on_result)
			send_request(s, r);
		else
			free(r);
	}
	arm(p);
}

static void on_idle(void *self)
{
	struct slot *s = self;

	s->deadline_ns = 0;
	set_usable(s->pool, s);
	dispatch(s->pool);
}

static void on_result(void *self, int result, const struct pg_result *rows,
                      const struct errbuf *err)
{
	struct slot *s = self;

	s->deadline_ns = 0;
	end_request(take_ptr(&s->request), result, rows, err);
	dispatch(s->pool);
}

static void on_lost(void *self, int result, const struct errbuf *err)
{
	struct slot *s = self;

	slot_lost(s, result, err);
	dispatch(s->pool);
}

static void on_notify(void *self, const char *channel, const char *payload)
{
	struct slot *s = self;

	if (s->pool->options.on_notify)
		s->pool->options.on_notify(s->pool->options.self, channel, payload);
}

/* --- the janitor --- */

static void slot_due(struct slot *s)
{
	struct errbuf err = { "" };

	if (link_state_of(s->link) == LINK_DOWN) {
		try_connect(s);
		return;
	}
	link_drop(s->link);
	slot_lost(s, errbuf_set(&err, -ETIMEDOUT, "the database did not answer in time"), &err);
}

static void expire_waiting(struct db_pool *p, uint64_t now)
{
	struct errbuf err;

	errbuf_set(&err, 0, "no connection to the database became free in time");
	while (p->waiting.first && p->waiting.first->deadline_ns <= now)
		fail_request(p, queue_take(&p->waiting), -ETIMEDOUT, &err);
}

static void on_janitor(void *self)
{
	struct db_pool *p = self;
	uint64_t now = clock_mono_ns();

	for (unsigned i = 0; i < p->options.connections; i++)
		if (p->slots[i].deadline_ns && p->slots[i].deadline_ns <= now)
			slot_due(&p->slots[i]);
	expire_waiting(p, now);
	tell_failures(p);
	dispatch(p);
}

/* --- the public side --- */

static int slot_init(struct db_pool *p, unsigned index)
{
	struct slot *s = &p->slots[index];
	const struct link_options o = {
		.base = p->options.base,
		.url = p->options.url,
		.application = p->options.application,
		.timeout_text = p->timeout_text,
		.statements = p->options.statements,
		.statement_count = p->options.statement_count,
		.channels = p->options.channels,
		.channel_count = index == 0 ? p->options.channel_count : 0,
		.on_idle = on_idle,
		.on_result = on_result,
		.on_lost = on_lost,
		.on_notify = on_notify,
		.self = s,
	};

	s->pool = p;
	s->listens = o.channel_count > 0;
	s->backoff_ms = BACKOFF_FIRST_MS;
	s->deadline_ns = clock_mono_ns(); /* the first try is due now */
	return link_new(&o, &s->link);
}

static int copy_url(struct db_pool *p)
{
	if (!p->options.url)
		return 0;
	p->url = strdup(p->options.url);
	p->options.url = p->url;
	return p->url ? 0 : -ENOMEM;
}

int db_pool_new(const struct db_pool_options *o, struct db_pool **ret)
{
	struct db_pool *p;
	int r;

	if (o->connections < 1 || o->connections > MAX_CONNECTIONS)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->options = *o;
	r = copy_url(p);
	random_seed(&p->random, clock_mono_ns() ^ (uint64_t)getpid() << 32);
	snprintf(p->timeout_text, sizeof(p->timeout_text), "%u", o->query_timeout_ms);
	if (r == 0)
		r = loop_timer_new(o->base, on_janitor, p, &p->janitor);
	for (unsigned i = 0; r == 0 && i < o->connections; i++)
		r = slot_init(p, i);
	if (r < 0) {
		db_pool_free(p);
		return r;
	}
	arm(p);
	*ret = p;
	return 0;
}

void db_pool_free(struct db_pool *p)
{
	struct errbuf err;

	if (!p)
		return;
	errbuf_set(&err, 0, "the program is leaving");
	for (unsigned i = 0; i < p->options.connections; i++) {
		link_free(p->slots[i].link);
		if (p->slots[i].request)
			fail_request(p, p->slots[i].request, -ECANCELED, &err);
	}
	fail_waiting(p, -ECANCELED, &err);
	tell_failures(p);
	loop_timer_free(p->janitor);
	if (p->url)
		explicit_bzero(p->url, strlen(p->url)); /* it may hold a password */
	free(p->url);
	free(p);
}

bool db_pool_is_up(const struct db_pool *p)
{
	return p->usable_count > 0;
}

bool db_pool_was_up(const struct db_pool *p)
{
	return p->was_up;
}

bool db_pool_is_listening(const struct db_pool *p)
{
	return p->slots[0].listens && p->slots[0].usable;
}

static size_t param_size(const struct db_param *param)
{
	if (!param->p)
		return 0;
	return param->size >= 0 ? (size_t)param->size : strlen(param->p) + 1;
}

/* The request and the bytes of its parameters in one block. */
static struct db_request *request_new(const struct db_param *params, size_t count)
{
	size_t head = sizeof(struct db_request) + count * sizeof(*params), bytes = 0;
	struct db_request *r;
	char *at;

	for (size_t i = 0; i < count; i++)
		bytes += param_size(&params[i]);
	r = calloc(1, head + bytes);
	if (!r)
		return NULL;
	r->count = count;
	at = (char *)r + head;
	for (size_t i = 0; i < count; i++) {
		size_t n = param_size(&params[i]);

		r->params[i] = params[i];
		if (!params[i].p)
			continue;
		memcpy(at, params[i].p, n);
		r->params[i].p = at;
		at += n;
	}
	return r;
}

int db_pool_run(struct db_pool *p, const struct db_call *call, struct db_request **ret)
{
	struct db_request *r;

	if (call->statement >= p->options.statement_count || call->count > DB_MAX_PARAMS)
		return -EINVAL;
	if (p->usable_count == 0)
		return -ECONNREFUSED;
	if (p->waiting.count >= p->options.max_waiting && !idle_slot(p))
		return -EAGAIN;
	r = request_new(call->params, call->count);
	if (!r)
		return -ENOMEM;
	r->statement = call->statement;
	r->on_result = call->on_result;
	r->self = call->self;
	r->deadline_ns = in_ms(p->options.query_timeout_ms);
	queue_add(&p->waiting, r);
	if (ret)
		*ret = r;
	dispatch(p);
	return 0;
}

void db_request_forget(struct db_request *r)
{
	r->on_result = NULL;
}
