/*
 * The lock lives as long as its session. A thread of its own asks the server every few seconds
 * whether it is still there (and renews the heartbeat by that), because a round of a large training
 * takes longer than anybody may be left in doubt. When the session is lost, another host may begin;
 * so this one ends at its next step, before it could promote anything.
 *
 * Invariant: the session belongs to the thread from begin() to end(); what both sides read and
 * write is under the mutex.
 *
 * Called by retrain.c.
 */
#include "job_run.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "db/db.h"
#include "locks.h"

#define BEAT_SECONDS 5
#define QUERY_MS 15000 /* a server that says nothing for so long is lost */
#define ID_SIZE 37
#define NUMBER 24

struct job_run {
	const struct settings *settings;
	struct db *db;
	char id[ID_SIZE];
	struct watch watch;
	pthread_t thread;
	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t cond;
	bool has_thread, ends, lost;
	struct errbuf lost_words;
	const char *stage; /* a constant */
	uint64_t done, planned;
};

/* --- the thread --- */

static int write_beat(struct job_run *j, const char *message, struct errbuf *err)
{
	const struct db_param params[] = { DB_TEXT(j->id), DB_TEXT(message) };

	return db_query(j->db,
	                "update job_runs set heartbeat_at = clock_timestamp(), message = $2"
	                " where id = $1::uuid",
	                params, 2, NULL, err);
}

static void print_progress(const struct job_run *j, char ret[96])
{
	const char *stage = j->stage ? j->stage : "beginning";

	if (j->planned)
		snprintf(ret, 96, "%s: %llu of at most %llu", stage, (unsigned long long)j->done,
		         (unsigned long long)j->planned);
	else
		snprintf(ret, 96, "%s: %llu", stage, (unsigned long long)j->done);
}

/* With the mutex, which is let go while the server is asked. */
static void beat(struct job_run *j)
{
	struct errbuf err;
	char message[96];
	int r;

	print_progress(j, message);
	pthread_mutex_unlock(&j->mutex);
	r = write_beat(j, message, &err);
	pthread_mutex_lock(&j->mutex);
	if (r < 0) {
		j->lost = true;
		j->lost_words = err;
	}
}

static void *keep_beating(void *self)
{
	struct job_run *j = self;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	pthread_mutex_lock(&j->mutex);
	while (!j->ends && !j->lost) {
		next.tv_sec += BEAT_SECONDS;
		while (!j->ends && pthread_cond_timedwait(&j->cond, &j->mutex, &next) != ETIMEDOUT)
			;
		if (!j->ends)
			beat(j);
	}
	pthread_mutex_unlock(&j->mutex);
	return NULL;
}

static int start_thread(struct job_run *j, struct errbuf *err)
{
	pthread_condattr_t attributes;
	int r;

	pthread_mutex_init(&j->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&j->cond, &attributes);
	pthread_condattr_destroy(&attributes);
	r = pthread_create(&j->thread, NULL, keep_beating, j);
	j->has_thread = r == 0;
	return r ? errbuf_set(err, -r, "could not start a thread: %s", strerror(r)) : 0;
}

static void stop_thread(struct job_run *j)
{
	if (!j->has_thread)
		return;
	pthread_mutex_lock(&j->mutex);
	j->ends = true;
	pthread_cond_signal(&j->cond);
	pthread_mutex_unlock(&j->mutex);
	pthread_join(j->thread, NULL);
	j->has_thread = false;
	pthread_cond_destroy(&j->cond);
	pthread_mutex_destroy(&j->mutex);
}

/* --- what the work says --- */

static int on_progress(void *self, const char *stage, uint64_t done, uint64_t planned)
{
	struct job_run *j = self;
	bool lost;

	pthread_mutex_lock(&j->mutex);
	j->stage = stage;
	j->done = done;
	j->planned = planned;
	lost = j->lost;
	pthread_mutex_unlock(&j->mutex);
	return lost ? -ECANCELED : 0;
}

const struct watch *job_run_watch(struct job_run *j)
{
	return &j->watch;
}

int job_run_check(struct job_run *j, struct errbuf *err)
{
	int r = 0;

	pthread_mutex_lock(&j->mutex);
	if (j->lost)
		r = errbuf_set(err, -ECONNRESET,
		               "the database session that made this the only retrain was lost: %s",
		               j->lost_words.text);
	pthread_mutex_unlock(&j->mutex);
	return r;
}

/* --- the row --- */

/* This one has the lock, so no other retrain lives. */
static const char close_dead_sql[] =
        "update job_runs set status = 'failed', finished_at = now(),"
        " message = 'it ended without a word'"
        " where kind = 'retrain' and status = 'running' and finished_at is null"
        " and id::text <> $1";

/* on conflict: the row that the scheduler made. */
static const char begin_sql[] =
        "insert into job_runs (id, kind, status, host, pid, started_at, heartbeat_at)"
        " values (coalesce(nullif($1, '')::uuid, gen_random_uuid()), 'retrain', 'running', $2,"
        " $3::integer, now(), now())"
        " on conflict (id) do update set status = excluded.status, host = excluded.host,"
        " pid = excluded.pid, started_at = excluded.started_at,"
        " heartbeat_at = excluded.heartbeat_at returning id";

static const char end_sql[] =
        "update job_runs set status = $2, message = $3, finished_at = now(),"
        " heartbeat_at = now(), model_version = $4,"
        " detail = coalesce(detail, '{}') || coalesce(nullif($5, '')::jsonb, '{}')"
        " where id = $1::uuid";

static int close_dead(const struct job_run *j, const char *id, struct errbuf *err)
{
	const struct db_param params[] = { DB_TEXT(id ? id : "") };

	return db_query(j->db, close_dead_sql, params, 1, NULL, err);
}

static int write_begin(struct job_run *j, const char *id, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *row = NULL;
	char host[SETTINGS_HOST_SIZE], pid[NUMBER];
	const struct db_param params[] = { DB_TEXT(id ? id : ""), DB_TEXT(host), DB_TEXT(pid) };
	int r;

	settings_host(j->settings, host);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	r = db_query_row(j->db, begin_sql, params, 3, &row, err);
	if (r == 0)
		snprintf(j->id, sizeof(j->id), "%s", db_text(row, 0, 0).p);
	return r;
}

static int write_end(struct job_run *j, struct db *db, const struct job_end *end,
                     struct errbuf *err)
{
	CLEANUP(free_p)
	char *verdict = strndup(end->verdict.n ? end->verdict.p : "", end->verdict.n);
	const struct db_param params[] = {
		DB_TEXT(j->id), DB_TEXT(end->status), DB_TEXT(end->message),
		end->model_version ? DB_TEXT(end->model_version) : DB_NULL, DB_TEXT(verdict)
	};

	if (!verdict)
		return errbuf_set(err, -ENOMEM, "out of memory");
	return db_query(db, end_sql, params, 5, NULL, err);
}

/* --- begin and end --- */

static int open_session(const struct settings *s, struct db **ret, struct errbuf *err)
{
	const struct db_options o = { .url = s->database.url,
		                      .application = "fraud-train",
		                      .connect_timeout_ms = s->database.connect_timeout_ms,
		                      .query_timeout_ms = QUERY_MS };

	return db_open(&o, ret, err);
}

static void job_run_free(struct job_run *j)
{
	stop_thread(j);
	db_close(j->db);
	free(j);
}

/* The scheduler's row must not stay open for a retrain that never began. */
static void close_skipped(struct job_run *j, const char *id, const char *words)
{
	const struct job_end end = { .status = "skipped", .message = words };
	struct errbuf err;

	if (!id)
		return;
	if (write_begin(j, id, &err) < 0 || write_end(j, j->db, &end, &err) < 0)
		log_warning(0, "could not close job %s: %s", id, err.text);
}

static int begin(struct job_run *j, const char *id, struct errbuf *err)
{
	int r = open_session(j->settings, &j->db, err);

	if (r < 0)
		return r;
	r = locks_take(j->db, LOCK_RETRAIN, err);
	if (r == -EBUSY)
		close_skipped(j, id, err->text);
	if (r == 0)
		r = close_dead(j, id, err);
	if (r == 0)
		r = write_begin(j, id, err);
	return r < 0 ? r : start_thread(j, err);
}

int job_run_begin(const struct settings *s, const char *id, struct job_run **ret,
                  struct errbuf *err)
{
	struct job_run *j = calloc(1, sizeof(*j));
	int r;

	if (!j)
		return errbuf_set(err, -ENOMEM, "out of memory");
	j->settings = s;
	j->watch = (struct watch){ on_progress, j };
	r = begin(j, id, err);
	if (r < 0) {
		job_run_free(j);
		return r;
	}
	*ret = j;
	return 0;
}

void job_run_end(struct job_run *j, const struct job_end *end)
{
	CLEANUP(db_close_p) struct db *fresh = NULL;
	struct errbuf err;
	int r = 0;

	stop_thread(j);
	if (!db_is_alive(j->db) || write_end(j, j->db, end, &err) < 0) {
		r = open_session(j->settings, &fresh, &err);
		if (r == 0)
			r = write_end(j, fresh, end, &err);
	}
	if (r < 0)
		log_warning(0, "could not write the end of job %s: %s", j->id, err.text);
	job_run_free(j);
}
