/*
 * COPY BINARY brings a chunk into tables of this session (no log, emptied by the commit), an INSERT
 * takes it from there. First it is taken for granted that no row has a score yet; where one has,
 * the chunk is written again with ON CONFLICT DO NOTHING, whose RETURNING decides which reasons are
 * written. That way alone would be right, too, but takes twice the time (5000 scores and 15000
 * reasons: 51 against 112 ms), and the cursor gives every row once.
 *
 * Invariant: a chunk is in the database exactly when its cursor move is, and its counts are.
 *
 * Called by feed.c.
 */
#include "store.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "db/copy.h"
#include "json/writer.h"

#define TRIES 5

static const char tables_sql[] =
        "create temporary table if not exists batch_new_scores"
        " (transaction_seq bigint, score real, decision text) on commit delete rows;"
        " create temporary table if not exists batch_new_reasons"
        " (transaction_seq bigint, rank integer, feature text, value text, contribution float8,"
        " delta_score float8, zscore float8) on commit delete rows;"
        " create temporary table if not exists batch_new_rejects"
        " (transaction_seq bigint, input text, reason text) on commit delete rows";

#define SCORES                                                                                     \
	"insert into fraud_scores (transaction_seq, score, decision, threshold_low,"               \
	" threshold_high, model_version, registry_version, host, generation, scored_at)"           \
	" select transaction_seq, score, decision, $1::real, $2::real, $3::text, nullif($4, ''),"  \
	" $5::text, $6::bigint, now() from pg_temp.batch_new_scores"
#define REASONS                                                                                    \
	"insert into fraud_explanations (transaction_seq, rank, feature, value, contribution,"     \
	" delta_score, direction, zscore)"                                                         \
	" select n.transaction_seq, n.rank, n.feature, n.value, n.contribution, n.delta_score,"    \
	" '\xe2\x86\x91"                                                                           \
	"FRAUD', n.zscore from pg_temp.batch_new_reasons as n"

static const char careful_sql[] =
        "with scored as (" SCORES " on conflict (transaction_seq) do nothing"
        " returning transaction_seq), explained as (" REASONS " join scored using (transaction_seq)"
        " on conflict (transaction_seq, rank) do nothing returning 1)"
        " select (select count(*) from scored), (select count(*) from explained)";

/* What is rejected again is so by this version; what has a score meanwhile is no reject. */
static const char insert_rejects_sql[] =
        "insert into batch_rejects (transaction_seq, input, reason, model_version, generation,"
        " host, job_run) select distinct on (transaction_seq) transaction_seq, input, reason,"
        " $1::text, $2::bigint, $3::text, nullif($4, '')::uuid from pg_temp.batch_new_rejects as n"
        " where not exists (select from fraud_scores as s"
        " where s.transaction_seq = n.transaction_seq)"
        " on conflict (transaction_seq) do update set input = excluded.input,"
        " reason = excluded.reason, model_version = excluded.model_version,"
        " generation = excluded.generation, host = excluded.host, job_run = excluded.job_run,"
        " rejected_at = now()";

static const char delete_rejects_sql[] =
        "delete from batch_rejects as r using pg_temp.batch_new_scores as n"
        " where r.transaction_seq = n.transaction_seq";

/* --- into the session's tables --- */

static int copy_scores(struct db *db, const struct chunk *c, struct errbuf *err)
{
	struct db_writer *w;
	int r = db_writer_open(db, "pg_temp.batch_new_scores", 3, &w, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < c->score_count && db_writer_error(w) == 0; i++) {
		db_write_row(w);
		db_write_int8(w, c->scores[i].seq);
		db_write_float4(w, c->scores[i].score);
		db_write_text(w, str_of(decision_names[c->scores[i].decision]));
	}
	return db_writer_finish(w, NULL, err);
}

static void write_reason(struct db_writer *w, const struct score_model *m, const struct chunk *c,
                         const struct chunk_reason *r)
{
	db_write_row(w);
	db_write_int8(w, r->seq);
	db_write_int4(w, r->rank);
	db_write_text(w, program_feature_name(&m->program, r->feature));
	if (r->value_size == UINT32_MAX)
		db_write_null(w);
	else
		db_write_text(w, (struct str){ c->values.p + r->value_at, r->value_size });
	db_write_float8(w, r->contribution);
	db_write_float8(w, r->delta_score);
	if (isnan(r->zscore))
		db_write_null(w);
	else
		db_write_float8(w, r->zscore);
}

static int copy_reasons(struct db *db, const struct score_model *m, const struct chunk *c,
                        struct errbuf *err)
{
	struct db_writer *w;
	int r = db_writer_open(db, "pg_temp.batch_new_reasons", 7, &w, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < c->reason_count && db_writer_error(w) == 0; i++)
		write_reason(w, m, c, &c->reasons[i]);
	return db_writer_finish(w, NULL, err);
}

static int copy_rejects(struct db *db, const struct score_model *m, const struct chunk *c,
                        struct errbuf *err)
{
	struct db_writer *w;
	int r = db_writer_open(db, "pg_temp.batch_new_rejects", 3, &w, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < c->reject_count && db_writer_error(w) == 0; i++) {
		db_write_row(w);
		db_write_int8(w, c->rejects[i].seq);
		db_write_text(w, m->program.inputs[c->rejects[i].input].name);
		db_write_text(w, str_of(c->rejects[i].reason));
	}
	return db_writer_finish(w, NULL, err);
}

/* --- from there --- */

struct texts {
	char low[NUMBER_TEXT_SIZE + 1], high[NUMBER_TEXT_SIZE + 1], generation[24];
};

static struct texts texts_of(const struct store *s)
{
	struct texts t;

	t.low[number_print_float(s->model->threshold_low, t.low)] = '\0';
	t.high[number_print_float(s->model->threshold_high, t.high)] = '\0';
	snprintf(t.generation, sizeof(t.generation), "%" PRIu64, s->run->generation);
	return t;
}

/* All of them are new: what is not is -EEXIST. */
static int insert_new(const struct store *s, const struct chunk *c, const struct db_param *params,
                      struct tally *t, struct errbuf *err)
{
	int r = db_query(s->db, SCORES, params, 6, NULL, err);

	if (r == 0 && c->reason_count)
		r = db_exec(s->db, REASONS, err);
	t->scored += c->score_count;
	t->explained += c->reason_count;
	return r;
}

static int insert_some(const struct store *s, const struct chunk *c, const struct db_param *params,
                       struct tally *t, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *row = NULL;
	int r = db_query_row(s->db, careful_sql, params, 6, &row, err);

	if (r < 0)
		return r;
	t->scored += (uint64_t)db_integer(row, 0, 0);
	t->skipped += c->score_count - (uint64_t)db_integer(row, 0, 0);
	t->explained += (uint64_t)db_integer(row, 0, 1);
	return 0;
}

static int insert_scores(const struct store *s, const struct chunk *c, struct tally *t,
                         struct errbuf *err)
{
	struct texts texts = texts_of(s);
	const struct db_param params[] = {
		DB_TEXT(texts.low),           DB_TEXT(texts.high),   DB_TEXT(s->run->model_version),
		DB_TEXT(s->registry_version), DB_TEXT(s->run->host), DB_TEXT(texts.generation),
	};

	for (size_t i = 0; i < c->score_count; i++)
		t->decisions[c->scores[i].decision]++;
	return s->careful ? insert_some(s, c, params, t, err) : insert_new(s, c, params, t, err);
}

static int put_scores(const struct store *s, const struct chunk *c, struct tally *t,
                      struct errbuf *err)
{
	int r = copy_scores(s->db, c, err);

	if (r == 0 && c->reason_count)
		r = copy_reasons(s->db, s->model, c, err);
	if (r == 0)
		r = insert_scores(s, c, t, err);
	/* Rows that come by the cursor come once; others may have been rejected before. */
	if (r == 0 && (!s->cursor || s->cursor->fresh))
		r = db_exec(s->db, delete_rejects_sql, err);
	return r;
}

static int put_rejects(const struct store *s, const struct chunk *c, struct tally *t,
                       struct errbuf *err)
{
	struct texts texts = texts_of(s);
	const struct db_param params[] = { DB_TEXT(s->run->model_version),
		                           DB_TEXT(texts.generation), DB_TEXT(s->run->host),
		                           DB_TEXT(s->run->id) };
	int r = copy_rejects(s->db, s->model, c, err);

	if (r == 0)
		r = db_query(s->db, insert_rejects_sql, params, 4, NULL, err);
	t->failed += c->reject_count;
	return r;
}

static int move_cursor(const struct store *s, const struct chunk *c, enum store_move move,
                       struct errbuf *err)
{
	if (!s->cursor || move == STORE_STAYS)
		return 0;
	if (move == STORE_END)
		return cursor_write_end(s->cursor, s->db, err);
	return cursor_write_position(s->cursor, s->db, c->last_xid, c->last_seq, err);
}

static int write_all(const struct store *s, const struct chunk *c, enum store_move move,
                     struct tally *t, struct errbuf *err)
{
	int r = db_begin(s->db, err);

	if (r == 0 && s->cursor)
		r = cursor_lock(s->cursor, s->db, err);
	if (r == 0 && c->score_count)
		r = put_scores(s, c, t, err);
	if (r == 0 && c->reject_count)
		r = put_rejects(s, c, t, err);
	t->skipped += c->rows - c->score_count - c->reject_count;
	t->chunks++;
	if (r == 0)
		r = move_cursor(s, c, move, err);
	if (r == 0)
		r = job_run_count(s->run, s->db, t, err);
	return r == 0 ? db_commit(s->db, err) : r;
}

/* The careful statement with nothing to insert shows that the tables have the columns and the
 * unique keys that all of this stands on. */
int store_open(struct store *s, struct errbuf *err)
{
	struct chunk empty = { 0 };
	struct tally none = { 0 };
	int r = db_exec(s->db, tables_sql, err);

	s->careful = true;
	if (r == 0)
		r = insert_scores(s, &empty, &none, err);
	s->careful = false;
	return r;
}

static void follow(struct store *s, const struct chunk *c, enum store_move move)
{
	if (s->cursor && move == STORE_POSITION)
		cursor_moved(s->cursor, c->last_xid, c->last_seq);
	if (s->cursor && move == STORE_END)
		cursor_ended(s->cursor);
}

int store_write(struct store *s, const struct chunk *c, enum store_move move, struct tally *t,
                struct errbuf *err)
{
	struct tally counted;
	unsigned tries = 0;
	int r;

	do {
		counted = *t;
		r = write_all(s, c, move, &counted, err);
		if (r < 0)
			db_rollback(s->db);
		s->careful = s->careful || r == -EEXIST;
	} while ((r == -EAGAIN || r == -EEXIST) && ++tries < TRIES);
	if (r < 0)
		return r;
	*t = counted;
	follow(s, c, move);
	return 0;
}
