/*
 * Rows go by COPY BINARY as they are made. Only one COPY runs in a session, so labels (one row in a
 * hundred) wait in memory and follow in a second COPY; one transaction holds both, so a failure
 * leaves the tables as they were. A label carries the time it becomes known, which for the newest
 * rows lies after the end of the data: who trains up to that end must not see it yet.
 *
 * Called by demo_command.c.
 */
#include "demo_database.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "db/copy.h"
#include "demo_columns.h"

struct label {
	int64_t transaction_seq, known_us;
	bool fraud;
};

struct demo_database {
	struct db *db;
	struct db_writer *writer;
	struct label *labels;
	size_t label_count, label_room;
	bool appends;
};

static int check_empty(struct db *db, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *found = NULL;
	int r = db_query_row(db, "select exists (select 1 from transactions)", NULL, 0, &found,
	                     err);

	if (r == 0 && db_bool(found, 0, 0))
		return errbuf_set(
		        err, -EEXIST,
		        "table \"transactions\" has rows already; the demo needs an empty one");
	return r;
}

static int open_writer(struct demo_database *d, struct errbuf *err)
{
	struct strbuf target = { 0 };
	size_t i;
	int r;

	strbuf_adds(&target, "transactions (");
	for (i = 0; i < demo_column_count; i++)
		strbuf_addf(&target, "%s%s", i ? ", " : "", demo_columns[i].name);
	strbuf_addc(&target, ')');
	r = strbuf_error(&target);
	if (r == 0)
		r = db_writer_open(d->db, target.p, (unsigned)demo_column_count, &d->writer, err);
	else
		errbuf_set(err, r, "out of memory");
	strbuf_done(&target);
	return r;
}

int demo_database_append(struct db *db, struct demo_database **ret, struct errbuf *err)
{
	struct demo_database *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return errbuf_set(err, -ENOMEM, "out of memory");
	d->db = db;
	d->appends = true;
	r = db_begin(db, err);
	if (r == 0)
		r = open_writer(d, err);
	if (r < 0) {
		demo_database_abort(d);
		return r;
	}
	*ret = d;
	return 0;
}

int demo_database_open(struct db *db, struct demo_database **ret, struct errbuf *err)
{
	int r = check_empty(db, err);

	if (r == 0)
		r = demo_database_append(db, ret, err);
	if (r == 0)
		(*ret)->appends = false;
	return r;
}

static void write_text(struct db_writer *w, const char *text)
{
	if (text && *text)
		db_write_text(w, str_of(text));
	else
		db_write_null(w);
}

static void write_value(struct db_writer *w, enum demo_column_type type, const void *value)
{
	switch (type) {
	case DEMO_INT8:
		db_write_int8(w, *(const int64_t *)value);
		break;
	case DEMO_INT4:
		db_write_int4(w, *(const int32_t *)value);
		break;
	case DEMO_TIME:
		db_write_timestamp(w, *(const int64_t *)value);
		break;
	case DEMO_DATE:
		if (*(const int32_t *)value == DEMO_NO_DATE)
			db_write_null(w);
		else
			db_write_date(w, *(const int32_t *)value);
		break;
	case DEMO_TEXT:
		write_text(w, *(const char *const *)value);
		break;
	case DEMO_NAME:
		write_text(w, value);
		break;
	}
}

static int keep_label(struct demo_database *d, const struct demo_row *row)
{
	struct label *grown;
	size_t room;

	if (d->label_count == d->label_room) {
		room = d->label_room ? d->label_room * 2 : 1024;
		grown = realloc(d->labels, room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		d->labels = grown;
		d->label_room = room;
	}
	d->labels[d->label_count++] =
	        (struct label){ row->transaction_seq, row->known_us, row->fraud };
	return 0;
}

int demo_database_write(struct demo_database *d, const struct demo_row *row, struct errbuf *err)
{
	size_t i;

	db_write_row(d->writer);
	for (i = 0; i < demo_column_count; i++)
		write_value(d->writer, demo_columns[i].type,
		            (const char *)row + demo_columns[i].offset);
	if (row->labelled && keep_label(d, row) < 0)
		return errbuf_set(err, -ENOMEM, "out of memory");
	if (db_writer_error(d->writer) < 0)
		return db_writer_finish(take_ptr(&d->writer), NULL, err);
	return 0;
}

static int write_labels(struct demo_database *d, struct errbuf *err)
{
	struct db_writer *w;
	size_t i;
	int r = db_writer_open(d->db, "fraud_labels (transaction_seq, is_fraud, known_at, source)",
	                       4, &w, err);

	if (r < 0)
		return r;
	for (i = 0; i < d->label_count; i++) {
		db_write_row(w);
		db_write_int8(w, d->labels[i].transaction_seq);
		db_write_bool(w, d->labels[i].fraud);
		db_write_timestamp(w, d->labels[i].known_us);
		db_write_text(w, d->labels[i].fraud ? STR("customer report") : STR("review"));
	}
	return db_writer_finish(w, NULL, err);
}

/* New rows get the numbers after these. */
static const char settle_sql[] =
        "select setval(pg_get_serial_sequence('transactions', 'transaction_seq'),"
        " max(transaction_seq)) from transactions; analyze transactions; analyze fraud_labels";

int demo_database_finish(struct demo_database *d, struct errbuf *err)
{
	int r = db_writer_finish(take_ptr(&d->writer), NULL, err);

	if (r == 0 && d->label_count)
		r = write_labels(d, err);
	if (r == 0 && !d->appends)
		r = db_exec(d->db, settle_sql, err);
	if (r == 0)
		r = db_commit(d->db, err);
	demo_database_abort(d);
	return r;
}

void demo_database_abort(struct demo_database *d)
{
	if (!d)
		return;
	db_writer_abort(d->writer);
	db_rollback(d->db);
	free(d->labels);
	free(d);
}
