/*
 * One statement a token, however many requests of that token wait: a client's token is in every of
 * its requests, and all of them miss the cache in the same instant.
 *
 * Invariant: nobody gets an answer that is older than his question. A question may be joined only
 * while nothing was revoked since it was asked (epoch, notices); what comes back is remembered only
 * then, too, and counts from when it was asked.
 *
 * Called by auth_gate.c.
 */
#include "auth_asks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "auth_state.h"
#include "base/clock.h"
#include "http/exchange.h"

struct waiter {
	LIST_ENTRY(waiter) entry;
	struct call *call;
	struct jwt_claims claims;
	auth_on_standing *fn;
	bool waits; /* is in a list */
};

struct ask {
	LIST_ENTRY(ask) entry;
	struct auth *auth;
	char jti[JWT_JTI_SIZE];
	uint64_t epoch, notices, asked_ns;
	LIST_HEAD(, waiter) waiters;
};

struct auth_asks {
	LIST_HEAD(, ask) list;
};

int auth_asks_new(struct auth_asks **ret)
{
	struct auth_asks *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	LIST_INIT(&s->list);
	*ret = s;
	return 0;
}

/* The pool's end has answered all of them. */
void auth_asks_free(struct auth_asks *s)
{
	free(s);
}

/* --- the answer --- */

static void read_row(const struct pg_result *rows, const char *jti, struct auth_answer *ret)
{
	ret->entry = (struct token_entry){ .user = db_integer(rows, 0, 0),
		                           .roles = (unsigned)db_integer(rows, 0, 2) & ROLE_ALL,
		                           .expires_at = db_integer(rows, 0, 4) };
	memcpy(ret->entry.jti, jti, JWT_JTI_SIZE);
	if (db_bool(rows, 0, 3))
		ret->standing = TOKEN_REVOKED;
	else if (!db_bool(rows, 0, 1))
		ret->standing = TOKEN_DISABLED;
	else
		ret->standing = TOKEN_GOOD;
}

static void remember(const struct ask *q, const struct auth_answer *answer)
{
	struct auth *a = q->auth;

	if (answer->standing == TOKEN_UNKNOWN)
		return;
	if (answer->standing != TOKEN_GOOD)
		token_cache_drop(a->cache, q->jti);
	else if (q->notices == a->notices)
		token_cache_put(a->cache, &answer->entry, q->epoch, q->asked_ns);
}

static void tell_waiters(struct ask *q, const struct auth_answer *answer)
{
	struct waiter *w;

	while ((w = LIST_FIRST(&q->waiters))) {
		LIST_REMOVE(w, entry);
		w->waits = false;
		w->fn(w->call, &w->claims, answer);
	}
}

static void on_token(void *self, int r, const struct pg_result *rows, const struct errbuf *err)
{
	struct ask *q = self;
	struct auth_answer answer = { .standing = TOKEN_UNKNOWN, .r = r };

	LIST_REMOVE(q, entry);
	if (r < 0)
		auth_log_failure(q->auth, r, err);
	else if (db_rows(rows) == 0)
		answer.standing = TOKEN_REVOKED;
	else
		read_row(rows, q->jti, &answer);
	remember(q, &answer);
	tell_waiters(q, &answer);
	free(q);
}

/* --- the question --- */

static struct ask *find(const struct auth *a, const char *jti)
{
	uint64_t epoch = auth_epoch(a);
	struct ask *q;

	LIST_FOREACH(q, &a->asks->list, entry)
	{
		if (q->epoch == epoch && q->notices == a->notices && strcmp(q->jti, jti) == 0)
			return q;
	}
	return NULL;
}

static int ask(struct auth *a, const char jti[JWT_JTI_SIZE], struct ask **ret)
{
	const struct db_param params[] = { DB_TEXT(jti) };
	struct ask *q = calloc(1, sizeof(*q));
	const struct db_call call = { .statement = AUTH_TOKEN,
		                      .params = params,
		                      .count = 1,
		                      .on_result = on_token,
		                      .self = q };
	int r;

	if (!q)
		return -ENOMEM;
	q->auth = a;
	q->epoch = auth_epoch(a);
	q->notices = a->notices;
	q->asked_ns = clock_mono_ns();
	memcpy(q->jti, jti, JWT_JTI_SIZE);
	LIST_INIT(&q->waiters);
	r = db_pool_run(a->pool, &call, NULL);
	if (r < 0) {
		free(q);
		return r;
	}
	atomic_fetch_add_explicit(&a->front->slot->tokens_asked, 1, memory_order_relaxed);
	LIST_INSERT_HEAD(&a->asks->list, q, entry);
	*ret = q;
	return 0;
}

static void forget_waiter(void *waiter)
{
	struct waiter *w = waiter;

	if (w->waits)
		LIST_REMOVE(w, entry);
}

int auth_ask(struct auth *a, struct call *c, const struct jwt_claims *claims, auth_on_standing *fn)
{
	struct arena *arena = http_arena(c->exchange);
	struct waiter *w = arena_calloc(arena, 1, sizeof(*w));
	struct ask *q = find(a, claims->jti);
	int r = w && arena_on_free(arena, forget_waiter, w) == 0 ? 0 : -ENOMEM;

	if (r == 0 && !q)
		r = ask(a, claims->jti, &q);
	if (r < 0)
		return r;
	*w = (struct waiter){ .call = c, .claims = *claims, .fn = fn, .waits = true };
	LIST_INSERT_HEAD(&q->waiters, w, entry);
	return 0;
}

void auth_ask_again(struct auth *a, const char jti[JWT_JTI_SIZE])
{
	struct ask *q = find(a, jti);

	if (!q)
		ask(a, jti, &q);
}
