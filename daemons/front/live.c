/*
 * model_live_history: which version judged on this host, from when to when and why. The open row is
 * renewed every five seconds, which is how a promoter on another host knows who must follow it; a
 * renewal that finds no row of this model closes what is open and begins one, so whatever was
 * missed while the database was away is made up for.
 *
 * The same connection listens for promotions: the model is looked up again at once, not at the next
 * poll. Called by main.c in worker 0.
 */
#include "live.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/loop.h"
#include "db/pool.h"
#include "front.h"

#define RENEW_MS 5000
/* What the loader says of the registry (is it pinned?) comes a moment after the model. */
#define SETTLE_MS 200
#define QUERY_TIMEOUT_MS 5000
/* The first model that goes live so soon after a promotion was told goes live because of it. */
#define PROMOTION_NS (UINT64_C(300) * 1000000000)

enum statement { RENEW, CLOSE, OPEN, STATEMENT_MAX };

/* $1 host, $2 generation, $3 version; a row whose host was down ended when it was seen last. */
static const char *const statements[STATEMENT_MAX] = {
	[RENEW] = "update model_live_history set seen_at = clock_timestamp() where host = $1"
	          " and generation = $2 and model_version = $3 and live_until is null returning id",
	[CLOSE] = "update model_live_history set live_until = case when seen_at <"
	          " clock_timestamp() - interval '30 s' then seen_at else clock_timestamp() end"
	          " where host = $1 and live_until is null",
	[OPEN] = "insert into model_live_history (host, generation, model_version, model_name,"
	         " registry_version, verified, reason, live_from)"
	         " values ($1, $2, $3, $4, nullif($5, ''), $6, $7,"
	         " clock_timestamp() - $8::float8 * interval '1 ms')",
};

static const char *const channels[] = { "fraudd_model" };

struct live {
	struct front *front;
	struct db_pool *pool;
	struct loop_timer *timer;
	char host[SETTINGS_HOST_SIZE];
	struct msg_model model; /* generation 0: none is live yet */
	const char *reason;     /* why it went live; NULL: not yet decided */
	bool was_live;          /* another one before it */
	uint64_t since_ns;
	uint64_t promoted_ns; /* when a promotion was told last; 0: never */
	bool busy;            /* statements are under way */
	bool again;           /* a newer model came meanwhile */
};

static void renew(struct live *l);

static bool say(struct live *l, enum statement statement, db_on_result *fn)
{
	char generation[24], age[24];
	const struct db_param params[] = {
		DB_TEXT(l->host),
		DB_TEXT(generation),
		DB_TEXT(l->model.version),
		DB_TEXT(l->model.name),
		DB_TEXT(l->model.registry_version),
		DB_TEXT(l->model.verified == MODEL_VERIFIED_GOLDEN ? "golden" : "self"),
		DB_TEXT(l->reason),
		DB_TEXT(age),
	};
	static const size_t counts[STATEMENT_MAX] = { [RENEW] = 3, [CLOSE] = 1, [OPEN] = 8 };
	const struct db_call call = { statement, params, counts[statement], fn, l };

	snprintf(generation, sizeof(generation), "%" PRIu64, l->model.generation);
	snprintf(age, sizeof(age), "%" PRIu64, (clock_mono_ns() - l->since_ns) / 1000000);
	l->busy = db_pool_run(l->pool, &call, NULL) == 0;
	return l->busy;
}

/* The end of a round, good or bad: the next renewal finds out. */
static void end_round(struct live *l, int r, const struct errbuf *err)
{
	l->busy = false;
	if (r < 0)
		log_debug("could not tell which model is live: %s", err->text);
	if (l->again && r == 0)
		renew(l);
}

static void on_opened(void *self, int r, const struct pg_result *rows, const struct errbuf *err)
{
	(void)rows;
	end_round(self, r, err);
}

static void on_closed(void *self, int r, const struct pg_result *rows, const struct errbuf *err)
{
	(void)rows;
	if (r < 0 || !say(self, OPEN, on_opened))
		end_round(self, r, err);
}

static void on_renewed(void *self, int r, const struct pg_result *rows, const struct errbuf *err)
{
	if (r < 0 || db_rows(rows) > 0 || !say(self, CLOSE, on_closed))
		end_round(self, r, err);
}

static void renew(struct live *l)
{
	if (!l->reason || !db_pool_is_up(l->pool))
		return;
	l->again = l->busy;
	if (!l->busy)
		say(l, RENEW, on_renewed);
}

static const char *reason_of(const struct live *l)
{
	const struct msg_registry_state *registry = &l->front->registry;

	if (l->model.origin == MODEL_FROM_LAST_KNOWN_GOOD)
		return "last-known-good";
	if (registry->pinned[0] && strcmp(registry->pinned, l->model.version) == 0)
		return "pinned";
	if (l->promoted_ns && clock_mono_ns() - l->promoted_ns < PROMOTION_NS)
		return "promotion";
	return l->was_live ? "reload" : "start";
}

static void on_timer(void *self)
{
	struct live *l = self;

	loop_timer_arm(l->timer, RENEW_MS);
	if (!l->reason && l->model.generation) {
		l->reason = reason_of(l);
		l->promoted_ns = 0; /* what comes later has a cause of its own */
	}
	renew(l);
}

void live_model(struct live *l, const struct msg_model *model)
{
	if (model->generation == l->model.generation)
		return;
	l->was_live = l->model.generation != 0;
	l->reason = NULL;
	l->model = *model;
	l->since_ns = clock_mono_ns();
	loop_timer_arm(l->timer, SETTLE_MS);
}

static void on_notify(void *self, const char *channel, const char *payload)
{
	const struct msg_reload wish = { .wish = RELOAD_ALIAS };
	struct live *l = self;
	int r = channel_send(l->front->daemon->channel, MSG_RELOAD_WANTED, 0, &wish, -1);

	(void)channel;
	(void)payload;
	l->promoted_ns = clock_mono_ns();
	if (r < 0)
		log_error(r, "could not ask for a reload after a promotion");
}

static void on_state(void *self, bool up, const struct errbuf *why)
{
	if (up)
		renew(self);
	else
		log_warning(0, "cannot tell other hosts which model is live here: %s", why->text);
}

static int open_pool(struct live *l)
{
	const struct settings *s = front_settings(l->front);
	const struct db_pool_options o = {
		.base = l->front->daemon->base,
		.url = s->database.url,
		.application = "fraud-front live",
		.connections = 1,
		.connect_timeout_ms = s->database.connect_timeout_ms,
		.query_timeout_ms = QUERY_TIMEOUT_MS,
		.max_waiting = 4,
		.statements = statements,
		.statement_count = STATEMENT_MAX,
		.channels = channels,
		.channel_count = 1,
		.on_notify = on_notify,
		.on_state = on_state,
		.self = l,
	};

	return db_pool_new(&o, &l->pool);
}

int live_new(struct front *f, struct live **ret)
{
	struct live *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->front = f;
	settings_host(front_settings(f), l->host);
	r = loop_timer_new(f->daemon->base, on_timer, l, &l->timer);
	if (r == 0)
		r = open_pool(l);
	if (r < 0) {
		live_free(l);
		return r;
	}
	loop_timer_arm(l->timer, RENEW_MS);
	*ret = l;
	return 0;
}

void live_free(struct live *l)
{
	if (!l)
		return;
	db_pool_free(l->pool);
	loop_timer_free(l->timer);
	free(l);
}
