/* What the server's five-character codes mean to the program, and its words without what must not
 * be told. Pure; used by the session and the pool. */
#ifndef DB_ERROR_H
#define DB_ERROR_H

#include "base/errbuf.h"

struct pg_conn;
struct pg_result;

/* -errno of a SQLSTATE (db.h lists them). */
int db_error_code(const char *sqlstate);
/* The primary message up to the first value that it quotes from data, for class 22; one line. */
void db_error_words(const char *sqlstate, const char *message, struct errbuf *ret);

/* The failure that a result or a connection stands for: fills err, returns -errno. */
int db_error_result(const struct pg_result *r, struct errbuf *err);
int db_error_connection(const struct pg_conn *c, struct errbuf *err);

#endif
