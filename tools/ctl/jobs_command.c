/*
 * `fraudctl jobs`: who schedules, what is next, what ran. `fraudctl job run`: a row of job_runs
 * that waits, and a word to the schedulers; the one that leads takes the row, whatever host this is
 * run on, and the command ends with the job. Both speak with the database alone.
 *
 * Called by main.c through its table.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/option.h"
#include "base/str.h"
#include "command.h"
#include "db/db.h"
#include "db/job_list.h"

#define POLL_MS 100
#define DEFAULT_COUNT 20

/* --- jobs --- */

static const char hosts_sql[] =
        "select host, pid, follow, extract(epoch from clock_timestamp() - seen_at)::bigint,"
        " seen_at > clock_timestamp() - interval '10 s' from scheduler_hosts order by host";

static const char partitions_sql[] =
        "select s.partition, s.host, l.partition is not null,"
        " extract(epoch from clock_timestamp() - s.leads_since)::bigint,"
        " array_to_string(s.running, ', '),"
        " extract(epoch from s.next_batch_at - clock_timestamp())::bigint, s.batches, s.retrain_due"
        " from scheduler_state s left join scheduler_leads l using (partition)"
        " order by s.partition";

static const char runs_sql[] =
        "select id, kind, status, host, to_char(coalesce(started_at, created_at) at time zone "
        "'UTC',"
        " 'YYYY-MM-DD HH24:MI:SS'),"
        " extract(epoch from coalesce(finished_at, clock_timestamp()) - started_at)::numeric(12,1),"
        " scored, failed, message from job_runs order by created_at desc, id limit $1::bigint";

static void print_seconds(int64_t s, char ret[32])
{
	if (s < 120)
		snprintf(ret, 32, "%" PRId64 " s", s < 0 ? 0 : s);
	else if (s < 7200)
		snprintf(ret, 32, "%" PRId64 " min", s / 60);
	else
		snprintf(ret, 32, "%" PRId64 " h", s / 3600);
}

static int print_hosts(struct db *db, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *rows = NULL;
	int r = db_query(db, hosts_sql, NULL, 0, &rows, err);

	if (r < 0)
		return r;
	if (db_rows(rows) == 0)
		puts("no scheduler has ever used this database");
	for (size_t i = 0; i < db_rows(rows); i++) {
		char ago[32];

		print_seconds(db_integer(rows, i, 3), ago);
		printf("host       %s, pid %s, %s %s ago%s\n", db_text(rows, i, 0).p,
		       db_text(rows, i, 1).p, db_bool(rows, i, 4) ? "seen" : "not seen for", ago,
		       db_bool(rows, i, 2) ? ", follows new rows" : "");
	}
	return 0;
}

static void print_partition(const struct pg_result *rows, size_t i)
{
	char text[32];

	printf("partition  %s, ", db_text(rows, i, 0).p);
	if (!db_bool(rows, i, 2)) {
		printf("led by nobody (last %s)\n", db_text(rows, i, 1).p);
		return;
	}
	print_seconds(db_integer(rows, i, 3), text);
	printf("led by %s for %s", db_text(rows, i, 1).p, text);
	if (db_text(rows, i, 4).n)
		printf(", running: %s", db_text(rows, i, 4).p);
	if (!db_is_null(rows, i, 5)) {
		print_seconds(db_integer(rows, i, 5), text);
		printf(", next batch in %s", text);
	}
	if (db_integer(rows, i, 0) == 0)
		printf(", %s batches since the last retrain%s", db_text(rows, i, 6).p,
		       db_bool(rows, i, 7) ? ", which is due" : "");
	putchar('\n');
}

static int print_partitions(struct db *db, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *rows = NULL;
	int r = db_query(db, partitions_sql, NULL, 0, &rows, err);

	for (size_t i = 0; r == 0 && i < db_rows(rows); i++)
		print_partition(rows, i);
	return r;
}

static int print_runs(struct db *db, const char *count, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *rows = NULL;
	const struct db_param param = DB_TEXT(count);
	int r = db_query(db, runs_sql, &param, 1, &rows, err);

	if (r < 0)
		return r;
	printf("\n%-36s %-8s %-10s %-12s %-19s %8s %10s %8s %s\n", "JOB", "KIND", "STATUS", "HOST",
	       "STARTED (UTC)", "SECONDS", "SCORED", "FAILED", "MESSAGE");
	for (size_t i = 0; i < db_rows(rows); i++)
		printf("%-36s %-8s %-10s %-12s %-19s %8s %10s %8s %s\n", db_text(rows, i, 0).p,
		       db_text(rows, i, 1).p, db_text(rows, i, 2).p, db_text(rows, i, 3).p,
		       db_text(rows, i, 4).p, db_text(rows, i, 5).p, db_text(rows, i, 6).p,
		       db_text(rows, i, 7).p, db_text(rows, i, 8).p);
	return 0;
}

static int print_document(struct db *db, const char *sql, const char *parameter, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *row = NULL;
	const struct db_param param = DB_TEXT(parameter);
	int r = db_query_row(db, sql, &param, 1, &row, err);

	if (r == 0)
		puts(db_text(row, 0, 0).p);
	return r;
}

int command_jobs(int argc, char **argv)
{
	CLEANUP(db_close_p) struct db *db = NULL;
	const char *url = NULL, *config = NULL;
	unsigned long long count = DEFAULT_COUNT;
	bool json = false;
	const struct option_row rows[] = {
		{ .name = "database",
		  .argument = "URL",
		  .text = &url,
		  .help = "this database (database.url of the settings)" },
		{ .name = "config", .argument = "FILE", .text = &config, .help = "settings file" },
		{ .name = "count",
		  .argument = "N",
		  .number = &count,
		  .help = "the newest N runs (20)" },
		{ .name = "json", .flag = &json, .help = "as one JSON document" },
	};
	const struct option_command c = { "fraudctl jobs",
		                          "[--count N] [--json]",
		                          "Who schedules, what comes next, what ran.",
		                          rows,
		                          sizeof(rows) / sizeof(rows[0]),
		                          0,
		                          0 };
	struct errbuf err;
	char limit[24];
	int r = option_parse(&c, argc, argv);

	if (r < 0)
		return command_usage(r);
	snprintf(limit, sizeof(limit), "%llu", count < 100000 ? count : 100000);
	r = command_open_database(url, config, &db, &err);
	if (r == 0 && json)
		r = print_document(db, job_list_sql, limit, &err);
	if (r == 0 && !json)
		r = print_hosts(db, &err);
	if (r == 0 && !json)
		r = print_partitions(db, &err);
	if (r == 0 && !json)
		r = print_runs(db, limit, &err);
	return r < 0 ? command_failed("jobs", &err) : EXIT_DONE;
}

/* --- job run --- */

/* Only if somebody leads: a row that nobody takes would wait for nothing. */
static const char ask_sql[] =
        "with leader as (select s.host from scheduler_state s join scheduler_leads l"
        " using (partition) where s.partition = 0),"
        " wish as (insert into job_runs (kind, status, host, pid)"
        " select $1, 'queued', $2, $3::integer from leader returning id)"
        " select wish.id, leader.host, pg_notify('fraudd_jobs', $1) from wish, leader";

static const char look_sql[] =
        "select finished_at is not null, status, host, coalesce(scored, 0), coalesce(failed, 0),"
        " coalesce(message, '') from job_runs where id = $1::uuid";

static int ask(struct db *db, const char *kind, const struct settings *settings, char ret_id[37],
               struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *row = NULL;
	char host[SETTINGS_HOST_SIZE], pid[16];
	const struct db_param params[] = { DB_TEXT(kind), DB_TEXT(host), DB_TEXT(pid) };
	int r;

	settings_host(settings, host);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	r = db_query_row(db, ask_sql, params, 3, &row, err);
	if (r == -ENODATA)
		return errbuf_set(err, r,
		                  "no scheduler leads: no suite with the service \"scheduler\" "
		                  "uses this database now");
	if (r < 0)
		return r;
	snprintf(ret_id, 37, "%s", db_text(row, 0, 0).p);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s %s goes to host %s; Ctrl-C leaves it running\n", kind, ret_id,
		        db_text(row, 0, 1).p);
	return 0;
}

/* 1: not yet. */
static int look(struct db *db, const char *id, struct pg_result **ret, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *row = NULL;
	const struct db_param param = DB_TEXT(id);
	int r = db_query_row(db, look_sql, &param, 1, &row, err);

	if (r == -ENODATA)
		return errbuf_set(err, r, "the job's row %s is gone", id);
	if (r < 0)
		return r;
	if (!db_bool(row, 0, 0))
		return 1;
	*ret = take_ptr(&row);
	return 0;
}

static int tell(const char *kind, const struct pg_result *row)
{
	const char *message = db_text(row, 0, 5).p;
	bool good =
	        str_is(db_text(row, 0, 1), "succeeded") || str_is(db_text(row, 0, 1), "skipped");

	if (good)
		printf("%s %s on host %s: %s scored, %s failed%s%s\n", kind, db_text(row, 0, 1).p,
		       db_text(row, 0, 2).p, db_text(row, 0, 3).p, db_text(row, 0, 4).p,
		       *message ? "; " : "", message);
	else
		fprintf(stderr, "fraudctl job: %s %s on host %s%s%s\n", kind, db_text(row, 0, 1).p,
		        db_text(row, 0, 2).p, *message ? ": " : "", message);
	return good ? EXIT_DONE : EXIT_FAILED;
}

static int wait_for(struct db *db, const char *kind, const char *id, bool json, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *row = NULL;
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	int r, status;

	while ((r = look(db, id, &row, err)) > 0)
		nanosleep(&pause, NULL);
	if (r < 0)
		return r;
	if (!json)
		return tell(kind, row);
	status = str_is(db_text(row, 0, 1), "succeeded") || str_is(db_text(row, 0, 1), "skipped")
	                 ? EXIT_DONE
	                 : EXIT_FAILED;
	r = print_document(db, job_list_one_sql, id, err);
	return r < 0 ? r : status;
}

static int run(const char *kind, const char *config, bool json, bool no_wait, struct errbuf *err)
{
	CLEANUP(command_settings_free_p) struct settings *settings = NULL;
	CLEANUP(db_close_p) struct db *db = NULL;
	char id[37];
	int r = command_settings(config, &settings);

	if (r < 0)
		return errbuf_set(err, r, "the settings cannot be used");
	r = command_open_database(NULL, config, &db, err);
	if (r == 0)
		r = ask(db, kind, settings, id, err);
	if (r < 0 || !no_wait)
		return r < 0 ? r : wait_for(db, kind, id, json, err);
	r = json ? print_document(db, job_list_one_sql, id, err) : 0;
	if (!json)
		puts(id);
	return r;
}

int command_job(int argc, char **argv)
{
	const char *config = NULL;
	bool json = false, no_wait = false;
	const struct option_row rows[] = {
		{ .name = "config", .argument = "FILE", .text = &config, .help = "settings file" },
		{ .name = "no-wait",
		  .flag = &no_wait,
		  .help = "do not wait for its end; print the id of its row" },
		{ .name = "json", .flag = &json, .help = "print the job's row as JSON" },
	};
	const struct option_command c = {
		"fraudctl job",
		"[--no-wait] [--json] run batch|retrain",
		"Has the scheduler that leads start a batch or a retrain now, or at once "
		"after the one that runs, and waits for its end. Exit status 1 if it failed.",
		rows,
		sizeof(rows) / sizeof(rows[0]),
		2,
		2
	};
	struct errbuf err;
	int first = option_parse(&c, argc, argv), r;

	if (first < 0)
		return command_usage(first);
	if (strcmp(argv[first], "run") != 0 ||
	    (strcmp(argv[first + 1], "batch") != 0 && strcmp(argv[first + 1], "retrain") != 0)) {
		fputs("fraudctl job: \"run batch\" or \"run retrain\" is wanted\n", stderr);
		return EXIT_USAGE;
	}
	r = run(argv[first + 1], config, json, no_wait, &err);
	return r < 0 ? command_failed("job", &err) : r;
}
