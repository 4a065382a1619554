/* How a connection begins and how parameters go to libpq: shared by the session and the pool. */
#ifndef DB_CONNECT_H
#define DB_CONNECT_H

#include "base/errbuf.h"
#include "db/value.h"

struct pg_conn;
struct resolve_answer; /* db/resolve.h */

/* Begins to connect; PQconnectPoll() does the rest. -EINVAL for a URL that cannot be read (its text
 * is not repeated: it may hold a password). to: addresses found beforehand, or NULL: libpq may
 * block to find them. */
int connect_start(const char *url, const char *application, const struct resolve_answer *to,
                  struct pg_conn **ret, struct errbuf *err);

/* Makes a fresh session ours; $1 is the time zone. */
extern const char connect_session_sql[];

struct connect_params {
	const char *values[DB_MAX_PARAMS];
	int lengths[DB_MAX_PARAMS];
	int formats[DB_MAX_PARAMS];
};
/* -E2BIG for too many. Pointers are borrowed from params. */
int connect_fill_params(struct connect_params *ret, const struct db_param *params, size_t count);

#endif
