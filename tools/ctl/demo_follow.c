/*
 * Rows of a generated year, of which only the second half is shown, so that its customers have a
 * past; each is moved to the present with all its dates, so that an account that was three days old
 * still is. When the year is over, another one begins. A second's rows are one transaction.
 *
 * Their numbers are drawn from the table's sequence, because the labels need them. Labels become
 * known later as the generator drew it, but what takes days there takes seconds here, so that who
 * watches sees retrains that learn from these rows.
 *
 * Called by demo_command.c.
 */
#include "demo_follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/civil.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/progress.h"
#include "demo_calendar.h"
#include "demo_columns.h"
#include "demo_database.h"

#define YEAR_ROWS UINT64_C(20000)
#define SECOND_NS UINT64_C(1000000000)

struct trickle {
	const struct demo_follow *options;
	struct demo *demo;
	uint64_t seed; /* of the next year */
	struct demo_row second[DEMO_MAX_RATE];
};

void demo_follow_move(struct demo_row *row, int64_t us)
{
	int32_t days = demo_day(us) - demo_day(row->create_us);

	row->known_us = us + (row->known_us - row->create_us) / DEMO_FOLLOW_HASTE;
	row->create_us = us;
	for (size_t i = 0; i < demo_column_count; i++) {
		int32_t *date = (int32_t *)((char *)row + demo_columns[i].offset);

		if (demo_columns[i].type == DEMO_DATE && *date != DEMO_NO_DATE &&
		    *date != DEMO_YEAR_9999)
			*date += days;
	}
}

static int begin_year(struct trickle *t)
{
	const struct demo_options o = {
		.rows = YEAR_ROWS,
		.seed = t->seed++,
		.until_us = clock_real_us() / CIVIL_DAY_US * CIVIL_DAY_US,
	};
	struct demo_row row;
	int r = demo_new(&o, &t->demo);

	for (uint64_t i = 0; r == 0 && i < YEAR_ROWS / 2; i++) {
		r = demo_next(t->demo, &row);
		r = r < 0 ? r : 0;
	}
	return r;
}

static int next_row(struct trickle *t, struct demo_row *ret)
{
	int r = t->demo ? demo_next(t->demo, ret) : 0;

	if (r != 0)
		return r;
	demo_free(t->demo);
	t->demo = NULL;
	r = begin_year(t);
	return r < 0 ? r : demo_next(t->demo, ret);
}

static int number_rows(struct trickle *t, struct db *db, unsigned count, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *numbers = NULL;
	char text[16];
	const struct db_param param = DB_TEXT(text);
	int r;

	snprintf(text, sizeof(text), "%u", count);
	r = db_query(db,
	             "select nextval(pg_get_serial_sequence('transactions', 'transaction_seq'))"
	             " from generate_series(1, $1::integer)",
	             &param, 1, &numbers, err);
	for (unsigned i = 0; r == 0 && i < count; i++)
		t->second[i].transaction_seq = db_integer(numbers, i, 0);
	return r;
}

static int write_rows(struct trickle *t, struct db *db, unsigned count, struct errbuf *err)
{
	struct demo_database *out;
	int r = demo_database_append(db, &out, err);

	for (unsigned i = 0; r == 0 && i < count; i++) {
		r = demo_database_write(out, &t->second[i], err);
		if (r < 0)
			demo_database_abort(out);
	}
	return r < 0 ? r : demo_database_finish(out, err);
}

static int add_second(struct trickle *t, struct db *db, unsigned count, struct errbuf *err)
{
	int64_t now = clock_real_us() / 1000000 * 1000000;
	int r = 1;

	for (unsigned i = 0; r > 0 && i < count; i++) {
		r = next_row(t, &t->second[i]);
		if (r > 0)
			demo_follow_move(&t->second[i], now);
	}
	if (r < 0)
		return errbuf_set(err, r, "could not make rows: %s", strerror(-r));
	r = number_rows(t, db, count, err);
	return r < 0 ? r : write_rows(t, db, count, err);
}

/* Until then, or until a signal comes. */
static void wait_until(uint64_t ns)
{
	uint64_t now = clock_mono_ns();
	struct timespec pause;

	if (now >= ns)
		return;
	pause.tv_sec = (time_t)((ns - now) / SECOND_NS);
	pause.tv_nsec = (long)((ns - now) % SECOND_NS);
	nanosleep(&pause, NULL);
}

static int run(struct trickle *t, struct db *db,
               void (*on_row)(void *self, const struct demo_row *row), void *self,
               struct errbuf *err)
{
	const struct demo_follow *f = t->options;
	struct progress progress;
	uint64_t done = 0, due = clock_mono_ns();
	int r = 0;

	progress_start(&progress, "demo rows", "rows", f->rows, f->quiet);
	while (r == 0 && done < f->rows && !*f->stop) {
		uint64_t left = f->rows - done;
		unsigned count = left < f->rate ? (unsigned)left : f->rate;

		r = add_second(t, db, count, err);
		for (unsigned i = 0; r == 0 && i < count; i++)
			on_row(self, &t->second[i]);
		done += r == 0 ? count : 0;
		progress_at(&progress, done);
		due += SECOND_NS;
		if (done < f->rows)
			wait_until(due);
	}
	progress_end(&progress, done);
	return r;
}

int demo_follow(struct db *db, const struct demo_follow *f,
                void (*on_row)(void *self, const struct demo_row *row), void *self,
                struct errbuf *err)
{
	struct trickle *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return errbuf_set(err, -ENOMEM, "out of memory");
	t->options = f;
	t->seed = f->seed;
	r = run(t, db, on_row, self, err);
	demo_free(t->demo);
	free(t);
	return r;
}
