/*
 * A sorted array of keys with a mark each. Labels decide what a model learns, so a line that cannot
 * be read ends the reading: a fraud that is silently left out would teach the opposite.
 *
 * Called by window.c; met by selection.c for each row of the window.
 */
#include "label_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "csv/reader.h"
#include "db/db.h"
#include "features/row.h"

#define MAX_FILE ((size_t)1024 * 1024 * 1024)
#define KNOWN_AT "known_at"
#define NO_COLUMN SIZE_MAX

struct label_set {
	int64_t *keys; /* sorted, each once, after finish() */
	uint8_t *met;
	size_t count, room;
};

struct label_reading {
	const struct label_file *file;
	struct label_set *set;
	struct errbuf *err;
	size_t key, known_at; /* columns */
	bool began;
};

static int add(struct label_set *s, int64_t key)
{
	size_t room = s->room ? 2 * s->room : 1024;
	int64_t *keys;

	if (s->count == s->room) {
		keys = reallocarray(s->keys, room, sizeof(*keys));
		if (!keys)
			return -ENOMEM;
		s->keys = keys;
		s->room = room;
	}
	s->keys[s->count++] = key;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int finish(struct label_set *s)
{
	size_t kept = 0;

	if (s->count)
		qsort(s->keys, s->count, sizeof(*s->keys), by_key);
	for (size_t i = 0; i < s->count; i++)
		if (i == 0 || s->keys[i] != s->keys[kept - 1])
			s->keys[kept++] = s->keys[i];
	s->count = kept;
	s->met = calloc(kept + 1, 1);
	return s->met ? 0 : -ENOMEM;
}

void label_set_free(struct label_set *s)
{
	if (!s)
		return;
	free(s->keys);
	free(s->met);
	free(s);
}

static void label_set_free_p(struct label_set **s)
{
	label_set_free(*s);
}

/* --- from a file --- */

static int fail(const struct label_reading *r, uint64_t line, const char *what)
{
	return errbuf_set(r->err, -EBADMSG, "%s:%llu: %s", r->file->path, (unsigned long long)line,
	                  what);
}

static bool is_key(struct str text, int64_t *ret)
{
	const struct program_input in = { .type = INPUT_INTEGER };
	struct field_fault fault;
	struct cell cell;

	if (cell_from_text(&in, str_trim(text), &cell, &fault) < 0 || !cell.present)
		return false;
	*ret = cell.v.integer;
	return true;
}

/* True if it is a header. Without one the first line is a key already. */
static bool read_header(struct label_reading *r, const struct str *fields, size_t count)
{
	int64_t key;

	r->began = true;
	r->known_at = NO_COLUMN;
	for (size_t i = 0; i < count; i++) {
		if (str_is(str_trim(fields[i]), r->file->key))
			r->key = i;
		if (str_is(str_trim(fields[i]), KNOWN_AT))
			r->known_at = i;
	}
	return !is_key(fields[0], &key);
}

static int is_known(const struct label_reading *r, uint64_t line, const struct str *fields,
                    size_t count)
{
	const struct program_input in = { .type = INPUT_DATETIME,
		                          .zone_seconds = r->file->zone_seconds };
	struct field_fault fault;
	struct cell cell;

	if (r->known_at == NO_COLUMN || r->known_at >= count)
		return 1;
	if (cell_from_text(&in, fields[r->known_at], &cell, &fault) < 0)
		return fail(r, line, "column \"" KNOWN_AT "\" is no time");
	return !cell.present || cell.v.time_us < r->file->until_us;
}

static int on_row(void *self, uint64_t line, const struct str *fields, size_t count)
{
	struct label_reading *r = self;
	int64_t key;
	int known;

	if (!r->began && read_header(r, fields, count))
		return 0;
	if (r->key >= count || !is_key(fields[r->key], &key))
		return fail(r, line, "the key of a transaction is wanted, an integer");
	known = is_known(r, line, fields, count);
	if (known <= 0)
		return known;
	return add(r->set, key) < 0 ? errbuf_set(r->err, -ENOMEM, "out of memory") : 0;
}

static int read_text(struct label_reading *r, struct str text)
{
	const struct csv_options o = { .on_row = on_row, .self = r };
	struct csv_reader *reader;
	int error = csv_reader_new(&o, &reader);

	if (error < 0)
		return errbuf_set(r->err, error, "out of memory");
	error = csv_read(reader, text, r->err);
	if (error == 0)
		error = csv_finish(reader, r->err);
	csv_reader_free(reader);
	return error;
}

int label_set_read(const struct label_file *file, struct label_set **ret, struct errbuf *err)
{
	CLEANUP(label_set_free_p) struct label_set *s = calloc(1, sizeof(*s));
	struct label_reading reading = { .file = file, .set = s, .err = err };
	CLEANUP(free_p) char *text = NULL;
	size_t n = 0;
	int r = s ? file_read(AT_FDCWD, file->path, MAX_FILE, &text, &n) : -ENOMEM;

	if (r < 0)
		return errbuf_set(err, r, "could not read \"%s\": %s", file->path, strerror(-r));
	r = read_text(&reading, (struct str){ text, n });
	if (r < 0)
		return r;
	r = finish(s);
	if (r < 0)
		return errbuf_set(err, r, "out of memory");
	*ret = take_ptr(&s);
	return 0;
}

/* --- from the label table --- */

static const char load_sql[] =
        "select transaction_seq from fraud_labels"
        " where is_fraud and known_at >= $1::timestamptz and known_at < $2::timestamptz";

static int load_keys(struct db *db, const char *from, const char *until, struct label_set *s,
                     struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *rows = NULL;
	const struct db_param params[] = { DB_TEXT(from), DB_TEXT(until) };
	int r = db_query(db, load_sql, params, 2, &rows, err);

	for (size_t i = 0; r == 0 && i < db_rows(rows); i++)
		if (add(s, db_integer(rows, i, 0)) < 0)
			r = errbuf_set(err, -ENOMEM, "out of memory");
	return r;
}

static int has_table(struct db *db, bool *ret, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *row = NULL;
	int r = db_query_row(db, "select to_regclass('fraud_labels') is not null", NULL, 0, &row,
	                     err);

	if (r == 0)
		*ret = db_bool(row, 0, 0);
	return r;
}

int label_set_load(struct db *db, const char *from, const char *until, struct label_set **ret,
                   struct errbuf *err)
{
	CLEANUP(label_set_free_p) struct label_set *s = calloc(1, sizeof(*s));
	bool is_there = false;
	int r = s ? has_table(db, &is_there, err) : errbuf_set(err, -ENOMEM, "out of memory");

	if (r == 0 && is_there)
		r = load_keys(db, from, until, s, err);
	if (r < 0)
		return r;
	r = finish(s);
	if (r < 0)
		return errbuf_set(err, r, "out of memory");
	*ret = take_ptr(&s);
	return 0;
}

/* --- asking --- */

bool label_set_meet(struct label_set *s, int64_t key)
{
	const int64_t *found =
	        s->count ? bsearch(&key, s->keys, s->count, sizeof(*s->keys), by_key) : NULL;

	if (found)
		s->met[found - s->keys] = 1;
	return found;
}

size_t label_set_count(const struct label_set *s)
{
	return s->count;
}

size_t label_set_unmet(const struct label_set *s, int64_t *ret_first)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++) {
		if (s->met[i])
			continue;
		if (n++ == 0)
			*ret_first = s->keys[i];
	}
	return n;
}
