/*
 * A result's values as the house's types. libpq gives text of the text format; the numbers among it
 * are what the server printed, so a text that is no number is a mistake of the statement and reads
 * as 0.
 *
 * Called with results of db.c and pool.c.
 */
#include "db/value.h"

#include <libpq-fe.h>
#include <stdlib.h>

void db_result_free(struct pg_result *r)
{
	PQclear(r);
}

void db_result_free_p(struct pg_result *const *r)
{
	PQclear(*r);
}

size_t db_rows(const struct pg_result *r)
{
	return (size_t)PQntuples(r);
}

size_t db_columns(const struct pg_result *r)
{
	return (size_t)PQnfields(r);
}

const char *db_column_name(const struct pg_result *r, size_t column)
{
	return PQfname(r, (int)column);
}

bool db_is_null(const struct pg_result *r, size_t row, size_t column)
{
	return PQgetisnull(r, (int)row, (int)column);
}

struct str db_text(const struct pg_result *r, size_t row, size_t column)
{
	return (struct str){ PQgetvalue(r, (int)row, (int)column),
		             (size_t)PQgetlength(r, (int)row, (int)column) };
}

int64_t db_integer(const struct pg_result *r, size_t row, size_t column)
{
	long long v;

	return str_to_i64(db_text(r, row, column), &v) == 0 ? v : 0;
}

double db_number(const struct pg_result *r, size_t row, size_t column)
{
	return strtod(PQgetvalue(r, (int)row, (int)column), NULL);
}

bool db_bool(const struct pg_result *r, size_t row, size_t column)
{
	return PQgetvalue(r, (int)row, (int)column)[0] == 't';
}

uint64_t db_affected(const struct pg_result *r)
{
	unsigned long long v;

	return str_to_u64(str_of(PQcmdTuples((struct pg_result *)r)), &v) == 0 ? v : 0;
}
