/*
 * COPY … FROM STDIN (FORMAT binary). Values are put into one buffer of fixed size that goes to
 * libpq when it is full; libpq in turn writes it out before it takes more, so a slow server slows
 * the caller instead of filling memory. A value longer than the buffer goes through in pieces.
 *
 * The first failure sticks: a caller may write a whole chunk and ask once, in db_writer_finish().
 *
 * Called by batch (scores, explanations, rejects) and the demo.
 */
#include <errno.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "db/copy.h"
#include "db/error.h"
#include "db/session.h"

#define BUFFER_SIZE 65536
#define POSTGRES_EPOCH_DAYS 10957 /* 2000-01-01 in days since 1970-01-01 */
#define DAY_US (INT64_C(86400) * 1000000)

struct db_writer {
	struct db *db;
	unsigned columns;
	unsigned left; /* values that the row still needs */
	int error;
	struct errbuf words;
	size_t size;
	char buffer[BUFFER_SIZE];
};

static void fail(struct db_writer *w, int r)
{
	if (w->error == 0)
		w->error = r;
}

static void flush(struct db_writer *w)
{
	if (w->error == 0 && w->size > 0 &&
	    PQputCopyData(db_connection(w->db), w->buffer, (int)w->size) != 1)
		fail(w, db_error_connection(db_connection(w->db), &w->words));
	w->size = 0;
}

static void put(struct db_writer *w, const void *p, size_t n)
{
	const char *from = p;
	size_t part;

	while (n > 0) {
		if (w->size == BUFFER_SIZE)
			flush(w);
		part = BUFFER_SIZE - w->size < n ? BUFFER_SIZE - w->size : n;
		memcpy(w->buffer + w->size, from, part);
		w->size += part;
		from += part;
		n -= part;
	}
}

static void put_big_endian(struct db_writer *w, uint64_t v, unsigned n)
{
	unsigned char bytes[8];
	unsigned i;

	for (i = 0; i < n; i++)
		bytes[i] = (unsigned char)(v >> 8 * (n - 1 - i));
	put(w, bytes, n);
}

static void put_integer(struct db_writer *w, uint64_t v, unsigned n)
{
	w->left--;
	put_big_endian(w, n, 4);
	put_big_endian(w, v, n);
}

int db_writer_open(struct db *db, const char *target, unsigned columns, struct db_writer **ret,
                   struct errbuf *err)
{
	struct db_writer *w;
	struct strbuf sql = { 0 };
	int r = db_prepare_statement(db, err);

	if (r < 0)
		return r;
	w = malloc(sizeof(*w));
	strbuf_addf(&sql, "copy %s from stdin (format binary)", target);
	if (!w || strbuf_error(&sql))
		r = errbuf_set(err, -ENOMEM, "out of memory");
	else if (!PQsendQuery(db_connection(db), sql.p))
		r = db_error_connection(db_connection(db), err);
	else
		r = db_collect(db, NULL, err);
	strbuf_done(&sql);
	if (r < 0) {
		free(w);
		return r;
	}
	w->db = db;
	w->columns = columns;
	w->left = 0;
	w->error = 0;
	w->size = 0;
	put(w, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0", 19);
	*ret = w;
	return 0;
}

void db_write_row(struct db_writer *w)
{
	if (w->left != 0)
		fail(w,
		     errbuf_set(&w->words, -EINVAL, "a row of the copy lacks %u values", w->left));
	w->left = w->columns;
	put_big_endian(w, w->columns, 2);
}

void db_write_null(struct db_writer *w)
{
	w->left--;
	put_big_endian(w, UINT32_MAX, 4);
}

void db_write_bool(struct db_writer *w, bool v)
{
	put_integer(w, v, 1);
}

void db_write_int2(struct db_writer *w, int16_t v)
{
	put_integer(w, (uint16_t)v, 2);
}

void db_write_int4(struct db_writer *w, int32_t v)
{
	put_integer(w, (uint32_t)v, 4);
}

void db_write_int8(struct db_writer *w, int64_t v)
{
	put_integer(w, (uint64_t)v, 8);
}

void db_write_float4(struct db_writer *w, float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	put_integer(w, bits, 4);
}

void db_write_float8(struct db_writer *w, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	put_integer(w, bits, 8);
}

void db_write_bytes(struct db_writer *w, const void *p, size_t n)
{
	if (n > INT32_MAX)
		fail(w, errbuf_set(&w->words, -E2BIG, "a value of the copy is too long"));
	w->left--;
	put_big_endian(w, n, 4);
	put(w, p, n);
}

void db_write_text(struct db_writer *w, struct str v)
{
	db_write_bytes(w, v.p, v.n);
}

void db_write_timestamp(struct db_writer *w, int64_t unix_us)
{
	db_write_int8(w, unix_us - POSTGRES_EPOCH_DAYS * DAY_US);
}

void db_write_date(struct db_writer *w, int32_t unix_days)
{
	db_write_int4(w, unix_days - POSTGRES_EPOCH_DAYS);
}

int db_writer_error(const struct db_writer *w)
{
	return w->error;
}

/* reason NULL: all rows were sent. */
static int end_copy(struct db_writer *w, const char *reason, struct pg_result **ret,
                    struct errbuf *err)
{
	if (!db_is_alive(w->db))
		return errbuf_set(err, -ECONNRESET, "the connection to the database was lost");
	if (PQputCopyEnd(db_connection(w->db), reason) != 1)
		return db_error_connection(db_connection(w->db), err);
	return db_collect(w->db, ret, err);
}

int db_writer_finish(struct db_writer *w, uint64_t *ret_rows, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *result = NULL;
	int r;

	if (w->left != 0)
		fail(w,
		     errbuf_set(&w->words, -EINVAL, "a row of the copy lacks %u values", w->left));
	put_big_endian(w, UINT16_MAX, 2);
	flush(w);
	r = end_copy(w, w->error ? "the program gave up" : NULL, &result, err);
	/* When libpq could not send, the server's own reason is the better one. */
	if (w->error && (r == 0 || r == -ETIMEDOUT))
		r = errbuf_set(err, w->error, "%s", w->words.text);
	if (r == 0 && ret_rows)
		*ret_rows = db_affected(result);
	free(w);
	return r;
}

void db_writer_abort(struct db_writer *w)
{
	if (!w)
		return;
	(void)end_copy(w, "the program gave up", NULL, NULL);
	free(w);
}
