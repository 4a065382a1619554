/*
 * COPY (query) TO STDOUT (FORMAT binary), a row at a time. The columns come from a describe of the
 * query before anything is copied, so a wrong query is told with its column and not in the middle.
 * Every length in the stream is checked against what arrived: the server is trusted to be
 * PostgreSQL, not to be right.
 *
 * Called by training (window), batch (new transactions) and the tests of both.
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

static const char copy_signature[11] = "PGCOPY\n\377\r\n";

struct db_reader {
	struct db *db;
	struct db_column *columns;
	size_t column_count;
	struct str *fields; /* into message */
	char *message;      /* libpq's */
	size_t size, at;
	bool header_seen, trailer_seen, ended;
};

/* --- description --- */

struct type_row {
	uint32_t oid; /* fixed in PostgreSQL's catalogue */
	enum column_type type;
};

static const struct type_row type_table[] = {
	{ 16, COLUMN_BOOL },      { 20, COLUMN_INT8 },        { 21, COLUMN_INT2 },
	{ 23, COLUMN_INT4 },      { 25, COLUMN_TEXT },        { 700, COLUMN_FLOAT4 },
	{ 701, COLUMN_FLOAT8 },   { 1042, COLUMN_TEXT },      { 1043, COLUMN_TEXT },
	{ 1082, COLUMN_DATE },    { 1114, COLUMN_TIMESTAMP }, { 1184, COLUMN_TIMESTAMPTZ },
	{ 1700, COLUMN_NUMERIC },
};

int db_column_type(uint32_t oid)
{
	size_t i;

	for (i = 0; i < sizeof(type_table) / sizeof(type_table[0]); i++)
		if (type_table[i].oid == oid)
			return (int)type_table[i].type;
	return -1;
}

/* One block: the array, then the names that it points to. */
static struct db_column *columns_of(const PGresult *result)
{
	size_t count = (size_t)PQnfields(result), bytes = count * sizeof(struct db_column), i, n;
	struct db_column *columns;
	char *names;

	for (i = 0; i < count; i++)
		bytes += strlen(PQfname(result, (int)i)) + 1;
	columns = malloc(bytes ? bytes : 1);
	if (!columns)
		return NULL;
	names = (char *)(columns + count);
	for (i = 0; i < count; i++) {
		n = strlen(PQfname(result, (int)i));
		memcpy(names, PQfname(result, (int)i), n + 1);
		columns[i].name = (struct str){ names, n };
		columns[i].oid = PQftype(result, (int)i);
		columns[i].type = db_column_type(columns[i].oid);
		names += n + 1;
	}
	return columns;
}

int db_describe(struct db *db, const char *query, struct db_column **ret, size_t *ret_count,
                struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *result = NULL;
	struct db_column *columns;
	int r = db_prepare_statement(db, err);

	if (r < 0)
		return r;
	if (!PQsendPrepare(db_connection(db), "", query, 0, NULL))
		return db_error_connection(db_connection(db), err);
	r = db_collect(db, NULL, err);
	if (r < 0)
		return r;
	if (!PQsendDescribePrepared(db_connection(db), ""))
		return db_error_connection(db_connection(db), err);
	r = db_collect(db, &result, err);
	if (r < 0)
		return r;
	if (PQnfields(result) == 0)
		return errbuf_set(err, -EINVAL, "the query gives no columns");
	columns = columns_of(result);
	if (!columns)
		return errbuf_set(err, -ENOMEM, "out of memory");
	*ret = columns;
	*ret_count = (size_t)PQnfields(result);
	return 0;
}

/* --- opening --- */

/* The query's text without the semicolon at its end, if it has one. */
static struct str trim_query(const char *query)
{
	struct str s = str_of(query);

	while (s.n > 0 && strchr(" \t\r\n;", s.p[s.n - 1]))
		s.n--;
	return s;
}

static int start_copy(struct db *db, struct str query, struct errbuf *err)
{
	struct strbuf sql = { 0 };
	int r = 0;

	/* The newline ends a comment that the query may close with. */
	strbuf_addf(&sql, "copy (%.*s\n) to stdout (format binary)", STR_ARGS(query));
	r = strbuf_error(&sql);
	if (r == 0 && !PQsendQuery(db_connection(db), sql.p))
		r = db_error_connection(db_connection(db), err);
	else if (r == 0)
		r = db_collect(db, NULL, err);
	else
		errbuf_set(err, r, "out of memory");
	strbuf_done(&sql);
	return r;
}

int db_reader_open(struct db *db, const char *query, struct db_reader **ret, struct errbuf *err)
{
	CLEANUP(db_reader_close_p) struct db_reader *reader = calloc(1, sizeof(*reader));
	CLEANUP(free_p) char *text = NULL;
	struct str trimmed = trim_query(query);
	int r;

	if (!reader)
		return errbuf_set(err, -ENOMEM, "out of memory");
	reader->ended = true; /* until the copy runs there is nothing to cancel */
	reader->db = db;
	text = strndup(trimmed.p, trimmed.n);
	if (!text)
		return errbuf_set(err, -ENOMEM, "out of memory");
	r = db_describe(db, text, &reader->columns, &reader->column_count, err);
	if (r < 0)
		return r;
	reader->fields = calloc(reader->column_count + 1, sizeof(*reader->fields));
	if (!reader->fields)
		return errbuf_set(err, -ENOMEM, "out of memory");
	r = start_copy(db, trimmed, err);
	if (r < 0)
		return r;
	reader->ended = false;
	*ret = take_ptr(&reader);
	return 0;
}

const struct db_column *db_reader_columns(const struct db_reader *r, size_t *ret_count)
{
	*ret_count = r->column_count;
	return r->columns;
}

/* --- the stream --- */

static int bad_stream(struct errbuf *err)
{
	return errbuf_set(err, -EBADMSG, "the database sent a copy stream that cannot be read");
}

static int take(struct db_reader *r, size_t n, const unsigned char **ret)
{
	if (r->size - r->at < n)
		return -EBADMSG;
	*ret = (const unsigned char *)r->message + r->at;
	r->at += n;
	return 0;
}

static int take_u32(struct db_reader *r, uint32_t *ret)
{
	const unsigned char *p;

	if (take(r, 4, &p) < 0)
		return -EBADMSG;
	*ret = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	return 0;
}

/* Signature, flags, length of an extension, the extension. */
static int take_header(struct db_reader *r)
{
	const unsigned char *p;
	uint32_t flags, extension;

	if (take(r, sizeof(copy_signature), &p) < 0 ||
	    memcmp(p, copy_signature, sizeof(copy_signature)) != 0)
		return -EBADMSG;
	if (take_u32(r, &flags) < 0 || take_u32(r, &extension) < 0 || flags >> 16 != 0)
		return -EBADMSG;
	r->header_seen = true;
	return take(r, extension, &p);
}

static int take_field(struct db_reader *r, struct str *ret)
{
	const unsigned char *p;
	uint32_t size;

	if (take_u32(r, &size) < 0)
		return -EBADMSG;
	if (size == UINT32_MAX) {
		*ret = (struct str){ NULL, 0 };
		return 0;
	}
	if (take(r, size, &p) < 0)
		return -EBADMSG;
	*ret = (struct str){ (const char *)p, size };
	return 0;
}

/* 1: a row; 0: the trailer. */
static int take_row(struct db_reader *r)
{
	const unsigned char *p;
	size_t i;
	int count;

	if (take(r, 2, &p) < 0)
		return -EBADMSG;
	count = (int16_t)(p[0] << 8 | p[1]);
	if (count == -1) {
		r->trailer_seen = true;
		return 0;
	}
	if (count < 0 || (size_t)count != r->column_count)
		return -EBADMSG;
	for (i = 0; i < r->column_count; i++)
		if (take_field(r, &r->fields[i]) < 0)
			return -EBADMSG;
	return 1;
}

/* The next message of the copy; 1, 0 at its end, or negative. */
static int next_message(struct db_reader *r, struct errbuf *err)
{
	int n, result;

	PQfreemem(r->message);
	r->message = NULL;
	r->size = r->at = 0;
	for (;;) {
		n = PQgetCopyData(db_connection(r->db), &r->message, 1);
		if (n != 0)
			break;
		result = db_await_input(r->db, db_wait_limit(r->db), err);
		if (result < 0) {
			r->ended = true;
			return result;
		}
	}
	if (n > 0) {
		r->size = (size_t)n;
		return 1;
	}
	r->ended = true;
	if (n < -1)
		return db_error_connection(db_connection(r->db), err);
	result = db_collect(r->db, NULL, err);
	return result < 0 ? result : 0;
}

int db_reader_next(struct db_reader *r, const struct str **ret_fields, struct errbuf *err)
{
	int n;

	while (!r->ended) {
		if (r->at == r->size) {
			n = next_message(r, err);
			if (n < 0)
				return n;
			continue;
		}
		if (!r->header_seen && take_header(r) < 0)
			return bad_stream(err);
		if (r->at == r->size)
			continue;
		n = r->trailer_seen ? -EBADMSG : take_row(r);
		if (n < 0)
			return bad_stream(err);
		if (n > 0) {
			*ret_fields = r->fields;
			return 1;
		}
	}
	return r->trailer_seen ? 0 : bad_stream(err);
}

/* --- closing --- */

static void cancel_copy(struct db_reader *r)
{
	PGcancel *cancel = PQgetCancel(db_connection(r->db));
	char words[256];
	int n;

	if (cancel) {
		(void)PQcancel(cancel, words, sizeof(words));
		PQfreeCancel(cancel);
	}
	do
		n = next_message(r, NULL);
	while (n > 0);
}

void db_reader_close(struct db_reader *r)
{
	if (!r)
		return;
	if (!r->ended && db_is_alive(r->db))
		cancel_copy(r);
	PQfreemem(r->message);
	free(r->fields);
	free(r->columns);
	free(r);
}

void db_reader_close_p(struct db_reader *const *r)
{
	db_reader_close(*r);
}
