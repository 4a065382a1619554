/*
 * The life of a worker's auth object, and what its files share. Nothing here waits for PostgreSQL:
 * a worker is ready without it, scoring with remembered tokens goes on without it, and all else is
 * answered with 503 until it is back.
 *
 * How a revocation travels: the worker that makes one raises the epoch in the scoreboard before it
 * answers, so every worker of the host has forgotten all tokens by then; PostgreSQL's NOTIFY names
 * the one token (or user) to the workers of all hosts, each of which listens on a connection it has
 * anyway; if that is lost, an entry ends after auth.cache_seconds by itself. A connection that
 * listens again after a gap forgets everything, because it cannot know what it missed.
 */
#include "auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "auth_asks.h"
#include "auth_statements.h"
#include "auth_sweep.h"
#include "base/encode.h"
#include "base/log.h"
#include "http/exchange.h"

#define MAX_WAITING 1024       /* statements of a worker without a free connection */
#define THROTTLE_ENTRIES 16384 /* names and addresses: 256 KiB each */

/* --- what PostgreSQL tells --- */

static void on_notify(void *self, const char *channel, const char *payload)
{
	struct auth *a = self;
	struct str told = str_of(payload);
	long long user;

	(void)channel;
	a->notices++;
	if (told.n == 4 + UUID_TEXT_SIZE - 1 && memcmp(payload, "jti ", 4) == 0)
		token_cache_drop(a->cache, payload + 4);
	else if (told.n > 5 && memcmp(payload, "user ", 5) == 0 &&
	         str_to_i64((struct str){ payload + 5, told.n - 5 }, &user) == 0)
		token_cache_drop_user(a->cache, user);
	else
		token_cache_clear(a->cache);
}

static void on_listening(void *self)
{
	struct auth *a = self;

	a->notices++;
	token_cache_clear(a->cache);
}

static void on_state(void *self, bool up, const struct errbuf *why)
{
	(void)self;
	if (up)
		log_info("the database of users and tokens answers");
	else
		log_warning(0, "the database of users and tokens is away: %s", why->text);
}

/* --- life --- */

static int open_pool(struct auth *a, const struct settings *s)
{
	static const char *const channels[] = { AUTH_CHANNEL };
	const struct db_pool_options o = {
		.base = a->front->daemon->base,
		.url = a->url,
		.application = "fraud-front",
		.connections = s->database.connections,
		.connect_timeout_ms = s->database.connect_timeout_ms,
		.query_timeout_ms = s->database.query_timeout_ms,
		.max_waiting = MAX_WAITING,
		.statements = auth_statements,
		.statement_count = AUTH_STATEMENT_MAX,
		.channels = channels,
		.channel_count = 1,
		.on_notify = on_notify,
		.on_listening = on_listening,
		.on_state = on_state,
		.self = a,
	};

	return db_pool_new(&o, &a->pool);
}

static int open_passwords(struct auth *a, const struct settings *s)
{
	const struct password_pool_options o = {
		.base = a->front->daemon->base,
		.threads = s->auth.hash_threads,
		.queue = s->auth.hash_queue,
		.cost = s->auth.hash_cost,
	};

	return password_pool_new(&o, &a->passwords);
}

static int open_throttles(struct auth *a, const struct settings *s)
{
	uint32_t window = s->auth.throttle_window_seconds;
	int r = throttle_new(s->auth.throttle_account, window, THROTTLE_ENTRIES, &a->accounts);

	if (r == 0)
		r = throttle_new(s->auth.throttle_source, window, THROTTLE_ENTRIES, &a->sources);
	return r;
}

static int open_keys(const struct settings *s, struct jwt_keys **ret)
{
	return jwt_keys_new(str_of(s->jwt.secret_key), str_of(s->jwt.secret_key_previous), ret);
}

static int open_all(struct auth *a, const struct settings *s)
{
	int r;

	a->url = strdup(s->database.url);
	r = a->url ? open_keys(s, &a->keys) : -ENOMEM;
	if (r == 0)
		r = token_cache_new(s->auth.cache_entries, &a->cache);
	if (r == 0)
		r = auth_asks_new(&a->asks);
	if (r == 0)
		r = open_throttles(a, s);
	if (r == 0)
		r = open_passwords(a, s);
	if (r == 0)
		r = open_pool(a, s);
	if (r == 0 && a->front->daemon->instance == 0)
		r = auth_sweep_new(a, &a->sweep);
	return r;
}

int auth_new(struct front *f, struct auth **ret)
{
	struct auth *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->front = f;
	r = open_all(a, front_settings(f));
	if (r < 0) {
		auth_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	auth_sweep_free(a->sweep);
	password_pool_free(a->passwords);
	db_pool_free(a->pool);
	auth_asks_free(a->asks);
	throttle_free(a->accounts);
	throttle_free(a->sources);
	token_cache_free(a->cache);
	jwt_keys_free(a->keys);
	if (a->url)
		explicit_bzero(a->url, strlen(a->url));
	free(a->url);
	free(a);
}

void auth_apply(struct auth *a, const struct settings *next)
{
	struct jwt_keys *keys;
	int r = open_keys(next, &keys);

	if (r < 0) {
		log_error(r, "could not take the new key of tokens, the old one stays");
		return;
	}
	jwt_keys_free(a->keys);
	a->keys = keys;
	if (a->sweep)
		auth_sweep_soon(a->sweep);
}

bool auth_was_up(const struct auth *a)
{
	return db_pool_was_up(a->pool);
}

bool auth_is_up(const struct auth *a)
{
	return db_pool_is_up(a->pool);
}

/* --- what the files of auth share --- */

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

const char *auth_source(const struct call *c, char ret[HTTP_ADDRESS_SIZE])
{
	struct http_address address = *http_peer(c->exchange);

	/* A customer of a provider has a /64 at least. */
	if (address.family == HTTP_FAMILY_IPV6)
		memset(address.bytes + 8, 0, 8);
	return http_address_print(&address, ret);
}
