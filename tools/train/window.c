/*
 * Finds out which window is wanted, binds it into the operator's query and opens the database with
 * one snapshot for both passes. A label counts only if it was known before the window's end: the
 * query says so, not this file.
 */
#include "window.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "command.h"
#include "db/db.h"
#include "db/query.h"
#include "features/row.h"

#define MAX_SQL ((size_t)1024 * 1024)
#define DEFAULT_QUERY "sql/queries/training_window.sql"

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

/* Times in the program's zone, which is the session's: text without a zone says the same to both.
 */
static int parse_until(const struct window_options *o, int64_t *ret, struct errbuf *err)
{
	struct program_input in = { .type = INPUT_DATETIME, .zone_seconds = o->zone_seconds };
	struct field_fault fault;
	struct cell cell;

	if (!o->until) {
		*ret = clock_real_us() + (int64_t)o->zone_seconds * 1000000;
		return 0;
	}
	if (cell_from_text(&in, str_of(o->until), &cell, &fault) < 0 || !cell.present)
		return errbuf_set(err, -EINVAL, "--until \"%s\" is no time", o->until);
	*ret = cell.v.time_us;
	return 0;
}

static void print_local(int64_t us, char ret[21])
{
	civil_print_utc(us, ret);
	ret[19] = '\0'; /* without the Z */
}

static int bind(struct window *w, const struct window_options *o, const struct settings *s,
                struct str sql, struct errbuf *err)
{
	char from[21], until[21];
	struct query_variable variables[] = {
		{ "from", o->from ? o->from : from },
		{ "until", o->until ? o->until : until },
	};
	int64_t end;
	int r = parse_until(o, &end, err);

	if (r < 0)
		return r;
	print_local(end, until);
	print_local(window_months_before(end, s->retrain.window_months), from);
	return query_bind(sql, variables, 2, &w->sql, err);
}

static int read_query(struct window *w, const struct window_options *o, const struct settings *s,
                      struct errbuf *err)
{
	CLEANUP(free_p) char *text = NULL;
	const char *path = o->query;
	char found[PATH_MAX];
	size_t n;
	int r = 0;

	if (!path) {
		r = command_find_file(DEFAULT_QUERY, found, sizeof(found), err);
		path = found;
	}
	if (r < 0)
		return r;
	r = file_read(AT_FDCWD, path, MAX_SQL, &text, &n);
	if (r < 0)
		return errbuf_set(err, r, "could not read \"%s\": %s", path, strerror(-r));
	r = bind(w, o, s, (struct str){ text, n }, err);
	return r < 0 ? errbuf_prefix(err, r, "%s", path) : 0;
}

int window_open(struct window *w, const struct window_options *o, const struct settings *s,
                bool quiet, struct row_source *ret, struct errbuf *err)
{
	char zone[24];
	struct db_options database = {
		.url = s->database.url,
		.application = "fraud-train",
		.timezone = zone,
		.connect_timeout_ms = s->database.connect_timeout_ms,
	};
	int r = read_query(w, o, s, err);

	window_print_zone(o->zone_seconds, zone);
	if (r == 0)
		r = db_open(&database, &w->db, err);
	if (r == 0)
		r = database_snapshot_begin(w->db, err);
	if (r < 0)
		return r;
	w->source = (struct database_source){ .db = w->db, .query = w->sql.p, .quiet = quiet };
	*ret = database_source(&w->source);
	return 0;
}

void window_close(struct window *w)
{
	db_close(w->db);
	strbuf_done(&w->sql);
	*w = (struct window){ 0 };
}
