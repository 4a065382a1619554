/*
 * What the files of auth share: the object that holds the connections to PostgreSQL, the keys, the
 * cache of tokens, the hashing threads and the throttles, and what each of them does with it.
 */
#ifndef FRONT_AUTH_STATE_H
#define FRONT_AUTH_STATE_H

#include <stdbool.h>
#include <stddef.h>
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
	unsigned hashing; /* sign-ins and registrations from their first statement to their hash */
	struct throttle accounts, sources; /* their tables are the host's */
	struct auth_asks *asks;
	struct auth_sweep *sweep; /* NULL but in the first worker */
	uint64_t notices;         /* how often PostgreSQL told of something that ended */
	struct log_limit failures;
	unsigned throttled; /* sign-ins since the last line about them */
	uint64_t throttled_next_ns;
	char *url;
};

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
/*
 * A place among those who may have a password hashed. Taken before the first statement is sent, so
 * that however many sign in, the statements of scoring have no long queue before them. False: as
 * many as the threads and their queue take are at it.
 */
bool auth_take_place(struct auth *a, bool *ret_taken);
void auth_leave_place(struct auth *a, bool *taken);
/* Forgets every token of every worker of this host, at once. */
void auth_raise_epoch(const struct auth *a);
uint64_t auth_epoch(const struct auth *a);

#endif
