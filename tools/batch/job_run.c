/*
 * A batch that was killed cannot say so: its row stays "running". Whoever holds the partition next
 * knows better, because only one can hold it, and closes such rows.
 *
 * Called by batch.c and store.c.
 */
#include "job_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NUMBER 24 /* room for 64 bits in decimal */

static int close_dead(const struct job_run *j, struct db *db, struct errbuf *err)
{
	char partition[NUMBER];
	const struct db_param params[] = { DB_TEXT(partition), DB_TEXT(j->id) };

	snprintf(partition, sizeof(partition), "%u", j->partition);
	return db_query(db,
	                "update job_runs set status = 'failed', finished_at = now(),"
	                " message = 'it ended without a word'"
	                " where kind = 'batch' and status = 'running' and finished_at is null"
	                " and detail->>'partition' = $1 and id::text <> $2",
	                params, 2, NULL, err);
}

/* on conflict: the row that the scheduler made. */
static const char begin_sql[] =
        "insert into job_runs (id, kind, status, host, pid, started_at, heartbeat_at,"
        " model_version, generation, scored, failed, skipped, detail)"
        " values (coalesce(nullif($1, '')::uuid, gen_random_uuid()), 'batch', 'running', $2, $3,"
        " now(), now(), $4, $5, 0, 0, 0,"
        " jsonb_build_object('partition', $6::integer, 'partitions', $7::integer))"
        " on conflict (id) do update set status = excluded.status, host = excluded.host,"
        " pid = excluded.pid, started_at = excluded.started_at,"
        " heartbeat_at = excluded.heartbeat_at, model_version = excluded.model_version,"
        " generation = excluded.generation,"
        " detail = coalesce(job_runs.detail, '{}') || excluded.detail"
        " returning id";

int job_run_begin(struct job_run *j, struct db *db, bool holds, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *row = NULL;
	char pid[NUMBER], generation[NUMBER], partition[NUMBER], partitions[NUMBER];
	const struct db_param params[] = {
		DB_TEXT(j->id),      DB_TEXT(j->host),
		DB_TEXT(pid),        DB_TEXT(j->model_version),
		DB_TEXT(generation), DB_TEXT(partition),
		DB_TEXT(partitions),
	};
	int r;

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	snprintf(generation, sizeof(generation), "%" PRIu64, j->generation);
	snprintf(partition, sizeof(partition), "%u", j->partition);
	snprintf(partitions, sizeof(partitions), "%u", j->partitions);
	r = holds ? close_dead(j, db, err) : 0;
	if (r == 0)
		r = db_query_row(db, begin_sql, params, 7, &row, err);
	if (r == 0)
		snprintf(j->id, sizeof(j->id), "%s", db_text(row, 0, 0).p);
	return r;
}

int job_run_count(const struct job_run *j, struct db *db, const struct tally *t, struct errbuf *err)
{
	char sql[320];

	if (!*j->id)
		return 0;
	snprintf(sql, sizeof(sql),
	         "update job_runs set planned = %" PRIu64 ", scored = %" PRIu64
	         ", failed = %" PRIu64 ", skipped = %" PRIu64
	         ", heartbeat_at = clock_timestamp() where id = '%s'",
	         t->planned, t->scored, t->failed, t->skipped, j->id);
	return db_exec(db, sql, err);
}

int job_run_end(const struct job_run *j, struct db *db, const struct tally *t, const char *status,
                const char *message, struct errbuf *err)
{
	char explained[NUMBER];
	const struct db_param params[] = { DB_TEXT(j->id), DB_TEXT(status), DB_TEXT(message),
		                           DB_TEXT(explained) };
	int r;

	if (!*j->id)
		return 0;
	snprintf(explained, sizeof(explained), "%" PRIu64, t->explained);
	r = job_run_count(j, db, t, err);
	if (r < 0)
		return r;
	return db_query(db,
	                "update job_runs set status = $2, message = nullif($3, ''),"
	                " finished_at = now(), detail = detail"
	                " || jsonb_build_object('explained', $4::bigint) where id = $1::uuid",
	                params, 4, NULL, err);
}
