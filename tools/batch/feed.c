/*
 * One COPY reads the window while chunks of it are committed: the server reads ahead as far as the
 * socket holds, nothing is planned anew for every chunk, and memory is one chunk. A statement sees
 * one snapshot all along; lest a large window hold back vacuum for hours, it is read in stretches.
 * A stretch that was shorter than asked for was the last.
 *
 * A chunk is also ended by time, so that the heartbeat and what a kill costs do not depend on how
 * slow the model is.
 *
 * Called by batch.c.
 */
#include "feed.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/copy.h"

#define STRETCH_ROWS 1000000
#define CHUNK_NS UINT64_C(5000000000)
#define PROGRESS_ROWS 64

static const char begin_sql[] = "begin isolation level repeatable read read only";

void feed_done(struct feed *f)
{
	chunk_done(&f->chunk);
}

/* --- writing --- */

static void count_dry(const struct chunk *c, struct tally *t)
{
	t->scored += c->score_count;
	t->failed += c->reject_count;
	t->skipped += c->rows - c->score_count - c->reject_count;
	t->explained += c->reason_count;
	for (size_t i = 0; i < c->score_count; i++)
		t->decisions[c->scores[i].decision]++;
	t->chunks++;
}

static int write_chunk(struct feed *f, struct window *w, bool last, struct errbuf *err)
{
	enum store_move move = w->kind == WINDOW_SNAPSHOTS ? STORE_POSITION : STORE_STAYS;
	uint64_t begin = clock_mono_ns();
	int r = 0;

	if (f->store)
		r = store_write(f->store, &f->chunk, last ? STORE_END : move, f->tally, err);
	else
		count_dry(&f->chunk, f->tally);
	if (r < 0)
		return r;
	if (f->chunk.rows) {
		w->last_xid = f->chunk.last_xid;
		w->last_seq = f->chunk.last_seq;
	}
	chunk_reset(&f->chunk);
	f->chunk_ns = clock_mono_ns();
	f->tally->writing_ns += f->chunk_ns - begin;
	f->tally->scoring_ns += f->scorer->scoring_ns;
	f->scorer->scoring_ns = 0;
	return 0;
}

/* --- reading --- */

static uint64_t seen(const struct feed *f)
{
	return f->tally->scored + f->tally->failed + f->tally->skipped + f->chunk.rows;
}

static int take_row(struct feed *f, const struct window *w, const struct str *fields,
                    struct errbuf *err)
{
	struct str none = { NULL, 0 };
	bool ordered = w->kind == WINDOW_SNAPSHOTS;
	int r = scorer_take(f->scorer, fields,
	                    ordered ? fields[f->source->program->input_count] : none, &f->chunk,
	                    err);

	if (r == 0 && f->chunk.rows % PROGRESS_ROWS == 0)
		progress_at(f->progress, seen(f));
	return r;
}

/* Rows that were read, or negative. */
static int64_t read_rows(struct feed *f, struct window *w, struct db_reader *reader,
                         struct errbuf *err)
{
	const struct str *fields;
	uint64_t begin, end;
	int64_t rows = 0;
	int r;

	for (begin = clock_mono_ns();; begin = clock_mono_ns()) {
		r = db_reader_next(reader, &fields, err);
		end = clock_mono_ns();
		f->tally->reading_ns += end - begin;
		if (r <= 0)
			return r < 0 ? r : rows;
		rows++;
		r = take_row(f, w, fields, err);
		if (r == 0 && *f->stop)
			r = errbuf_set(err, -EINTR, "told to stop");
		if (r == 0 && (chunk_is_full(&f->chunk) || end - f->chunk_ns > CHUNK_NS))
			r = write_chunk(f, w, false, err);
		if (r < 0)
			return r;
	}
}

static int64_t read_stretch(struct feed *f, struct window *w, uint64_t limit, struct errbuf *err)
{
	struct db_reader *reader = NULL;
	struct strbuf sql = { 0 };
	int64_t rows = source_write_rows(f->source, w, limit, &sql, err);

	if (rows == 0)
		rows = db_reader_open(f->db, sql.p, &reader, err);
	strbuf_done(&sql);
	if (rows < 0)
		return rows;
	rows = read_rows(f, w, reader, err);
	db_reader_close(reader);
	return rows;
}

/* --- the whole --- */

static int count_rows(struct feed *f, const struct window *w, struct errbuf *err)
{
	struct pg_result *row = NULL;
	struct strbuf sql = { 0 };
	uint64_t keyless;
	int r = source_write_count(f->source, w, &sql, err);

	if (r == 0)
		r = db_query_row(f->db, sql.p, NULL, 0, &row, err);
	strbuf_done(&sql);
	if (r < 0)
		return r;
	keyless = (uint64_t)db_integer(row, 0, 1);
	f->tally->planned += (uint64_t)db_integer(row, 0, 0);
	f->tally->failed += keyless;
	f->tally->without_key += keyless;
	f->progress->total = f->tally->planned;
	db_result_free(row);
	if (keyless)
		log_warning(0, "%llu rows of the source have no \"%.*s\" and cannot be scored",
		            (unsigned long long)keyless, STR_ARGS(w->key));
	return 0;
}

/* What is scored already is worth its transaction, although somebody ended the reading. */
static int stopped(struct feed *f, struct window *w, int r, struct errbuf *err)
{
	int written = 0;

	if (r == -EINTR && f->chunk.rows)
		written = write_chunk(f, w, false, err);
	return written < 0 ? written : r;
}

static int feed_stretches(struct feed *f, struct window *w, struct errbuf *err)
{
	uint64_t limit = w->kind == WINDOW_SNAPSHOTS ? STRETCH_ROWS : 0;
	bool counted = false;
	int64_t rows;
	int r;

	do {
		r = db_exec(f->db, begin_sql, err);
		if (r == 0 && !counted)
			r = count_rows(f, w, err);
		if (r < 0)
			return r;
		counted = true;
		rows = read_stretch(f, w, limit, err);
		if (rows < 0)
			return stopped(f, w, (int)rows, err);
		r = write_chunk(f, w, rows < (int64_t)limit || !limit, err);
		if (r == 0)
			r = db_commit(f->db, err);
	} while (r == 0 && limit && rows == (int64_t)limit);
	return r;
}

int feed_window(struct feed *f, struct window *w, struct errbuf *err)
{
	int r;

	chunk_reset(&f->chunk);
	f->chunk_ns = clock_mono_ns();
	r = feed_stretches(f, w, err);
	if (r < 0)
		db_rollback(f->db);
	return r;
}
