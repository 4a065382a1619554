/* The training window of the database: [from, until) by an operator's SQL file. */
#ifndef TRAIN_WINDOW_H
#define TRAIN_WINDOW_H

#include "base/errbuf.h"
#include "base/strbuf.h"
#include "config/settings.h"
#include "selection.h"
#include "source.h"

#define WINDOW_TIME 64
#define WINDOW_WORDS 128

struct declaration;

struct window_options {
	/* NULL: the default. Labels count that were known before `until`; the rows end
	 * retrain.label_delay_seconds earlier. */
	const char *from, *until;
	const char *query;      /* path of the SQL file; NULL: retrain.source, else the suite's */
	const char *fraud_seqs; /* path of a list of frauds; NULL: retrain.fraud_seqs, else none */
	bool quiet;
	const struct watch *watch; /* or NULL */
};

struct window {
	/* in the program's zone; rows are in [from, until) */
	char from[WINDOW_TIME], until[WINDOW_TIME], labels_until[WINDOW_TIME];
	int64_t labels_until_us; /* in it, too */
	uint32_t delay_seconds;
	struct db *db;
	struct strbuf sql;
	struct database_source database;
	struct selection selection;
};

/*
 * Opens a session with one snapshot; rows as retrain.sample_non_fraud and the list of frauds say.
 * The session is in the time zone of the program. What was opened, also when it fails, is what
 * window_close() closes.
 */
int window_open(struct window *w, const struct window_options *o, const struct declaration *d,
                const struct settings *s, struct row_source *ret, struct errbuf *err);
/* After a reading: says how many known frauds the window does not have. */
void window_tell_unmet(const struct window *w);
/* NULL-safe, twice-safe. */
void window_close(struct window *w);

/* The first part of window_open(): fills in the times. Pure where `until` is given. */
int window_choose_times(struct window *w, const struct window_options *o, int32_t zone_seconds,
                        const struct settings *s, struct errbuf *err);
/* For a message about a window that has too little: why its newest rows are not in it. Empty
 * without a delay. */
void window_print_delay(const struct window *w, char ret[WINDOW_WORDS]);

/* A fixed offset as a POSIX zone, which counts westward: 32400 is "<+09:00>-09:00". */
void window_print_zone(int32_t seconds_east, char ret[24]);

/* `months` calendar months before t, the day cut to the month's length. */
int64_t window_months_before(int64_t us, unsigned months);

#endif
