/*
 * Connections on the loop: statements go out, answers come by callback, nothing waits. Statements
 * are prepared once on each connection; one that is not answered in time fails and its connection
 * is replaced; a lost server is tried again after a back-off with jitter (50 ms doubling to 400
 * ms). Notifications of the named channels come through a connection that listens as soon as it is
 * up.
 *
 * What was answered survives a crash of the server, even where its own settings would let it answer
 * before the log is written (synchronous_commit = off): a logout must not be undone by a restart.
 *
 * A statement is run at most once: when its connection is lost under way, the caller is told
 * -ECONNRESET and must know whether it may send it again.
 */
#ifndef DB_POOL_H
#define DB_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "db/value.h"

struct event_base;
struct db_pool;
struct db_request;

/* r: 0 or -errno as in db.h, plus -ECANCELED when the pool ends. result (text format) and err are
 * borrowed until it returns. */
typedef void db_on_result(void *self, int r, const struct pg_result *result,
                          const struct errbuf *err);

struct db_pool_options {
	struct event_base *base;
	const char *url; /* copied: the settings it stands in end with a reload */
	const char *application;
	uint32_t connections; /* 1 .. 64 */
	uint32_t connect_timeout_ms, query_timeout_ms;
	uint32_t max_waiting;          /* statements without a free connection; beyond: -EAGAIN */
	const char *const *statements; /* SQL by index, prepared on every connection; borrowed */
	size_t statement_count;
	const char *const *channels; /* LISTEN; names of ours; may be NULL */
	size_t channel_count;
	void (*on_notify)(void *self, const char *channel, const char *payload);
	/* A connection that listens is (again) up: what was notified meanwhile is lost. */
	void (*on_listening)(void *self);
	/* The number of usable connections went from 0 to some (up), or to 0, or the first try
	 * failed; words for the log (NULL when up). Must not free the pool; nor may any callback.
	 */
	void (*on_state)(void *self, bool up, const struct errbuf *why);
	void *self;
};

/* Starts to connect; never waits. */
int db_pool_new(const struct db_pool_options *o, struct db_pool **ret);
/* Callbacks of what is open come with -ECANCELED before it returns. */
void db_pool_free(struct db_pool *p);

bool db_pool_is_up(const struct db_pool *p);  /* a connection is usable now */
bool db_pool_was_up(const struct db_pool *p); /* the server has answered once since start */
bool db_pool_is_listening(const struct db_pool *p);

struct db_call {
	unsigned statement; /* index in the options */
	const struct db_param *params;
	size_t count;
	db_on_result *on_result;
	void *self;
};

/*
 * Parameters are copied. With no usable connection it fails at once with -ECONNREFUSED; it waits
 * for a busy one at most query_timeout_ms. The callback always comes later, never from within.
 * ret may be NULL.
 */
int db_pool_run(struct db_pool *p, const struct db_call *call, struct db_request **ret);
/* The callback will not come; the statement itself may still run. */
void db_request_forget(struct db_request *r);

#endif
