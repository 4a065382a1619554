/*
 * Finds out which window is wanted, binds it into the operator's query and opens the database with
 * one snapshot for both passes. A label counts only if it was known before a certain time: the
 * query says so, not this file; a list of frauds may say it by its column known_at. Rows end
 * earlier than that, because what is younger than a fraud needs to be found out would count as no
 * fraud.
 *
 * Called by stages.c and fetch_command.c.
 */
#include "window.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "db/db.h"
#include "db/embedded.h"
#include "db/query.h"
#include "features/declare.h"
#include "features/row.h"

#define MAX_SQL ((size_t)1024 * 1024)
#define BUILT_IN "training_window"

int64_t window_months_before(int64_t us, unsigned months)
{
	struct civil c = civil_of_us(us);
	int64_t month = (int64_t)c.year * 12 + c.month - 1 - months;

	c.year = (int32_t)(month / 12);
	c.month = (uint8_t)(month % 12 + 1);
	while (c.day > 28 && !civil_is_date(c.year, c.month, c.day))
		c.day--;
	return civil_to_us(&c);
}

void window_print_zone(int32_t seconds_east, char ret[24])
{
	unsigned minutes = (unsigned)abs(seconds_east) / 60 % 1440;

	snprintf(ret, 24, "<%c%02u:%02u>%c%02u:%02u", seconds_east < 0 ? '-' : '+', minutes / 60,
	         minutes % 60, seconds_east < 0 ? '+' : '-', minutes / 60, minutes % 60);
}

/* --- from when to when --- */

/* Times in the program's zone, which is the session's: text without a zone says the same to both.
 */
static int parse_time(const char *option, const char *text, int32_t zone_seconds, int64_t *ret,
                      struct errbuf *err)
{
	struct program_input in = { .type = INPUT_DATETIME, .zone_seconds = zone_seconds };
	struct field_fault fault;
	struct cell cell;

	if (cell_from_text(&in, str_of(text), &cell, &fault) < 0 || !cell.present)
		return errbuf_set(err, -EINVAL, "%s \"%s\" is no time", option, text);
	*ret = cell.v.time_us;
	return 0;
}

static void print_local(int64_t us, char ret[WINDOW_TIME])
{
	struct civil c = civil_of_us(us);

	snprintf(ret, WINDOW_TIME, "%04d-%02u-%02uT%02u:%02u:%02u.%06u", c.year, c.month, c.day,
	         c.hour, c.minute, c.second, c.microsecond);
}

void window_print_delay(const struct window *w, char ret[WINDOW_WORDS])
{
	*ret = '\0';
	if (w->delay_seconds)
		snprintf(ret, WINDOW_WORDS,
		         "; rows end %" PRIu32 " s (retrain.label_delay_seconds) before %s",
		         w->delay_seconds, w->labels_until);
}

static int refuse_order(const struct window *w, struct errbuf *err)
{
	char delay[WINDOW_WORDS];

	window_print_delay(w, delay);
	return errbuf_set(err, -EINVAL, "the window ends before it begins%s", delay);
}

int window_choose_times(struct window *w, const struct window_options *o, int32_t zone_seconds,
                        const struct settings *s, struct errbuf *err)
{
	int64_t from, until, labels_until = clock_real_us() + (int64_t)zone_seconds * 1000000;
	int r = 0;

	if (o->until)
		r = parse_time("--until", o->until, zone_seconds, &labels_until, err);
	w->delay_seconds = s->retrain.label_delay_seconds;
	until = labels_until - (int64_t)w->delay_seconds * 1000000;
	from = window_months_before(until, s->retrain.window_months);
	if (r == 0 && o->from)
		r = parse_time("--from", o->from, zone_seconds, &from, err);
	if (r < 0)
		return r;
	w->labels_until_us = labels_until;
	print_local(labels_until, w->labels_until);
	if (from >= until)
		return refuse_order(w, err);
	print_local(from, w->from);
	print_local(until, w->until);
	return 0;
}

/* --- the query --- */

static int bind(struct window *w, struct str sql, const char *name, struct errbuf *err)
{
	const struct query_variable variables[] = { { "from", w->from },
		                                    { "until", w->until },
		                                    { "labels_until", w->labels_until } };
	int r = query_bind(sql, variables, sizeof(variables) / sizeof(variables[0]), &w->sql, err);

	return r < 0 ? errbuf_prefix(err, r, "%s", name) : 0;
}

static int bind_file(struct window *w, const char *path, struct errbuf *err)
{
	CLEANUP(free_p) char *text = NULL;
	size_t n;
	int r = file_read(AT_FDCWD, path, MAX_SQL, &text, &n);

	if (r < 0)
		return errbuf_set(err, r, "could not read \"%s\": %s", path, strerror(-r));
	return bind(w, (struct str){ text, n }, path, err);
}

static int bind_query(struct window *w, const char *wanted, const struct settings *s,
                      struct errbuf *err)
{
	const char *path = wanted ? wanted : s->retrain.source;
	const struct embedded_file *built_in = embedded_query(BUILT_IN);

	if (*path)
		return bind_file(w, path, err);
	if (!built_in)
		return errbuf_set(err, -ENOENT, "there is no built-in query \"" BUILT_IN "\"");
	return bind(w, built_in->text, built_in->name, err);
}

/* --- labels --- */

static int open_labels(struct window *w, const char *wanted, const struct declaration *d,
                       const struct settings *s, struct errbuf *err)
{
	struct label_file file = { .path = wanted ? wanted : s->retrain.fraud_seqs,
		                   .until_us = w->labels_until_us,
		                   .zone_seconds = d->zone_seconds };
	char key[PROGRAM_MAX_NAME + 1] = "";

	w->selection.share = s->retrain.sample_non_fraud;
	/* What became known later may well be of rows behind the window's end. */
	if (!*file.path)
		return label_set_load(w->db, w->from, w->until, &w->selection.labels, err);
	if (d->key >= 0)
		snprintf(key, sizeof(key), "%.*s", STR_ARGS(d->inputs[d->key].name));
	file.key = key;
	w->selection.labels_decide = true;
	return label_set_read(&file, &w->selection.labels, err);
}

void window_tell_unmet(const struct window *w)
{
	const struct selection *s = &w->selection;
	int64_t first = 0;
	size_t unmet = s->labels ? label_set_unmet(s->labels, &first) : 0;

	if (unmet)
		log_info("%zu of %zu known frauds are of transactions that the window does not "
		         "have, %lld for one",
		         unmet, label_set_count(s->labels), (long long)first);
}

/* --- the whole --- */

static int open_database(struct window *w, const struct settings *s, int32_t zone_seconds,
                         struct errbuf *err)
{
	char zone[24];
	const struct db_options o = {
		.url = s->database.url,
		.application = "fraud-train",
		.timezone = zone,
		.connect_timeout_ms = s->database.connect_timeout_ms,
	};
	int r;

	window_print_zone(zone_seconds, zone);
	r = db_open(&o, &w->db, err);
	return r < 0 ? r : database_snapshot_begin(w->db, err);
}

int window_open(struct window *w, const struct window_options *o, const struct declaration *d,
                const struct settings *s, struct row_source *ret, struct errbuf *err)
{
	int r = window_choose_times(w, o, d->zone_seconds, s, err);

	if (r == 0)
		r = bind_query(w, o->query, s, err);
	if (r == 0)
		r = open_database(w, s, d->zone_seconds, err);
	if (r == 0)
		r = open_labels(w, o->fraud_seqs, d, s, err);
	if (r < 0)
		return r;
	w->database = (struct database_source){
		.db = w->db, .query = w->sql.p, .quiet = o->quiet, .watch = o->watch
	};
	w->selection.from = database_source(&w->database);
	*ret = selection_source(&w->selection);
	return 0;
}

void window_close(struct window *w)
{
	db_close(w->db);
	strbuf_done(&w->sql);
	label_set_free(w->selection.labels);
	*w = (struct window){ 0 };
}
