/* The training window of the database: [from, until) by an operator's SQL file. */
#ifndef TRAIN_WINDOW_H
#define TRAIN_WINDOW_H

#include "base/errbuf.h"
#include "base/strbuf.h"
#include "config/settings.h"
#include "source.h"

struct window_options {
	const char *from, *until; /* NULL: the default */
	const char *query;    /* path of the SQL file; NULL: the one that comes with the suite */
	int32_t zone_seconds; /* of the feature program, east of UTC: the session's time zone */
};

struct window {
	struct db *db;
	struct strbuf sql;
	struct database_source source;
};

/* Opens a session with one snapshot. The window is what window_close() closes; NULL-safe. */
int window_open(struct window *w, const struct window_options *o, const struct settings *s,
                bool quiet, struct row_source *ret, struct errbuf *err);
void window_close(struct window *w);

/* A fixed offset as a POSIX zone, which counts westward: 32400 is "<+09:00>-09:00". */
void window_print_zone(int32_t seconds_east, char ret[24]);

/* `months` calendar months before t, the day cut to the month's length. */
int64_t window_months_before(int64_t us, unsigned months);

#endif
