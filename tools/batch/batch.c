/*
 * What is due for a partition, in order: the window that a killed batch left open, or the pass over
 * everything where the cursor means nothing here; then one window of what has come since. A batch
 * is thus all that was committed when it began, and ends.
 *
 * Two ways do without the cursor and compare with fraud_scores instead: a source without
 * ingested_xid, and a time that a person names.
 *
 * Called by main.c.
 */
#include "batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/migrate.h"
#include "feed.h"

#define TOP_K 3 /* as /score's default */
#define ZONE_TEXT 24
#define TIME_TEXT 40

struct batch {
	const struct batch_options *options;
	const struct settings *settings;
	const struct intake *in;
	struct batch_result *result;
	struct arena arena;
	struct source source;
	struct scorer scorer;
	struct db *reading, *writing;
	struct progress progress;
	struct feed feed;
	char host[SETTINGS_HOST_SIZE];
	char since[TIME_TEXT], until[TIME_TEXT];
	/* Of the partition at hand. */
	struct tally tally;
	struct cursor cursor;
	struct job_run run;
	struct store store;
};

/* --- start --- */

/* POSIX's sign is the other way round. */
static void print_zone(int32_t seconds_east, char ret[ZONE_TEXT])
{
	unsigned minutes = (unsigned)abs(seconds_east) / 60 % 1440;

	snprintf(ret, ZONE_TEXT, "<%c%02u:%02u>%c%02u:%02u", seconds_east < 0 ? '-' : '+',
	         minutes / 60, minutes % 60, seconds_east < 0 ? '+' : '-', minutes / 60,
	         minutes % 60);
}

static int open_session(const struct batch *b, struct db **ret, struct errbuf *err)
{
	char zone[ZONE_TEXT];
	const struct db_options o = {
		.url = b->settings->database.url,
		.application = "fraud-batch",
		.timezone = zone,
		.connect_timeout_ms = b->settings->database.connect_timeout_ms,
	};

	print_zone(program_zone_seconds(&b->in->model.program), zone);
	return db_open(&o, ret, err);
}

/* A database that does not know what its texts are would check them on the way to a client that
 * speaks UTF-8, and one bad text would end the copy: here it is that row's fault alone. */
static int take_texts_as_they_are(struct db *db, struct errbuf *err)
{
	return db_query(db,
	                "select set_config('client_encoding', 'SQL_ASCII', false)"
	                " where current_setting('server_encoding') = 'SQL_ASCII'",
	                NULL, 0, NULL, err);
}

static int check_tables(const struct batch *b, struct errbuf *err)
{
	const struct migrate_options o = {
		.files = embedded_migrations,
		.count = embedded_migration_count,
	};
	int r = migrate_pending(b->writing, &o, err);

	if (r <= 0)
		return r;
	return errbuf_set(err, -EBADMSG,
	                  "%d migrations are not applied to the database: run fraudctl migrate", r);
}

static enum decision explain_from(const char *name)
{
	int i = 0;

	while (i < DECISION_MAX && strcmp(name, decision_names[i]) != 0)
		i++;
	return (enum decision)i; /* NONE: DECISION_MAX */
}

/* A time as the program reads it, in its zone; text for SQL. */
static int read_time(const struct batch *b, const char *option, const char *text, char *ret,
                     struct errbuf *err)
{
	struct program_input in = {
		.type = INPUT_DATETIME,
		.zone_seconds = program_zone_seconds(&b->in->model.program),
	};
	struct field_fault fault;
	struct cell cell;
	struct civil c;

	if (!text)
		return 0;
	if (cell_from_text(&in, str_of(text), &cell, &fault) < 0 || !cell.present)
		return errbuf_set(err, -EDOM, "--%s \"%s\" is no time", option, text);
	c = civil_of_us(cell.v.time_us);
	snprintf(ret, TIME_TEXT, "%04d-%02u-%02u %02u:%02u:%02u.%06u", c.year, c.month, c.day,
	         c.hour, c.minute, c.second, c.microsecond);
	return 0;
}

static int read_times(struct batch *b, struct errbuf *err)
{
	int r = read_time(b, "since", b->options->since, b->since, err);

	return r < 0 ? r : read_time(b, "until", b->options->until, b->until, err);
}

static int start(struct batch *b, struct errbuf *err)
{
	const struct score_options o = { explain_from(b->settings->batch.explain), TOP_K };
	const struct score_model *m = &b->in->model;
	int r = read_times(b, err);

	settings_host(b->settings, b->host);
	if (r == 0)
		r = source_read(&b->source, b->settings->batch.source, err);
	if (r == 0)
		r = open_session(b, &b->writing, err);
	if (r == 0)
		r = open_session(b, &b->reading, err);
	if (r == 0)
		r = take_texts_as_they_are(b->reading, err);
	if (r == 0)
		r = check_tables(b, err);
	if (r == 0)
		r = source_check(&b->source, b->reading, &m->program, m->version, &b->arena, err);
	if (r == 0 && scorer_init(&b->scorer, m, &b->source, &o) < 0)
		r = errbuf_set(err, -ENOMEM, "out of memory");
	return r;
}

/* --- windows --- */

static struct window window_of(const struct batch *b, enum window_kind kind)
{
	const struct cursor *c = &b->cursor;

	return (struct window){
		.kind = kind,
		.done = c->done,
		.upto = c->upto,
		.last_xid = c->last_xid,
		.last_seq = c->last_seq,
		.lookback_days = b->settings->batch.lookback_days,
		.since = b->options->since ? b->since : NULL,
		.until = b->options->until ? b->until : NULL,
		.partition = c->partition,
		.partitions = c->partitions,
		.key = source_key(&b->source),
		.time = source_time(&b->source),
		.model_version = b->in->version,
	};
}

static int feed(struct batch *b, enum window_kind kind, struct errbuf *err)
{
	struct window w = window_of(b, kind);
	int r = feed_window(&b->feed, &w, err);

	/* Without a store nobody else moves the cursor. */
	if (r == 0 && !b->feed.store)
		cursor_ended(&b->cursor);
	return r;
}

static bool is_time_column(const struct source *s)
{
	int time = s->program->time;

	return time >= 0 && (s->types[time] == COLUMN_DATE || s->types[time] == COLUMN_TIMESTAMP ||
	                     s->types[time] == COLUMN_TIMESTAMPTZ);
}

static int compare_scores(struct batch *b, enum window_kind kind, struct errbuf *err)
{
	if (!is_time_column(&b->source))
		return errbuf_set(err, -EBADMSG,
		                  "\"%s\" has neither ingested_xid nor an input of role time as a "
		                  "date or timestamp: what is new cannot be told",
		                  b->source.name);
	b->store.cursor = NULL;
	return feed(b, kind, err);
}

static int pass_over_all(struct batch *b, struct errbuf *err)
{
	int r;

	log_info("partition %u of %u: %s; everything without a score is scored once",
	         b->cursor.partition, b->cursor.partitions,
	         b->cursor.exists ? "the cursor is of another cluster or split"
	                          : "there is no cursor yet");
	r = cursor_begin_pass(&b->cursor, b->writing, err);
	return r < 0 ? r : feed(b, WINDOW_ALL, err);
}

static int follow_cursor(struct batch *b, struct errbuf *err)
{
	struct cursor *c = &b->cursor;
	int r = 0;

	if (c->fresh)
		r = pass_over_all(b, err);
	else if (c->upto)
		r = feed(b, WINDOW_SNAPSHOTS, err);
	if (r == 0)
		r = cursor_open_window(c, b->writing, !b->options->dry_run, err);
	return r < 0 ? r : feed(b, WINDOW_SNAPSHOTS, err);
}

static int score_partition(struct batch *b, struct errbuf *err)
{
	if (b->options->since || b->options->until)
		return compare_scores(b, WINDOW_RANGE, err);
	if (b->source.has_xid)
		return follow_cursor(b, err);
	log_info("the source has no ingested_xid: the last %u days are compared with fraud_scores",
	         b->settings->batch.lookback_days);
	return compare_scores(b, WINDOW_LOOKBACK, err);
}

/* --- one partition --- */

static int hold(struct batch *b, bool *ret_held, struct errbuf *err)
{
	int r;

	*ret_held = true;
	if (b->options->dry_run)
		return 0;
	r = cursor_hold(&b->cursor, b->writing, ret_held, err);
	if (r == 0)
		r = job_run_begin(&b->run, b->writing, *ret_held, err);
	return r;
}

static int leave(struct batch *b, struct errbuf *err)
{
	static const char words[] = "another batch works on this partition";

	log_info("partition %u: %s; left to it", b->cursor.partition, words);
	b->result->busy++;
	return job_run_end(&b->run, b->writing, &b->tally, "skipped", words, err);
}

/* What ended the work is the answer; that it could not be written down is not. */
static int finish(struct batch *b, int r, struct errbuf *err)
{
	struct errbuf words = { "" };

	if (r < 0 && !db_is_alive(b->writing))
		return r;
	if (r == 0)
		return job_run_end(&b->run, b->writing, &b->tally, "succeeded", "", err);
	if (job_run_end(&b->run, b->writing, &b->tally, r == -EINTR ? "cancelled" : "failed",
	                err->text, &words) < 0)
		log_warning(0, "could not note the end of the job: %s", words.text);
	return r;
}

static int work(struct batch *b, struct errbuf *err)
{
	bool held = false;
	int r = hold(b, &held, err);

	if (r < 0)
		return r;
	if (!held)
		return leave(b, err);
	b->store = (struct store){
		.db = b->writing,
		.model = &b->in->model,
		.run = &b->run,
		.cursor = &b->cursor,
		.registry_version = b->in->registry_version,
	};
	b->feed.store = b->options->dry_run ? NULL : &b->store;
	if (b->feed.store)
		r = store_open(&b->store, err);
	if (r == 0)
		r = cursor_load(&b->cursor, b->writing, err);
	if (r == 0)
		r = score_partition(b, err);
	return finish(b, r, err);
}

static int run_partition(struct batch *b, unsigned partition, struct errbuf *err)
{
	const struct batch_options *o = b->options;
	int r;

	b->tally = (struct tally){ 0 };
	b->cursor = (struct cursor){ .partition = partition, .partitions = o->partitions };
	b->run = (struct job_run){
		.partition = partition,
		.partitions = o->partitions,
		.host = b->host,
		.model_version = b->in->version,
		.generation = b->in->generation,
	};
	snprintf(b->run.id, sizeof(b->run.id), "%s", o->job);
	progress_start(&b->progress, "scoring", "rows", 0, o->quiet);
	r = work(b, err);
	progress_end(&b->progress, b->tally.scored + b->tally.failed + b->tally.skipped);
	tally_add(&b->result->tally, &b->tally);
	cursor_done(&b->cursor);
	return r;
}

static void end(struct batch *b)
{
	feed_done(&b->feed);
	scorer_done(&b->scorer);
	source_done(&b->source);
	db_close(b->reading);
	db_close(b->writing);
	arena_done(&b->arena);
}

int batch_run(const struct batch_options *o, const struct intake *in, struct batch_result *ret,
              struct errbuf *err)
{
	struct batch b = { .options = o, .settings = in->settings, .in = in, .result = ret };
	uint64_t begin = clock_mono_ns();
	int r = start(&b, err);

	b.feed = (struct feed){
		.db = b.reading,
		.source = &b.source,
		.scorer = &b.scorer,
		.chunk = { .max_rows = in->settings->batch.chunk_rows },
		.tally = &b.tally,
		.progress = &b.progress,
		.stop = o->stop,
	};
	for (unsigned i = o->first; r == 0 && i < o->end; i++)
		r = run_partition(&b, i, err);
	end(&b);
	ret->taken_ns = clock_mono_ns() - begin;
	return r;
}
