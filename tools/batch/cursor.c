/*
 * The cursor is two snapshots and a position, and who wrote them: snapshots mean nothing in another
 * cluster (a dump restored elsewhere), nor for another split of the work. Then the row is not
 * believed: one pass over all that has no score, and a new row that says "done as of the pass's
 * begin".
 *
 * Invariant: the row moves only in the transaction that wrote what the move stands for.
 *
 * Called by batch.c (what is due) and store.c (a chunk).
 */
#include "cursor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "window.h"

/* First half of the advisory lock's key: no other program of the suite uses it. */
#define LOCK_CLASS 1718772066 /* "frab" */
#define HOLD_MS 2000          /* how long the end of a killed batch's session is waited for */

static const char load_sql[] =
        "select system_id, partitions, done::text, upto::text, last_xid::text, last_seq"
        " from batch_cursor where partition = $1";

void cursor_done(struct cursor *c)
{
	free(c->done);
	free(c->upto);
	c->done = c->upto = NULL;
}

static int out_of_memory(struct errbuf *err)
{
	return errbuf_set(err, -ENOMEM, "out of memory");
}

/* --- one batch at a time --- */

int cursor_hold(const struct cursor *c, struct db *db, bool *ret_held, struct errbuf *err)
{
	char sql[320];
	int r;

	/* A host that is cut off must not hold on: the server is to notice within seconds. */
	snprintf(sql, sizeof(sql),
	         "set tcp_keepalives_idle = 2; set tcp_keepalives_interval = 1;"
	         " set tcp_keepalives_count = 3; set tcp_user_timeout = 5000;"
	         " set lock_timeout = %d; select pg_advisory_lock(%d, %u); reset lock_timeout",
	         HOLD_MS, LOCK_CLASS, c->partition);
	r = db_exec(db, sql, err);
	if (r < 0 && r != -EBUSY)
		return r;
	*ret_held = r == 0;
	return 0;
}

/* --- reading --- */

static int keep_snapshot(char **kept, const struct pg_result *row, size_t column,
                         struct errbuf *err)
{
	struct str text = db_text(row, 0, column);
	char *copy = NULL;

	if (!db_is_null(row, 0, column)) {
		if (!window_is_snapshot(text))
			return errbuf_set(err, -EINVAL,
			                  "the database sent a snapshot that is none");
		copy = strndup(text.p, text.n);
		if (!copy)
			return out_of_memory(err);
	}
	free(*kept);
	*kept = copy;
	return 0;
}

static int read_system_id(struct cursor *c, struct db *db, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *row = NULL;
	int r = db_query_row(db, "select system_identifier from pg_control_system()", NULL, 0, &row,
	                     err);

	if (r == 0)
		c->system_id = db_integer(row, 0, 0);
	return r;
}

static int take_row(struct cursor *c, const struct pg_result *row, struct errbuf *err)
{
	unsigned long long xid = 0;
	int r;

	c->exists = true;
	c->fresh = db_integer(row, 0, 0) != c->system_id ||
	           db_integer(row, 0, 1) != (int64_t)c->partitions;
	r = keep_snapshot(&c->done, row, 2, err);
	if (r == 0)
		r = keep_snapshot(&c->upto, row, 3, err);
	if (r == 0 && str_to_u64(db_text(row, 0, 4), &xid) < 0)
		r = errbuf_set(err, -EINVAL, "the cursor's position cannot be read");
	c->last_xid = xid;
	c->last_seq = db_integer(row, 0, 5);
	return r;
}

int cursor_load(struct cursor *c, struct db *db, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *row = NULL;
	char partition[16];
	const struct db_param params[] = { DB_TEXT(partition) };
	int r = read_system_id(c, db, err);

	snprintf(partition, sizeof(partition), "%u", c->partition);
	if (r == 0)
		r = db_query(db, load_sql, params, 1, &row, err);
	if (r < 0)
		return r;
	c->exists = false;
	c->fresh = true;
	return db_rows(row) ? take_row(c, row, err) : 0;
}

/* --- windows --- */

static int read_now(struct cursor *c, struct db *db, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *row = NULL;
	int r = db_query_row(db, "select pg_current_snapshot()::text", NULL, 0, &row, err);

	return r < 0 ? r : keep_snapshot(&c->upto, row, 0, err);
}

int cursor_open_window(struct cursor *c, struct db *db, bool write, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *row = NULL;
	char sql[200];
	int r;

	cursor_moved(c, 0, 0);
	if (!write)
		return read_now(c, db, err);
	snprintf(sql, sizeof(sql),
	         "update batch_cursor set upto = pg_current_snapshot(), last_xid = '0',"
	         " last_seq = 0, moved_at = now() where partition = %u and upto is null"
	         " returning upto::text",
	         c->partition);
	r = db_query_row(db, sql, NULL, 0, &row, err);
	if (r == -ENODATA)
		return errbuf_set(err, -ESTALE, "another batch works on partition %u",
		                  c->partition);
	return r < 0 ? r : keep_snapshot(&c->upto, row, 0, err);
}

int cursor_begin_pass(struct cursor *c, struct db *db, struct errbuf *err)
{
	cursor_moved(c, 0, 0);
	return read_now(c, db, err);
}

/* --- within a chunk's transaction --- */

static bool is_text(const struct pg_result *row, size_t column, const char *text)
{
	return str_equal(db_text(row, 0, column), str_of(text ? text : ""));
}

static bool is_position(const struct pg_result *row, const struct cursor *c)
{
	char xid[24];

	snprintf(xid, sizeof(xid), "%" PRIu64, c->last_xid);
	return is_text(row, 4, xid) && db_integer(row, 0, 5) == c->last_seq;
}

int cursor_lock(const struct cursor *c, struct db *db, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *row = NULL;
	char sql[sizeof(load_sql) + 16], partition[16];
	const struct db_param params[] = { DB_TEXT(partition) };
	bool same;
	int r;

	snprintf(partition, sizeof(partition), "%u", c->partition);
	snprintf(sql, sizeof(sql), "%s for update", load_sql);
	r = db_query(db, sql, params, 1, &row, err);
	if (r < 0)
		return r;
	same = db_rows(row) == (c->exists ? 1 : 0);
	if (same && !c->fresh)
		same = is_text(row, 2, c->done) && is_text(row, 3, c->upto) && is_position(row, c);
	return same ? 0
	            : errbuf_set(err, -ESTALE, "another batch has moved the cursor of partition %u",
	                         c->partition);
}

int cursor_write_position(const struct cursor *c, struct db *db, uint64_t xid, int64_t seq,
                          struct errbuf *err)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
	         "update batch_cursor set last_xid = '%" PRIu64 "', last_seq = %" PRId64
	         ", moved_at = now() where partition = %u",
	         xid, seq, c->partition);
	return db_exec(db, sql, err);
}

int cursor_write_end(const struct cursor *c, struct db *db, struct errbuf *err)
{
	char partition[16], partitions[16], system_id[24];
	const struct db_param params[] = { DB_TEXT(partition), DB_TEXT(partitions),
		                           DB_TEXT(system_id), DB_TEXT(c->upto) };

	snprintf(partition, sizeof(partition), "%u", c->partition);
	snprintf(partitions, sizeof(partitions), "%u", c->partitions);
	snprintf(system_id, sizeof(system_id), "%" PRId64, c->system_id);
	return db_query(db,
	                "insert into batch_cursor (partition, partitions, system_id, done)"
	                " values ($1, $2, $3, $4) on conflict (partition) do update set"
	                " partitions = excluded.partitions, system_id = excluded.system_id,"
	                " done = excluded.done, upto = null, last_xid = '0', last_seq = 0,"
	                " moved_at = now()",
	                params, 4, NULL, err);
}

void cursor_moved(struct cursor *c, uint64_t xid, int64_t seq)
{
	c->last_xid = xid;
	c->last_seq = seq;
}

void cursor_ended(struct cursor *c)
{
	free(c->done);
	c->done = take_ptr(&c->upto);
	c->fresh = false;
	c->exists = true;
	cursor_moved(c, 0, 0);
}
