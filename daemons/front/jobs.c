/*
 * GET /jobs. Few ask, so a worker has no connection of its own for it: the first question opens
 * one, and when nobody has asked for a while it is closed. A question that comes before it is open
 * waits for it, at most for database.connect_timeout_ms; while the server is away it is answered
 * at once.
 *
 * Invariant: a call stands in `waiting` or has its statement under way, never both.
 */
#include "jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "answers.h"
#include "daemon/loop.h"
#include "db/job_list.h"
#include "db/pool.h"
#include "handlers.h"
#include "http/exchange.h"

#define COUNT "50" /* newest runs */
#define IDLE_MS 10000
#define MAX_WAITING 64

struct asking {
	LIST_ENTRY(asking) entry;
	struct call *call;
	struct db_request *request; /* NULL: not under way */
	bool waits;                 /* is in the list */
};

struct jobs {
	struct front *front;
	struct db_pool *pool;    /* NULL: nobody has asked lately */
	struct loop_timer *idle; /* closes it */
	bool away;               /* the last try to connect failed */
	LIST_HEAD(, asking) waiting;
};

static void answer_away(struct call *c)
{
	answer_error(c, 503, 1, "The database is not available.");
}

static void on_rows(void *self, int r, const struct pg_result *rows, const struct errbuf *err)
{
	struct asking *a = self;
	struct call *c = a->call;

	(void)err;
	a->request = NULL;
	if (r < 0 || db_rows(rows) != 1)
		answer_away(c);
	else
		answer(c, 200, TYPE_JSON, db_text(rows, 0, 0));
}

static void ask(struct jobs *j, struct asking *a)
{
	const struct db_param param = DB_TEXT(COUNT);
	const struct db_call call = {
		.params = &param, .count = 1, .on_result = on_rows, .self = a
	};

	loop_timer_arm(j->idle, IDLE_MS);
	if (db_pool_run(j->pool, &call, &a->request) < 0)
		answer_away(a->call);
}

static void stop_waiting(struct asking *a)
{
	LIST_REMOVE(a, entry);
	a->waits = false;
}

static void on_state(void *self, bool up, const struct errbuf *why)
{
	struct jobs *j = self;
	struct asking *a;

	(void)why;
	j->away = !up;
	while ((a = LIST_FIRST(&j->waiting))) {
		stop_waiting(a);
		if (up)
			ask(j, a);
		else
			answer_away(a->call);
	}
}

/* Never from within the pool's own callbacks. */
static void on_idle(void *self)
{
	struct jobs *j = self;

	if (!LIST_EMPTY(&j->waiting)) {
		loop_timer_arm(j->idle, IDLE_MS);
		return;
	}
	db_pool_free(j->pool);
	j->pool = NULL;
	j->away = false;
}

static int open_pool(struct jobs *j)
{
	static const char *const statements[] = { job_list_sql };
	const struct settings *s = front_settings(j->front);
	const struct db_pool_options o = {
		.base = j->front->daemon->base,
		.url = s->database.url,
		.application = "fraud-front jobs",
		.connections = 1,
		.connect_timeout_ms = s->database.connect_timeout_ms,
		.query_timeout_ms = s->database.query_timeout_ms,
		.max_waiting = MAX_WAITING,
		.statements = statements,
		.statement_count = 1,
		.on_state = on_state,
		.self = j,
	};

	return db_pool_new(&o, &j->pool);
}

/* The call ends, whoever ended it. */
static void forget(void *asking)
{
	struct asking *a = asking;

	if (a->waits)
		stop_waiting(a);
	if (a->request)
		db_request_forget(a->request);
}

static int begin(struct jobs *j, struct asking *a)
{
	int r = j->pool ? 0 : open_pool(j);

	if (r < 0)
		return r;
	loop_timer_arm(j->idle, IDLE_MS);
	if (db_pool_is_up(j->pool)) {
		ask(j, a);
		return 0;
	}
	if (j->away) {
		answer_away(a->call);
		return 0;
	}
	LIST_INSERT_HEAD(&j->waiting, a, entry);
	a->waits = true;
	return 0;
}

void handle_jobs(struct call *c)
{
	struct arena *arena = http_arena(c->exchange);
	struct jobs *j = c->front->jobs;
	struct asking *a = arena_calloc(arena, 1, sizeof(*a));

	if (!front_settings(c->front)->database.url[0]) {
		answer_error(c, 503, 0, "This suite has no database (database.url).");
		return;
	}
	if (!a || arena_on_free(arena, forget, a) < 0) {
		answer_error(c, 503, 1, "out of memory");
		return;
	}
	a->call = c;
	if (begin(j, a) < 0)
		answer_error(c, 503, 1, "out of memory");
}

int jobs_new(struct front *f, struct jobs **ret)
{
	struct jobs *j = calloc(1, sizeof(*j));
	int r = j ? loop_timer_new(f->daemon->base, on_idle, j, &j->idle) : -ENOMEM;

	if (r < 0) {
		free(j);
		return r;
	}
	j->front = f;
	LIST_INIT(&j->waiting);
	*ret = j;
	return 0;
}

void jobs_free(struct jobs *j)
{
	if (!j)
		return;
	db_pool_free(j->pool);
	loop_timer_free(j->idle);
	free(j);
}
