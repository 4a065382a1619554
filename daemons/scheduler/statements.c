/*
 * The scheduler's statements, prepared on its one connection. A partition is led by who holds the
 * advisory lock (LOCK_CLASS, partition), so the server itself ends a lead with the session, and no
 * two can have it.
 *
 * Called by ledger.c and lead.c.
 */
#include "statements.h"

/* "frau" in ASCII: other programs on the same database have other classes. The view
 * scheduler_leads has the same number. */
#define LOCK_CLASS "1718772085"
/* "frab": what a batch holds of its partition (tools/batch/cursor.c). */
#define BATCH_CLASS "1718772066"
/* Three beats (lead.c): who was not seen for so long does not count when partitions are shared. */
#define LIVES "seen_at > clock_timestamp() - interval '6 s'"

const char *const channels[CHANNEL_MAX] = {
	[CHANNEL_NEW] = "fraudd_new",
	[CHANNEL_JOBS] = "fraudd_jobs",
	[CHANNEL_MODEL] = "fraudd_model",
};

const char *const statements[STATEMENT_MAX] = {
	/* A host that is cut off must not keep its locks: the server notices within 5 s. */
	[STATEMENT_SESSION] = "select set_config('tcp_keepalives_idle', '2', false),"
	                      " set_config('tcp_keepalives_interval', '1', false),"
	                      " set_config('tcp_keepalives_count', '3', false),"
	                      " set_config('tcp_user_timeout', '5000', false)",

	[STATEMENT_BEAT] = "with mine as (insert into scheduler_hosts (host, pid, follow)"
	                   " values ($1, $2, $3) on conflict (host) do update"
	                   " set started_at = case when scheduler_hosts.pid = excluded.pid"
	                   " then scheduler_hosts.started_at else now() end, pid = excluded.pid,"
	                   " follow = excluded.follow, seen_at = clock_timestamp()),"
	                   " old as (delete from scheduler_hosts where host <> $1"
	                   " and seen_at < now() - interval '7 days')"
	                   " select count(*) from scheduler_hosts where host <> $1 and " LIVES,

	/* The limit stands around the lock: the scan ends with the last one that is wanted. */
	[STATEMENT_TAKE] =
	        "select t.partition,"
	        " (extract(epoch from clock_timestamp() - s.planned_at) * 1000)::bigint,"
	        " coalesce(s.batches, 0), coalesce(s.retrain_due, false)"
	        " from (select partition from unnest($1::integer[]) partition"
	        " where pg_try_advisory_lock(" LOCK_CLASS ", partition) limit $2::bigint) t"
	        " left join scheduler_state s on s.partition = t.partition",

	/* A host whose processes stand still (a paused container) answers the server's keepalives,
	 * so its locks stay. Who leads asks something every two seconds: a session that was silent
	 * for five leads nothing, and the batch that it started is ended with it. The server's
	 * clock alone decides. All is materialized lest the planner end sessions before it has
	 * chosen them. */
	[STATEMENT_FENCE] =
	        "with held as materialized (select l.pid, l.classid, l.objid, a.state_change"
	        " from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory'"
	        " and l.objsubid = 2 and l.granted and l.pid <> pg_backend_pid()"
	        " and l.classid in (" LOCK_CLASS ", " BATCH_CLASS ") and l.database ="
	        " (select oid from pg_database where datname = current_database())),"
	        " silent as materialized (select pid, objid from held where classid = " LOCK_CLASS
	        " and state_change < clock_timestamp() - interval '5 s'),"
	        " old as materialized (select pid from silent union select h.pid from held h"
	        " join silent using (objid) where h.classid = " BATCH_CLASS ")"
	        " select pid from old where pg_terminate_backend(pid, 1000)",

	[STATEMENT_RELEASE] = "select pg_advisory_unlock(" LOCK_CLASS
	                      ", partition) from unnest($1::integer[]) partition",
	[STATEMENT_RELEASE_ALL] = "select pg_advisory_unlock_all()",

	[STATEMENT_STATE] =
	        "insert into scheduler_state (partition, host, planned_at, batches, retrain_due,"
	        " next_batch_at, running) select $1::integer, $2,"
	        " clock_timestamp() - $3::float8 * interval '1 ms', $4::bigint, $5::boolean,"
	        " clock_timestamp() + $6::float8 * interval '1 ms', $7::text[]"
	        " on conflict (partition) do update set"
	        " leads_since = case when scheduler_state.host = excluded.host"
	        " then scheduler_state.leads_since else now() end,"
	        " host = excluded.host, planned_at = excluded.planned_at,"
	        " batches = excluded.batches, retrain_due = excluded.retrain_due,"
	        " next_batch_at = excluded.next_batch_at, running = excluded.running,"
	        " updated_at = clock_timestamp()",

	/* The oldest of each kind; rows that nobody took within the hour are nobody's wish any
	   more. */
	[STATEMENT_ASKED] =
	        "select distinct on (kind) id, kind from job_runs"
	        " where status = 'queued' and finished_at is null and kind in ('batch', 'retrain')"
	        " and created_at > now() - interval '1 hour' and id <> all ($1::uuid[])"
	        " order by kind, created_at, id",

	[STATEMENT_CLOSE] = "update job_runs set status = $2, message = nullif($3, ''),"
	                    " finished_at = now() where id = $1::uuid and finished_at is null",

	/* What the job said itself stands; what it could not say is added. */
	[STATEMENT_RECORD] =
	        "insert into job_runs (id, status, message, kind, host, pid, created_at, "
	        "started_at,"
	        " finished_at) select $1::uuid, $2, nullif($3, ''), $4, $5, $6::integer, at, at, "
	        "now()"
	        " from (select clock_timestamp() - $7::float8 * interval '1 ms' as at) begun"
	        " on conflict (id) do update set status = excluded.status,"
	        " message = excluded.message, finished_at = now(),"
	        " started_at = coalesce(job_runs.started_at, excluded.started_at)"
	        " where job_runs.finished_at is null",

	/* A job whose host died with it says nothing any more. */
	[STATEMENT_SWEEP] =
	        "update job_runs set status = case status when 'queued' then 'cancelled' else "
	        "'failed'"
	        " end, finished_at = now(), message = case status when 'queued' then 'nobody took "
	        "it'"
	        " else 'it ended without a word, perhaps with its host' end"
	        " where kind in ('batch', 'retrain') and finished_at is null"
	        " and id <> all ($1::uuid[])"
	        " and (status = 'running' and coalesce(heartbeat_at, started_at, created_at)"
	        " < now() - interval '5 minutes'"
	        " or status = 'queued' and created_at < now() - interval '1 hour')",
};
