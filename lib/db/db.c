/*
 * The session of a tool. libpq is used in its asynchronous form even here, because only so has each
 * wait an end: the server cancels a statement by statement_timeout, and if it says nothing for two
 * seconds longer it is taken for lost. Results are collected whole; what is large goes through
 * copy.h.
 *
 * Called by tools and jobs; daemons use pool.c.
 */
#include "db/db.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "db/connect.h"
#include "db/error.h"
#include "db/session.h"

#define CONNECT_TIMEOUT_MS 10000
#define GRACE_MS 2000 /* that the server's own cancellation needs to arrive */

struct db {
	PGconn *conn;
	uint32_t timeout_ms;
	uint32_t server_timeout_ms; /* what statement_timeout says there */
};

/* poll(2) with a deadline in clock_mono_ns(), 0: none. */
static int await_socket(int fd, short events, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now;
	int wait_ms, r;

	for (;;) {
		wait_ms = -1;
		if (deadline_ns) {
			now = clock_mono_ns();
			if (now >= deadline_ns)
				return -ETIMEDOUT;
			wait_ms = (int)((deadline_ns - now) / 1000000 + 1);
		}
		r = poll(&p, 1, wait_ms);
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
}

static uint64_t deadline_of(uint32_t timeout_ms)
{
	return timeout_ms ? clock_mono_ns() + (uint64_t)timeout_ms * 1000000 : 0;
}

/* --- opening --- */

static int finish_connect(struct db *db, uint64_t deadline_ns, struct errbuf *err)
{
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	int r;

	while (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING) {
		r = await_socket(PQsocket(db->conn),
		                 state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ns);
		if (r < 0)
			return errbuf_set(err, r, "the database did not answer in time");
		state = PQconnectPoll(db->conn);
	}
	return state == PGRES_POLLING_OK ? 0 : db_error_connection(db->conn, err);
}

static int set_session(struct db *db, const char *timezone, struct errbuf *err)
{
	const struct db_param params[] = { DB_TEXT(timezone ? timezone : "UTC") };

	return db_query(db, connect_session_sql, params, 1, NULL, err);
}

int db_open(const struct db_options *o, struct db **ret, struct errbuf *err)
{
	CLEANUP(db_close_p) struct db *db = NULL;
	uint32_t timeout_ms = o->connect_timeout_ms ? o->connect_timeout_ms : CONNECT_TIMEOUT_MS;
	int r;

	db = calloc(1, sizeof(*db));
	if (!db)
		return errbuf_set(err, -ENOMEM, "out of memory");
	r = connect_start(o->url, o->application, NULL, &db->conn, err);
	if (r < 0)
		return r;
	r = finish_connect(db, deadline_of(timeout_ms), err);
	if (r < 0)
		return r;
	db->timeout_ms = timeout_ms;
	r = set_session(db, o->timezone, err);
	if (r < 0)
		return r;
	db->timeout_ms = o->query_timeout_ms;
	*ret = take_ptr(&db);
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	PQfinish(db->conn);
	free(db);
}

void db_close_p(struct db *const *db)
{
	db_close(*db);
}

void db_set_timeout(struct db *db, uint32_t milliseconds)
{
	db->timeout_ms = milliseconds;
}

bool db_is_alive(const struct db *db)
{
	return db->conn && PQstatus(db->conn) == CONNECTION_OK;
}

struct pg_conn *db_connection(const struct db *db)
{
	return db->conn;
}

void db_give_up(struct db *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
}

/* --- one statement --- */

int db_await_input(struct db *db, uint32_t timeout_ms, struct errbuf *err)
{
	int r = await_socket(PQsocket(db->conn), POLLIN, deadline_of(timeout_ms));

	if (r == 0 && !PQconsumeInput(db->conn))
		return db_error_connection(db->conn, err);
	if (r == -ETIMEDOUT) {
		db_give_up(db);
		return errbuf_set(err, r, "the database did not answer in time");
	}
	return r < 0 ? errbuf_set(err, r, "could not wait for the database") : 0;
}

uint32_t db_wait_limit(const struct db *db)
{
	return db->timeout_ms ? db->timeout_ms + GRACE_MS : 0;
}

static int await_result(struct db *db, struct errbuf *err)
{
	int r;

	while (PQisBusy(db->conn)) {
		r = db_await_input(db, db_wait_limit(db), err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_copy(const PGresult *result)
{
	ExecStatusType s = PQresultStatus(result);

	return s == PGRES_COPY_IN || s == PGRES_COPY_OUT || s == PGRES_COPY_BOTH;
}

static bool is_failure(const PGresult *result)
{
	ExecStatusType s = PQresultStatus(result);

	return s == PGRES_FATAL_ERROR || s == PGRES_BAD_RESPONSE || s == PGRES_NONFATAL_ERROR;
}

/* Keeps the first failure, else the last result. */
int db_collect(struct db *db, struct pg_result **ret, struct errbuf *err)
{
	CLEANUP(db_result_free_p) PGresult *kept = NULL;
	PGresult *next;
	int r;

	for (;;) {
		r = await_result(db, err);
		if (r < 0)
			return r;
		next = PQgetResult(db->conn);
		if (!next)
			break;
		if (kept && is_failure(kept)) {
			PQclear(next);
			continue;
		}
		PQclear(kept);
		kept = next;
		if (is_copy(kept))
			break;
	}
	if (!kept)
		return db_error_connection(db->conn, err);
	if (is_failure(kept))
		return db_error_result(kept, err);
	if (ret)
		*ret = take_ptr(&kept);
	return 0;
}

int db_prepare_statement(struct db *db, struct errbuf *err)
{
	char sql[64];
	int r;

	if (!db->conn)
		return errbuf_set(err, -ECONNRESET, "the connection to the database was lost");
	if (db->server_timeout_ms == db->timeout_ms)
		return 0;
	snprintf(sql, sizeof(sql), "set statement_timeout = %u", db->timeout_ms);
	if (!PQsendQuery(db->conn, sql))
		return db_error_connection(db->conn, err);
	r = db_collect(db, NULL, err);
	if (r == 0)
		db->server_timeout_ms = db->timeout_ms;
	return r;
}

int db_exec(struct db *db, const char *sql, struct errbuf *err)
{
	int r = db_prepare_statement(db, err);

	if (r < 0)
		return r;
	if (!PQsendQuery(db->conn, sql))
		return db_error_connection(db->conn, err);
	return db_collect(db, NULL, err);
}

int db_query(struct db *db, const char *sql, const struct db_param *params, size_t count,
             struct pg_result **ret, struct errbuf *err)
{
	struct connect_params p;
	int r = connect_fill_params(&p, params, count);

	if (r < 0)
		return errbuf_set(err, r, "too many parameters");
	r = db_prepare_statement(db, err);
	if (r < 0)
		return r;
	if (!PQsendQueryParams(db->conn, sql, (int)count, NULL, p.values, p.lengths, p.formats, 0))
		return db_error_connection(db->conn, err);
	return db_collect(db, ret, err);
}

int db_query_row(struct db *db, const char *sql, const struct db_param *params, size_t count,
                 struct pg_result **ret, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *result = NULL;
	int r = db_query(db, sql, params, count, &result, err);

	if (r < 0)
		return r;
	if (db_rows(result) == 0)
		return errbuf_set(err, -ENODATA, "the database has no such row");
	if (db_rows(result) > 1)
		return errbuf_set(err, -EINVAL, "the database has %zu rows where one was expected",
		                  db_rows(result));
	*ret = take_ptr(&result);
	return 0;
}

/* --- transactions --- */

int db_begin(struct db *db, struct errbuf *err)
{
	return db_exec(db, "begin", err);
}

int db_commit(struct db *db, struct errbuf *err)
{
	/* COMMIT of a failed transaction succeeds as ROLLBACK: that is no commit. */
	if (db->conn && PQtransactionStatus(db->conn) == PQTRANS_INERROR)
		return errbuf_set(err, -EIO, "the transaction had failed before its commit");
	return db_exec(db, "commit", err);
}

void db_rollback(struct db *db)
{
	if (db->conn && PQtransactionStatus(db->conn) != PQTRANS_IDLE)
		(void)db_exec(db, "rollback", NULL);
}
