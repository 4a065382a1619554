/* The inside of a session, for the files of lib/db that copy. */
#ifndef DB_SESSION_H
#define DB_SESSION_H

#include <stdint.h>

#include "base/errbuf.h"

struct db;
struct pg_conn;
struct pg_result;

struct pg_conn *db_connection(const struct db *db);

/* Brings statement_timeout of the server in step with db_set_timeout(). */
int db_prepare_statement(struct db *db, struct errbuf *err);
/* How long the answer of the server may take before it is taken for lost; 0: for ever. */
uint32_t db_wait_limit(const struct db *db);
/* Waits until the socket can be read and reads what came; timeout 0: no limit. */
int db_await_input(struct db *db, uint32_t timeout_ms, struct errbuf *err);
/* The result of what was sent, all of it; a COPY state comes back at once with the copy open. */
int db_collect(struct db *db, struct pg_result **ret, struct errbuf *err);
/* Nothing can be said on this connection any more. */
void db_give_up(struct db *db);

#endif
