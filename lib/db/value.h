/* What goes into a statement and what comes out of it: parameters, and the values of a result. */
#ifndef DB_VALUE_H
#define DB_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct pg_result; /* libpq's; freed by db_result_free() */

/* A parameter: text (terminated, in PostgreSQL's text format), binary, or null. */
struct db_param {
	const void *p; /* NULL: SQL's null */
	int size;      /* of binary; DB_PARAM_TEXT: text */
};
#define DB_PARAM_TEXT (-1)
#define DB_TEXT(text) ((struct db_param){ (text), DB_PARAM_TEXT })
#define DB_BINARY(p, n) ((struct db_param){ (p), (int)(n) })
#define DB_NULL ((struct db_param){ NULL, DB_PARAM_TEXT })
#define DB_MAX_PARAMS 64

/* Results. row and column must be in range. */
void db_result_free(struct pg_result *r);
void db_result_free_p(struct pg_result *const *r); /* for CLEANUP */
size_t db_rows(const struct pg_result *r);
size_t db_columns(const struct pg_result *r);
const char *db_column_name(const struct pg_result *r, size_t column);
bool db_is_null(const struct pg_result *r, size_t row, size_t column);
/* Terminated, borrowed from the result; empty for null. */
struct str db_text(const struct pg_result *r, size_t row, size_t column);
/* 0 for null or for what is no integer. */
int64_t db_integer(const struct pg_result *r, size_t row, size_t column);
double db_number(const struct pg_result *r, size_t row, size_t column);
bool db_bool(const struct pg_result *r, size_t row, size_t column);
/* Rows that an INSERT, UPDATE, DELETE or COPY touched. */
uint64_t db_affected(const struct pg_result *r);

#endif
