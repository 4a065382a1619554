/*
 * Failures of the server, told in two forms: -errno for the program, words for the reader. The
 * words are the primary message alone. Detail and context are left out because they quote rows
 * ("Key (username)=(x) already exists", the statement of a function); a message of class 22 (data
 * exception) quotes the value that could not be read and is cut before it.
 *
 * Used by db.c, copy_*.c, and pool.c.
 */
#include "db/error.h"

#include <errno.h>
#include <libpq-fe.h>
#include <string.h>

#include "base/str.h"

struct error_row {
	const char *prefix; /* of the SQLSTATE; the first that fits counts */
	int code;
};

/* https://www.postgresql.org/docs/15/errcodes-appendix.html */
static const struct error_row error_table[] = {
	{ "08", -ECONNRESET },      /* connection exception */
	{ "0A", -EOPNOTSUPP },      /* feature not supported */
	{ "22", -EINVAL },          /* data exception */
	{ "23505", -EEXIST },       /* unique violation */
	{ "23", -EINVAL },          /* other constraints */
	{ "25006", -EROFS },        /* read-only transaction */
	{ "28", -EACCES },          /* invalid authorization */
	{ "3D000", -ENOENT },       /* no such database */
	{ "40", -EAGAIN },          /* serialization, deadlock */
	{ "42501", -EACCES },       /* insufficient privilege */
	{ "42703", -ENOENT },       /* no such column */
	{ "42P01", -ENOENT },       /* no such table */
	{ "42P07", -EEXIST },       /* duplicate table */
	{ "42", -EINVAL },          /* syntax, access rule */
	{ "53100", -ENOSPC },       /* disk full */
	{ "53200", -ENOMEM },       /* server out of memory */
	{ "53300", -ECONNREFUSED }, /* too many connections */
	{ "54", -E2BIG },           /* program limit exceeded */
	{ "55P03", -EBUSY },        /* lock not available */
	{ "57014", -ETIMEDOUT },    /* cancelled: statement_timeout, or by us */
	{ "57P", -ECONNRESET },     /* shutdown, crash, cannot connect now */
};

int db_error_code(const char *sqlstate)
{
	size_t i;

	if (!sqlstate)
		return -EIO;
	for (i = 0; i < sizeof(error_table) / sizeof(error_table[0]); i++)
		if (!strncmp(sqlstate, error_table[i].prefix, strlen(error_table[i].prefix)))
			return error_table[i].code;
	return -EIO;
}

void db_error_words(const char *sqlstate, const char *message, struct errbuf *ret)
{
	size_t length = message ? strcspn(message, "\n") : 0;
	const char *quoted;

	if (sqlstate && !strncmp(sqlstate, "22", 2)) {
		quoted = strstr(message ? message : "", ": \"");
		if (quoted && (size_t)(quoted - message) < length)
			length = (size_t)(quoted - message);
	}
	if (length == 0)
		errbuf_set(ret, 0, "the database gave no reason");
	else if (sqlstate)
		errbuf_set(ret, 0, "database: %.*s (%s)", (int)length, message, sqlstate);
	else
		errbuf_set(ret, 0, "database: %.*s", (int)length, message);
}

int db_error_result(const struct pg_result *r, struct errbuf *err)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

	if (!state && !message)
		message = PQresultErrorMessage(r);
	db_error_words(state, message, err);
	return state ? db_error_code(state) : -ECONNRESET;
}

int db_error_connection(const struct pg_conn *c, struct errbuf *err)
{
	const char *message = PQerrorMessage(c);

	/* A refused login has no SQLSTATE here: libpq keeps it to itself before the session exists.
	 */
	db_error_words(NULL, message, err);
	if (PQconnectionNeedsPassword(c) || strstr(message, "password authentication failed") ||
	    strstr(message, "no pg_hba.conf entry"))
		return -EACCES;
	if (strstr(message, "does not exist") && strstr(message, "FATAL"))
		return -ENOENT;
	return PQstatus(c) == CONNECTION_BAD ? -ECONNREFUSED : -ECONNRESET;
}
