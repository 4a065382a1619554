/*
 * A database session of a tool or a job: one statement at a time, each call waits for its answer, at
 * most as long as the session's time-out says. Daemons use pool.h: nothing here may be called on
 * a loop.
 *
 * Words of errors are the server's own primary message without its detail, context or statement:
 * they hold neither SQL nor a password, nor the value that could not be read.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "base/str.h"

struct db;
struct pg_conn; /* libpq's */
struct pg_result; /* libpq's; freed by db_result_free() */

struct db_options {
	const char *url; /* libpq URI or "key=value" text */
	const char *application; /* application_name, shown in pg_stat_activity */
	const char *timezone; /* of the session: that of the feature program; NULL: UTC */
	uint32_t connect_timeout_ms; /* 0: 10 s */
	uint32_t query_timeout_ms; /* 0: none; see db_set_timeout() */
};

/* A parameter: text (terminated, in PostgreSQL's text format), binary, or null. */
struct db_param {
	const void *p; /* NULL: SQL's null */
	int size; /* of binary; DB_PARAM_TEXT: text */
};
#define DB_PARAM_TEXT (-1)
#define DB_TEXT(text) ((struct db_param){ (text), DB_PARAM_TEXT })
#define DB_BINARY(p, n) ((struct db_param){ (p), (int)(n) })
#define DB_NULL ((struct db_param){ NULL, DB_PARAM_TEXT })
#define DB_MAX_PARAMS 64

/*
 * What -errno mean, here and in pool.h:
 *   -ECONNREFUSED, -ECONNRESET  no server, or it went away: may work later
 *   -ETIMEDOUT   the time-out of connect or statement passed (the statement is cancelled)
 *   -EACCES      refused: password, role, privilege
 *   -EEXIST      unique constraint            -ENOENT   no such table, column, database
 *   -EAGAIN      serialization or deadlock: run the transaction again
 *   -EBUSY       lock not available           -ENOSPC   disk full
 *   -EINVAL      the statement or a value     -EIO      anything else of the server
 *   -ENOMEM
 */
int db_open(const struct db_options *o, struct db **ret, struct errbuf *err);
/* NULL is fine; an open transaction is rolled back by the server. */
void db_close(struct db *db);

/* For the statements that follow; 0: none. */
void db_set_timeout(struct db *db, uint32_t milliseconds);
/* False after the connection was lost: open a new session. */
bool db_is_alive(const struct db *db);

/* One or several statements without parameters; results are dropped. */
int db_exec(struct db *db, const char *sql, struct errbuf *err);
/* One statement; *ret may be NULL when the rows do not matter. Answers are text. */
int db_query(struct db *db, const char *sql, const struct db_param *params, size_t count,
	     struct pg_result **ret, struct errbuf *err);
/* As db_query() for exactly one row; -ENODATA when there is none, -EINVAL for more. */
int db_query_row(struct db *db, const char *sql, const struct db_param *params, size_t count,
		 struct pg_result **ret, struct errbuf *err);

int db_begin(struct db *db, struct errbuf *err);
int db_commit(struct db *db, struct errbuf *err);
/* For the way out of a failure: its own failure is of no interest. */
void db_rollback(struct db *db);

/* Results. row and column must be in range. */
void db_result_free(struct pg_result *r);
void db_result_free_p(struct pg_result *const *r); /* for CLEANUP */
size_t db_rows(const struct pg_result *r);
size_t db_columns(const struct pg_result *r);
const char *db_column_name(const struct pg_result *r, size_t column);
bool db_is_null(const struct pg_result *r, size_t row, size_t column);
/* Terminated, borrowed from the result; empty for null. */
struct str db_text(const struct pg_result *r, size_t row, size_t column);
/* 0 for null or for what is no integer. */
int64_t db_integer(const struct pg_result *r, size_t row, size_t column);
double db_number(const struct pg_result *r, size_t row, size_t column);
bool db_bool(const struct pg_result *r, size_t row, size_t column);
/* Rows that an INSERT, UPDATE, DELETE or COPY touched. */
uint64_t db_affected(const struct pg_result *r);

void db_close_p(struct db *const *db); /* for CLEANUP */

#endif
