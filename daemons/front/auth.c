/*
 * The life of a worker's auth object. Nothing here waits for PostgreSQL: a worker is ready without
 * it, scoring with remembered tokens goes on without it, and all else is answered with 503 until it
 * is back.
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

#include "auth_asks.h"
#include "auth_state.h"
#include "auth_statements.h"
#include "auth_sweep.h"
#include "base/log.h"

#define MAX_WAITING 1024 /* statements of a worker without a free connection */

/* --- what PostgreSQL tells --- */

static struct str take_word(const char **at)
{
	struct str word = { *at, strcspn(*at, " ") };

	*at += word.n + ((*at)[word.n] == ' ');
	return word;
}

static void forget(struct auth *a, struct str kind, struct str which)
{
	char jti[JWT_JTI_SIZE];
	long long user;

	if (str_is(kind, "jti") && which.n == JWT_JTI_SIZE - 1) {
		memcpy(jti, which.p, which.n);
		jti[which.n] = '\0';
		token_cache_drop(a->cache, jti);
	} else if (str_is(kind, "user") && str_to_i64(which, &user) == 0) {
		token_cache_drop_user(a->cache, user);
	} else {
		token_cache_clear(a->cache);
	}
}

/* "jti <id>" or "user <id>", and after it what was done to it and by whom, if that was not done
 * here: who did it has written nothing into our log. */
static void on_notify(void *self, const char *channel, const char *payload)
{
	struct auth *a = self;
	const char *rest = payload;
	struct str kind = take_word(&rest), which = take_word(&rest);

	(void)channel;
	a->notices++;
	forget(a, kind, which);
	if (*rest && a->front->daemon->instance == 0)
		log_info("audit: %s %.*s %s", str_is(kind, "jti") ? "token" : "user",
		         STR_ARGS(which), rest);
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

static void init_throttles(struct auth *a, const struct settings *s)
{
	struct scoreboard *board = a->front->daemon->scoreboard;
	struct throttle_options o = { .limit = s->auth.throttle_account,
		                      .window_seconds = s->auth.throttle_window_seconds,
		                      .places = board->accounts,
		                      .place_count = SCOREBOARD_THROTTLE_PLACES,
		                      .key = board->head.throttle_key };

	throttle_init(&a->accounts, &o);
	o.limit = s->auth.throttle_source;
	o.places = board->sources;
	throttle_init(&a->sources, &o);
}

static int open_keys(const struct settings *s, struct jwt_keys **ret)
{
	return jwt_keys_new(str_of(s->jwt.secret_key), str_of(s->jwt.secret_key_previous), ret);
}

static int open_all(struct auth *a, const struct settings *s)
{
	int r;

	init_throttles(a, s);
	a->url = strdup(s->database.url);
	r = a->url ? open_keys(s, &a->keys) : -ENOMEM;
	if (r == 0)
		r = token_cache_new(s->auth.cache_entries, &a->cache);
	if (r == 0)
		r = auth_asks_new(&a->asks);
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
