/*
 * Writing and asking, one statement at a time, in the order of its weight: ends of jobs, then rows
 * of state, then what people ask for, then the sweep. What is wanted twice before its turn comes is
 * done once. Without a connection all of it waits.
 *
 * Invariant: an end of a job leaves the list only when the database has it.
 *
 * Called by scheduler.c.
 */
#include "ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "db/pool.h"
#include "statements.h"

#define NUMBER 24

static void next(struct ledger *l);

static bool say(struct ledger *l, unsigned statement, const struct db_param *params, size_t count,
                db_on_result *on_result)
{
	const struct db_call call = { statement, params, count, on_result, l };

	l->busy = db_pool_run(l->pool, &call, NULL) == 0;
	return l->busy;
}

static const char *print(char ret[NUMBER], int64_t v)
{
	snprintf(ret, NUMBER, "%" PRId64, v);
	return ret;
}

/* --- ends of jobs --- */

static void drop_record(struct ledger *l)
{
	l->record_count--;
	memmove(l->records, l->records + 1, l->record_count * sizeof(l->records[0]));
}

static void on_recorded(void *self, int r, const struct pg_result *result, const struct errbuf *err)
{
	struct ledger *l = self;

	(void)result;
	l->busy = false;
	/* Lost or late: told again, which does no harm. Refused: would be refused for ever. */
	if (r < 0 && l->up && r != -ETIMEDOUT)
		log_warning(0, "job=%s could not be recorded: %s", l->records[0].id, err->text);
	if (r == 0 || (l->up && r != -ETIMEDOUT))
		drop_record(l);
	next(l);
	l->hooks->recorded(l->self);
}

static bool send_record(struct ledger *l)
{
	static const char *const ends[] = {
		[END_WELL] = "succeeded", [END_BADLY] = "failed", [END_STOPPED] = "cancelled"
	};
	const struct job_record *r = &l->records[0];
	char pid[NUMBER], age[NUMBER];
	const struct db_param params[] = {
		DB_TEXT(r->id),
		DB_TEXT(ends[r->end]),
		DB_TEXT(r->message),
		DB_TEXT(queue_kind_name(r->kind)),
		DB_TEXT(l->host),
		DB_TEXT(print(pid, r->pid)),
		DB_TEXT(print(age, (int64_t)(clock_mono_ns() / 1000000) - r->started_ms)),
	};

	/* A job that ended well wrote its row itself, if it had any; one that was asked for has one
	 * in any case. */
	return r->end == END_WELL ? say(l, STATEMENT_CLOSE, params, 3, on_recorded)
	                          : say(l, STATEMENT_RECORD, params, 7, on_recorded);
}

void ledger_note(struct ledger *l, const struct job_record *record)
{
	if (record->end == END_WELL && !record->asked)
		return;
	if (l->record_count == LEDGER_MAX_RECORDS) {
		log_warning(0, "job=%s is not recorded: too many wait for the database",
		            record->id);
		return;
	}
	l->records[l->record_count++] = *record;
	next(l);
}

/* --- state --- */

static void on_written(void *self, int r, const struct pg_result *result, const struct errbuf *err)
{
	struct ledger *l = self;

	(void)result;
	l->busy = false;
	if (r < 0)
		log_debug("could not write the scheduler's state: %s", err->text);
	next(l);
}

static bool send_state(struct ledger *l, unsigned partition)
{
	struct strbuf running = { 0 };
	struct ledger_state s;
	char number[NUMBER], age[NUMBER], count[NUMBER], wait[NUMBER];
	bool sent = false;

	l->stale[partition] = false;
	if (!l->hooks->state(l->self, partition, &s))
		return false;
	jobs_print_kinds(l->jobs, partition, &running);
	if (strbuf_error(&running) == 0) {
		const struct db_param params[] = {
			DB_TEXT(print(number, partition)),
			DB_TEXT(l->host),
			s.age_ms < 0 ? DB_NULL : DB_TEXT(print(age, s.age_ms)),
			DB_TEXT(print(count, s.count)),
			DB_TEXT(s.retrain_due ? "true" : "false"),
			s.next_ms < 0 ? DB_NULL : DB_TEXT(print(wait, s.next_ms)),
			DB_TEXT(running.p),
		};

		sent = say(l, STATEMENT_STATE, params, 7, on_written);
	}
	strbuf_done(&running);
	return sent;
}

void ledger_changed(struct ledger *l, unsigned partition)
{
	l->stale[partition] = true;
	next(l);
}

/* --- what people ask for --- */

static void on_asked(void *self, int r, const struct pg_result *result, const struct errbuf *err)
{
	struct ledger *l = self;

	l->busy = false;
	if (r < 0)
		log_debug("could not look for jobs that are asked for: %s", err->text);
	for (size_t i = 0; r == 0 && i < db_rows(result); i++) {
		bool retrain = str_is(db_text(result, i, 1), queue_kind_name(JOB_RETRAIN));

		l->hooks->asked(l->self, retrain ? JOB_RETRAIN : JOB_BATCH,
		                db_text(result, i, 0).p);
	}
	next(l);
}

/* A statement whose one parameter are the jobs that run. */
static bool send_with_ids(struct ledger *l, unsigned statement, db_on_result *on_result)
{
	struct strbuf ids = { 0 };
	bool sent = false;

	jobs_print_ids(l->jobs, &ids);
	if (strbuf_error(&ids) == 0) {
		const struct db_param param = DB_TEXT(ids.p);

		sent = say(l, statement, &param, 1, on_result);
	}
	strbuf_done(&ids);
	return sent;
}

void ledger_look(struct ledger *l)
{
	l->look_due = true;
	next(l);
}

void ledger_sweep(struct ledger *l)
{
	l->sweep_due = true;
	next(l);
}

/* --- one after the other --- */

static bool take(bool *due)
{
	bool was = *due;

	*due = false;
	return was;
}

static void next(struct ledger *l)
{
	if (!l->up || l->busy)
		return;
	if (l->record_count > 0) {
		send_record(l);
		return;
	}
	for (unsigned i = 0; i < l->partitions; i++)
		if (l->stale[i] && send_state(l, i))
			return;
	if (take(&l->look_due) && send_with_ids(l, STATEMENT_ASKED, on_asked))
		return;
	if (take(&l->sweep_due))
		send_with_ids(l, STATEMENT_SWEEP, on_written);
}

void ledger_connected(struct ledger *l)
{
	l->up = true;
	next(l);
}

void ledger_disconnected(struct ledger *l)
{
	l->up = false;
	memset(l->stale, 0, sizeof(l->stale));
}

bool ledger_is_busy(const struct ledger *l)
{
	return l->up && l->record_count > 0;
}
