/*
 * Many rows at once: COPY (query) TO STDOUT and COPY … FROM STDIN, both in PostgreSQL's binary
 * format. Memory is one row (reader) or one buffer of fixed size (writer), whatever the number of
 * rows. One reader or writer of a session at a time, and no other statement beside it.
 */
#ifndef DB_COPY_H
#define DB_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "base/str.h"
#include "db/db.h"
#include "features/row.h"

/* --- reading --- */

struct db_column {
	struct str name; /* owned by the reader */
	uint32_t oid;    /* the type in pg_type */
	int type;        /* enum column_type, or -1: a type that cannot feed an input */
};

struct db_reader;

/* Describes the query first (so errors and columns come before any row), then starts to copy.
 * query: one SELECT, VALUES or WITH without parameters (see query.h) and without a semicolon at
 * its end, or with one. */
int db_reader_open(struct db *db, const char *query, struct db_reader **ret, struct errbuf *err);
const struct db_column *db_reader_columns(const struct db_reader *r, size_t *ret_count);
/* Columns alone, nothing is run. The array is malloc'ed with its names: one free(). */
int db_describe(struct db *db, const char *query, struct db_column **ret, size_t *ret_count,
                struct errbuf *err);
/*
 * 1: a row, its fields in column order (p NULL: null; big-endian bytes as cell_from_binary() reads
 * them), valid until the next call. 0: no more rows. Negative: lost, or the server refused.
 */
int db_reader_next(struct db_reader *r, const struct str **ret_fields, struct errbuf *err);
/* Before the end: cancels the copy and drains it, so the session is usable again. NULL is fine. */
void db_reader_close(struct db_reader *r);
void db_reader_close_p(struct db_reader *const *r);

/* enum column_type of a type's OID, or -1. */
int db_column_type(uint32_t oid);

/* --- writing --- */

struct db_writer;

/* target: "fraud_scores (transaction_seq, score)": a constant of the program, never outside text.
 */
int db_writer_open(struct db *db, const char *target, unsigned columns, struct db_writer **ret,
                   struct errbuf *err);
/* A row = db_write_row(), then exactly `columns` values in order. A failure (memory, connection)
 * sticks and is told by db_writer_finish(); check db_writer_error() to stop early. The type must be
 * the column's own: the binary format does not convert. */
void db_write_row(struct db_writer *w);
void db_write_null(struct db_writer *w);
void db_write_bool(struct db_writer *w, bool v);
void db_write_int2(struct db_writer *w, int16_t v);
void db_write_int4(struct db_writer *w, int32_t v);
void db_write_int8(struct db_writer *w, int64_t v);
void db_write_float4(struct db_writer *w, float v);
void db_write_float8(struct db_writer *w, double v);
void db_write_text(struct db_writer *w, struct str v);
/* bytea, uuid (16 bytes) and anything else whose binary form the caller knows. */
void db_write_bytes(struct db_writer *w, const void *p, size_t n);
/* timestamp or timestamptz, from µs since 1970 UTC; date, from days since 1970-01-01. */
void db_write_timestamp(struct db_writer *w, int64_t unix_us);
void db_write_date(struct db_writer *w, int32_t unix_days);
int db_writer_error(const struct db_writer *w);
/* Ends the copy and frees the writer, whatever comes back. Rows count only after commit. */
int db_writer_finish(struct db_writer *w, uint64_t *ret_rows, struct errbuf *err);
/* Gives up: the server drops all rows of this copy. NULL is fine. */
void db_writer_abort(struct db_writer *w);

#endif
