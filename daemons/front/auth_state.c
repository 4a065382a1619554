/*
 * What the files of auth do alike: a statement that a call waits for, the answers when there is
 * none, the epoch of the tokens, and who counts as one client.
 *
 * Invariant: a call that ends before its statement is never called back; what it waits with is in
 * its arena, whose end forgets the request.
 *
 * Called by auth_gate.c, the routes of users and tokens, auth_asks.c and auth_sweep.c.
 */
#include "auth_state.h"

#include <errno.h>
#include <string.h>

#include "answers.h"
#include "http/exchange.h"

uint64_t auth_epoch(const struct auth *a)
{
	return atomic_load(&a->front->daemon->scoreboard->auth_epoch);
}

void auth_raise_epoch(const struct auth *a)
{
	atomic_fetch_add(&a->front->daemon->scoreboard->auth_epoch, 1);
}

void auth_answer_unauthorized(struct call *c, const char *detail)
{
	http_set_header(c->exchange, "WWW-Authenticate", "Bearer");
	answer_error(c, 401, 0, "%s", detail);
}

void auth_answer_unavailable(struct call *c, int r)
{
	if (r == -EAGAIN)
		answer_error(c, 503, 1, "Too many requests at once.");
	else if (r == -ENOMEM)
		answer_error(c, 503, 1, "out of memory");
	else
		answer_error(c, 503, 1, "The database of users is not available.");
}

/* A statement that a call waits for. */
struct wait {
	struct call *call;
	struct db_request *request; /* NULL: answered */
	auth_on_rows *fn;
};

static void forget_wait(void *wait)
{
	struct wait *w = wait;

	if (w->request)
		db_request_forget(w->request);
}

void auth_log_failure(struct auth *a, int r, const struct errbuf *err)
{
	/* That it is away was said already. */
	if (r != -ECONNREFUSED && r != -ECONNRESET && r != -ECANCELED)
		log_error_limited(&a->failures, 10, 0,
		                  "a statement about users or tokens failed: %s", err->text);
}

static void on_rows(void *self, int r, const struct pg_result *rows, const struct errbuf *err)
{
	struct wait *w = self;

	w->request = NULL;
	if (r < 0)
		auth_log_failure(w->call->front->auth, r, err);
	w->fn(w->call, r, rows);
}

int auth_run(struct call *c, enum auth_statement statement, const struct db_param *params,
             size_t count, auth_on_rows *fn)
{
	struct arena *a = http_arena(c->exchange);
	struct wait *w = arena_calloc(a, 1, sizeof(*w));
	const struct db_call call = { .statement = statement,
		                      .params = params,
		                      .count = count,
		                      .on_result = on_rows,
		                      .self = w };

	if (!w || arena_on_free(a, forget_wait, w) < 0)
		return -ENOMEM;
	w->call = c;
	w->fn = fn;
	return db_pool_run(c->front->auth->pool, &call, &w->request);
}

bool auth_take_place(struct auth *a, bool *ret_taken)
{
	const struct settings *s = front_settings(a->front);

	*ret_taken = a->hashing < s->auth.hash_threads + s->auth.hash_queue;
	a->hashing += *ret_taken;
	return *ret_taken;
}

void auth_leave_place(struct auth *a, bool *taken)
{
	a->hashing -= *taken;
	*taken = false;
}

const char *auth_source(const struct call *c, char ret[HTTP_ADDRESS_SIZE])
{
	struct http_address address = *http_peer(c->exchange);

	/* A customer of a provider has a /64 at least. */
	if (address.family == HTTP_FAMILY_IPV6)
		memset(address.bytes + 8, 0, 8);
	return http_address_print(&address, ret);
}
