/*
 * The life of one connection, driven by readiness. libpq keeps the protocol; this file keeps the
 * order: resolve, connect, a fixed list of preparations, then idle and busy in turn. Whatever goes
 * wrong ends in LINK_DOWN with the reason, in one place (lose()).
 *
 * Called by pool.c, which knows about time.
 */
#include "db/link.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "daemon/loop.h"
#include "db/connect.h"
#include "db/error.h"
#include "db/resolve.h"

#define NAME_SIZE 24 /* of a prepared statement */

struct link {
	struct link_options options;
	enum link_state state;
	PGconn *conn;
	struct resolve *resolve;
	struct loop_watch *readable, *writable;
	int watched_fd;
	size_t step;    /* of the preparations */
	PGresult *kept; /* of the statement under way: its first failure, else its last result */
};

int link_new(const struct link_options *o, struct link **ret)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->options = *o;
	l->watched_fd = -1;
	*ret = l;
	return 0;
}

enum link_state link_state_of(const struct link *l)
{
	return l->state;
}

/* --- ends --- */

static void unwatch(struct link *l)
{
	loop_watch_free(l->readable);
	loop_watch_free(l->writable);
	l->readable = l->writable = NULL;
	l->watched_fd = -1;
}

void link_drop(struct link *l)
{
	unwatch(l);
	resolve_cancel(take_ptr(&l->resolve));
	PQclear(l->kept);
	l->kept = NULL;
	PQfinish(l->conn);
	l->conn = NULL;
	l->state = LINK_DOWN;
}

void link_free(struct link *l)
{
	if (!l)
		return;
	link_drop(l);
	free(l);
}

static void lose(struct link *l, int r, const struct errbuf *err)
{
	link_drop(l);
	l->options.on_lost(l->options.self, r, err);
}

static void lose_connection(struct link *l)
{
	struct errbuf err;
	int r = db_error_connection(l->conn, &err);

	/* Before the session exists a failure means "no server"; after, "it went away". */
	if (l->state >= LINK_PREPARING)
		r = -ECONNRESET;
	lose(l, r, &err);
}

/* --- readiness --- */

static void on_ready(void *self);

/* libpq may change its socket while it connects (the next host). */
static int watch(struct link *l, bool writing)
{
	int fd = PQsocket(l->conn), r = 0;

	if (fd < 0)
		return -ECONNRESET;
	if (fd != l->watched_fd) {
		unwatch(l);
		r = loop_watch_new(l->options.base, fd, 0, on_ready, l, &l->readable);
		if (r == 0)
			r = loop_watch_new(l->options.base, fd, 1, on_ready, l, &l->writable);
		if (r < 0)
			return r;
		l->watched_fd = fd;
	}
	loop_watch_enable(l->writable, writing);
	return 0;
}

/* While connecting, libpq says which of the two it waits for; the other one must stay quiet. */
static int watch_connecting(struct link *l, bool writing)
{
	int r = watch(l, writing);

	if (r == 0)
		loop_watch_enable(l->readable, !writing);
	return r;
}

/* Sends what waits in libpq's buffer; the rest when the socket takes more. */
static int flush(struct link *l)
{
	int left = PQflush(l->conn);

	return left < 0 ? -ECONNRESET : watch(l, left > 0);
}

/* --- preparations --- */

static int send_settings(struct link *l)
{
	const char *const values[] = { "UTC", l->options.timeout_text };

	return PQsendQueryParams(l->conn,
	                         "select set_config('TimeZone', $1, false),"
	                         " set_config('DateStyle', 'ISO, YMD', false),"
	                         " set_config('statement_timeout', $2, false),"
	                         " set_config('synchronous_commit',"
	                         " case current_setting('synchronous_commit') when 'off' then 'on'"
	                         " else current_setting('synchronous_commit') end, false)",
	                         2, NULL, values, NULL, NULL, 0);
}

static void print_name(char ret[NAME_SIZE], size_t statement)
{
	snprintf(ret, NAME_SIZE, "s%zu", statement);
}

static int send_prepare(struct link *l, size_t statement)
{
	char name[NAME_SIZE];

	print_name(name, statement);
	return PQsendPrepare(l->conn, name, l->options.statements[statement], 0, NULL);
}

static int send_listen(struct link *l)
{
	struct strbuf sql = { 0 };
	int sent = 0;

	for (size_t i = 0; i < l->options.channel_count; i++)
		strbuf_addf(&sql, "listen %s;", l->options.channels[i]);
	if (!strbuf_error(&sql))
		sent = PQsendQuery(l->conn, sql.p);
	strbuf_done(&sql);
	return sent;
}

/* 1 sent, 0 not, -1 there is no such step. Listening comes last: from on_idle on it is in force. */
static int send_step(struct link *l)
{
	if (l->step == 0)
		return send_settings(l);
	if (l->step <= l->options.statement_count)
		return send_prepare(l, l->step - 1);
	if (l->step == l->options.statement_count + 1 && l->options.channel_count > 0)
		return send_listen(l);
	return -1;
}

static void next_step(struct link *l)
{
	int sent = send_step(l);

	if (sent < 0) {
		l->state = LINK_IDLE;
		l->options.on_idle(l->options.self);
		return;
	}
	l->step++;
	if (sent == 0 || flush(l) < 0)
		lose_connection(l);
}

/* --- results --- */

static bool is_failure(const PGresult *result)
{
	ExecStatusType s = PQresultStatus(result);

	return s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK && s != PGRES_EMPTY_QUERY;
}

static void finish_statement(struct link *l)
{
	CLEANUP(db_result_free_p) struct pg_result *result = take_ptr(&l->kept);
	struct errbuf err = { "" };
	int r = 0;

	if (!result) {
		lose_connection(l);
		return;
	}
	if (is_failure(result))
		r = db_error_result(result, &err);
	/* A session that the server has ended may still look alive for a moment. */
	if (r == -ECONNRESET || (l->state == LINK_PREPARING && r < 0)) {
		lose(l, r, &err);
	} else if (l->state == LINK_PREPARING) {
		next_step(l);
	} else {
		l->state = LINK_IDLE;
		l->options.on_result(l->options.self, r, r < 0 ? NULL : result, &err);
	}
}

static void keep_result(struct link *l, PGresult *next)
{
	if (l->kept && is_failure(l->kept)) {
		PQclear(next);
		return;
	}
	PQclear(l->kept);
	l->kept = next;
}

/* True when the statement under way is complete. */
static bool take_results(struct link *l)
{
	PGresult *next;

	while (!PQisBusy(l->conn)) {
		next = PQgetResult(l->conn);
		if (!next)
			return true;
		keep_result(l, next);
	}
	return false;
}

static void take_notifications(struct link *l)
{
	PGnotify *n;

	while (l->conn && (n = PQnotifies(l->conn))) {
		l->options.on_notify(l->options.self, n->relname, n->extra);
		PQfreemem(n);
	}
}

static void pump(struct link *l)
{
	if (!PQconsumeInput(l->conn) || flush(l) < 0) {
		lose_connection(l);
		return;
	}
	take_notifications(l);
	if ((l->state == LINK_PREPARING || l->state == LINK_BUSY) && take_results(l))
		finish_statement(l);
}

/* --- connecting --- */

static void begin_session(struct link *l)
{
	l->state = LINK_PREPARING;
	l->step = 0;
	loop_watch_enable(l->readable, 1);
	if (PQsetnonblocking(l->conn, 1) != 0)
		lose_connection(l);
	else
		next_step(l);
}

static void poll_connection(struct link *l)
{
	switch (PQconnectPoll(l->conn)) {
	case PGRES_POLLING_READING:
		if (watch_connecting(l, false) < 0)
			lose_connection(l);
		break;
	case PGRES_POLLING_WRITING:
		if (watch_connecting(l, true) < 0)
			lose_connection(l);
		break;
	case PGRES_POLLING_OK:
		begin_session(l);
		break;
	default:
		lose_connection(l);
	}
}

static void on_ready(void *self)
{
	struct link *l = self;

	if (l->state == LINK_CONNECTING)
		poll_connection(l);
	else
		pump(l);
}

static int begin_connecting(struct link *l, const struct resolve_answer *to, struct errbuf *err)
{
	int r = connect_start(l->options.url, l->options.application, to, &l->conn, err);

	if (r == 0)
		r = watch_connecting(l, true);
	if (r < 0) {
		link_drop(l);
		return r;
	}
	l->state = LINK_CONNECTING;
	return 0;
}

static void on_resolved(void *self, int r, const struct resolve_answer *answer,
                        const struct errbuf *err)
{
	struct link *l = self;
	struct errbuf words = *err;

	l->resolve = NULL;
	if (r == 0)
		r = begin_connecting(l, answer, &words);
	if (r < 0)
		lose(l, r, &words);
}

int link_connect(struct link *l, struct errbuf *err)
{
	int r;

	if (!l->options.url || !resolve_is_needed(l->options.url))
		return begin_connecting(l, NULL, err);
	r = resolve_start(l->options.base, l->options.url, on_resolved, l, &l->resolve);
	if (r < 0)
		return errbuf_set(err, r, "could not ask for the database's address");
	l->state = LINK_RESOLVING;
	return 0;
}

/* --- work --- */

int link_send(struct link *l, unsigned statement, const struct db_param *params, size_t count,
              struct errbuf *err)
{
	struct connect_params p;
	char name[NAME_SIZE];
	int r = connect_fill_params(&p, params, count);

	if (r < 0)
		return errbuf_set(err, r, "too many parameters");
	print_name(name, statement);
	if (!PQsendQueryPrepared(l->conn, name, (int)count, p.values, p.lengths, p.formats, 0) ||
	    flush(l) < 0) {
		db_error_connection(l->conn, err);
		link_drop(l);
		return -ECONNRESET;
	}
	l->state = LINK_BUSY;
	return 0;
}
