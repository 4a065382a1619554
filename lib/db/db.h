/*
 * A database session of a tool or a job: one statement at a time, each call waits for its answer,
 * at most as long as the session's time-out says. Daemons use pool.h: nothing here may be called on
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
#include "db/value.h"

struct db;

struct db_options {
	const char *url;             /* libpq URI or "key=value" text */
	const char *application;     /* application_name, shown in pg_stat_activity */
	const char *timezone;        /* of the session: that of the feature program; NULL: UTC */
	uint32_t connect_timeout_ms; /* 0: 10 s */
	uint32_t query_timeout_ms;   /* 0: none; see db_set_timeout() */
};

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

void db_close_p(struct db *const *db); /* for CLEANUP */

#endif
