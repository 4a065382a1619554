/*
 * The tables of the scheduler as one JSON document. PostgreSQL writes it, because nothing of it is
 * looked at on the way; a host lives if its scheduler was seen within ten seconds.
 *
 * Called by daemons/front/jobs.c and tools/ctl/jobs_command.c.
 */
#include "db/job_list.h"

#define ALIVE "h.seen_at > clock_timestamp() - interval '10 s'"
#define JOB                                                                                        \
	"select id, kind, status, host, pid, created_at, started_at, heartbeat_at, finished_at,"   \
	" planned, scored, failed, skipped, model_version, generation, message, detail"            \
	" from job_runs"

const char job_list_sql[] =
        "select json_build_object("
        "'hosts', coalesce((select json_agg(x order by x.host) from"
        " (select h.host, " ALIVE " as alive, h.pid, h.follow, h.started_at,"
        " h.seen_at from scheduler_hosts h) x), '[]'),"
        "'partitions', coalesce((select json_agg(x order by x.partition) from"
        " (select s.partition, s.host, l.partition is not null as led, s.leads_since, s.running, "
        "s.next_batch_at, s.batches, s.retrain_due,"
        " s.updated_at from scheduler_state s left join scheduler_leads l using (partition)) x),"
        " '[]'),"
        "'jobs', coalesce((select json_agg(x order by x.created_at desc, x.id) from"
        " (" JOB " order by created_at desc, id limit $1::bigint) x), '[]'))";

const char job_list_one_sql[] = "select row_to_json(x) from (" JOB " where id = $1::uuid) x";
