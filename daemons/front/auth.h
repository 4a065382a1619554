/*
 * Users and tokens, as a worker sees them: one object that holds the connections to PostgreSQL, the
 * keys, the cache of tokens, the hashing threads and the throttles. auth_gate.c decides who passes,
 * auth_login.c, auth_register.c and auth_logout.c answer the routes, auth_sweep.c is the janitor.
 */
#ifndef FRONT_AUTH_H
#define FRONT_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/cache.h"
#include "auth/jwt.h"
#include "auth/password_pool.h"
#include "auth/throttle.h"
#include "base/log.h"
#include "db/pool.h"
#include "front.h"
#include "http/address.h"

struct auth_asks;
struct auth_sweep;

enum auth_statement {
	AUTH_TOKEN,          /* what is known of a token */
	AUTH_REVOKE,         /* one token */
	AUTH_USER,           /* an account by its name */
	AUTH_ISSUE,          /* a token, and a new hash in place of an old one */
	AUTH_IS_FIRST,       /* there is no user yet */
	AUTH_REGISTER_FIRST, /* the first user, if there is none */
	AUTH_REGISTER,       /* another one */
	AUTH_SWEEP,          /* a slice of what nobody needs any more */
	AUTH_STATEMENT_MAX
};

struct auth {
	struct front *front;
	struct db_pool *pool;
	struct jwt_keys *keys;
	struct token_cache *cache;
	struct password_pool *passwords;
	struct throttle *accounts, *sources;
	struct auth_asks *asks;
	struct auth_sweep *sweep; /* NULL but in the first worker */
	uint64_t notices;         /* how often PostgreSQL told of something that ended */
	struct log_limit failures;
	unsigned throttled; /* sign-ins since the last line about them */
	uint64_t throttled_next_ns;
	char *url;
};

/* Never waits for PostgreSQL. */
int auth_new(struct front *f, struct auth **ret);
/* After the server, whose calls refer to it. NULL is fine. */
void auth_free(struct auth *a);
/* Part of a reload: may not fail, keeps the old keys if memory fails. */
void auth_apply(struct auth *a, const struct settings *next);

/* PostgreSQL has answered once since the worker started. */
bool auth_was_up(const struct auth *a);
bool auth_is_up(const struct auth *a);

/* --- for the files of auth --- */

/* r: 0 with rows, or negative; already logged then. */
typedef void auth_on_rows(struct call *c, int r, const struct pg_result *rows);
/* Runs a statement for a call. The callback comes later, or not at all if the call ends before.
 * 0 or negative as db_pool_run(). Parameters are copied. */
int auth_run(struct call *c, enum auth_statement statement, const struct db_param *params,
             size_t count, auth_on_rows *fn);
/* A statement failed, and not because the database is away. */
void auth_log_failure(struct auth *a, int r, const struct errbuf *err);
/* 503: r of a statement or a job that came to nothing. */
void auth_answer_unavailable(struct call *c, int r);
/* 401 with WWW-Authenticate. */
void auth_answer_unauthorized(struct call *c, const char *detail);
/* Where the client is, for the throttle: an IPv6 client is its /64. */
const char *auth_source(const struct call *c, char ret[HTTP_ADDRESS_SIZE]);
/* Forgets every token of every worker of this host, at once. */
void auth_raise_epoch(const struct auth *a);
uint64_t auth_epoch(const struct auth *a);

#endif
