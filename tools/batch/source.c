/*
 * The source is a query of the operator's, wrapped as "select … from (<query>) as q": what is no
 * SELECT, or several, or writes, does not parse there. Only the columns that the model's inputs
 * name are read, so the query may give more.
 *
 * Called by batch.c at start, by feed.c for every window.
 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "db/copy.h"
#include "db/embedded.h"
#include "db/query.h"

#define BUILT_IN "new_transactions"
#define MAX_SQL ((size_t)1024 * 1024)
#define XID8_OID 5069 /* fixed in PostgreSQL's catalogue */

/* --- the text --- */

/* Where the text is to blame, and not memory or the way to the server. */
static int bad(int r)
{
	switch (r) {
	case -ENOMEM:
	case -ETIMEDOUT:
	case -ECONNRESET:
	case -ECONNREFUSED:
		return r;
	default:
		return -EBADMSG;
	}
}

static int bind(struct source *s, struct str text, struct errbuf *err)
{
	int r = query_bind(text, NULL, 0, &s->sql, err);

	if (r == -ENOMEM)
		return errbuf_set(err, r, "out of memory");
	return r < 0 ? errbuf_prefix(err, -EBADMSG, "\"%s\"", s->name) : 0;
}

int source_read(struct source *s, const char *path, struct errbuf *err)
{
	CLEANUP(free_p) char *text = NULL;
	size_t n;
	int r;

	if (!*path) {
		s->name = "sql/queries/" BUILT_IN ".sql";
		return bind(s, embedded_query(BUILT_IN)->text, err);
	}
	s->name = path;
	r = file_read(AT_FDCWD, path, MAX_SQL, &text, &n);
	if (r < 0)
		return errbuf_set(err, bad(r), "could not read the source \"%s\": %s", path,
		                  strerror(-r));
	return bind(s, (struct str){ text, n }, err);
}

void source_done(struct source *s)
{
	strbuf_done(&s->sql);
}

/* --- what it gives --- */

struct check {
	struct source *source;
	struct db *db;
	struct str version;
	struct db_column *columns;
	size_t count;
	struct errbuf *err;
};

static int describe(struct check *c)
{
	struct source *s = c->source;
	struct strbuf sql = { 0 };
	int r;

	/* The newline ends a comment that the query may close with. */
	strbuf_addf(&sql, "select * from (%.*s\n) as q", (int)s->sql.n, s->sql.p);
	r = strbuf_error(&sql);
	if (r == 0)
		r = db_describe(c->db, sql.p, &c->columns, &c->count, c->err);
	else
		errbuf_set(c->err, r, "out of memory");
	strbuf_done(&sql);
	return r < 0 ? errbuf_prefix(c->err, bad(r), "\"%s\" is no query to read from", s->name)
	             : 0;
}

/* -ENOENT, or -EEXIST for a name that two columns have: nobody could say which is meant. */
static int find_column(const struct check *c, struct str name, const struct db_column **ret)
{
	const struct db_column *found = NULL;

	for (size_t i = 0; i < c->count; i++) {
		if (!str_equal(c->columns[i].name, name))
			continue;
		if (found)
			return -EEXIST;
		found = &c->columns[i];
	}
	if (!found)
		return -ENOENT;
	*ret = found;
	return 0;
}

static int find_missing(const struct check *c, struct strbuf *list)
{
	const struct program *p = c->source->program;
	const struct db_column *column;

	for (uint32_t i = 0; i < p->input_count; i++) {
		if (find_column(c, p->inputs[i].name, &column) != -ENOENT)
			continue;
		strbuf_adds(list, list->n ? ", " : "");
		window_write_name(p->inputs[i].name, list);
	}
	return strbuf_error(list);
}

static int check_missing(const struct check *c)
{
	struct strbuf list = { 0 };
	int r = find_missing(c, &list);

	if (r < 0)
		errbuf_set(c->err, r, "out of memory");
	else if (list.n)
		r = errbuf_set(c->err, -EBADMSG, "\"%s\" lacks what model %.*s needs: column %s",
		               c->source->name, STR_ARGS(c->version), list.p);
	strbuf_done(&list);
	return r;
}

static const char *const input_names[INPUT_TYPE_MAX] = {
	[INPUT_INTEGER] = "integer",   [INPUT_NUMBER] = "number", [INPUT_CATEGORY] = "category",
	[INPUT_DATETIME] = "datetime", [INPUT_DATE] = "date",     [INPUT_TEXT] = "text",
};

static int wrong_type(const struct check *c, const struct db_column *column, const char *wanted)
{
	CLEANUP(db_result_free_p) struct pg_result *type = NULL;
	const struct db_param none[1] = { DB_NULL };
	char sql[80];
	int r;

	snprintf(sql, sizeof(sql), "select format_type(%u, null)", column->oid);
	r = db_query_row(c->db, sql, none, 0, &type, c->err);
	if (r < 0)
		return r;
	return errbuf_set(c->err, -EBADMSG, "\"%s\": column \"%.*s\" is %s and cannot be %s",
	                  c->source->name, STR_ARGS(column->name), db_text(type, 0, 0).p, wanted);
}

static int check_input(const struct check *c, uint32_t i)
{
	const struct program_input *in = &c->source->program->inputs[i];
	const struct db_column *column;
	char wanted[40];

	if (find_column(c, in->name, &column) < 0)
		return errbuf_set(c->err, -EBADMSG, "\"%s\" has two columns \"%.*s\"",
		                  c->source->name, STR_ARGS(in->name));
	if (column->type < 0 || !column_fits(in->type, (enum column_type)column->type)) {
		snprintf(wanted, sizeof(wanted), "an input of type %s", input_names[in->type]);
		return wrong_type(c, column, wanted);
	}
	c->source->types[i] = (enum column_type)column->type;
	return 0;
}

/* Scores are kept by it, and the cursor compares it: an integer, whatever the program would take.
 */
static int check_key(const struct check *c)
{
	const struct program *p = c->source->program;
	const struct db_column *column = NULL;
	int r;

	if (p->key < 0)
		return errbuf_set(c->err, -EBADMSG, "model %.*s has no input of role key",
		                  STR_ARGS(c->version));
	r = find_column(c, p->inputs[p->key].name, &column);
	if (r < 0)
		return r;
	if (column->type == COLUMN_INT2 || column->type == COLUMN_INT4 ||
	    column->type == COLUMN_INT8)
		return 0;
	return wrong_type(c, column, "a key: smallint, integer or bigint");
}

static int check_xid(const struct check *c)
{
	const struct db_column *column;
	int r = find_column(c, STR(WINDOW_XID_COLUMN), &column);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return errbuf_set(c->err, -EBADMSG,
		                  "\"%s\" has two columns \"" WINDOW_XID_COLUMN "\"",
		                  c->source->name);
	if (column->oid != XID8_OID)
		return wrong_type(c, column, "the writer's transaction: xid8");
	c->source->has_xid = true;
	return 0;
}

static int check_columns(const struct check *c)
{
	int r = check_missing(c);

	for (uint32_t i = 0; r == 0 && i < c->source->program->input_count; i++)
		r = check_input(c, i);
	if (r == 0)
		r = check_key(c);
	return r < 0 ? r : check_xid(c);
}

int source_check(struct source *s, struct db *db, const struct program *p, struct str version,
                 struct arena *a, struct errbuf *err)
{
	struct check c = { .source = s, .db = db, .version = version, .err = err };
	int r;

	s->program = p;
	s->types = arena_calloc(a, p->input_count + 1, sizeof(*s->types));
	if (!s->types)
		return errbuf_set(err, -ENOMEM, "out of memory");
	r = describe(&c);
	if (r == 0)
		r = check_columns(&c);
	free(c.columns);
	return r;
}

struct str source_key(const struct source *s)
{
	return s->program->inputs[s->program->key].name;
}

struct str source_time(const struct source *s)
{
	int time = s->program->time;

	return time < 0 ? (struct str){ "", 0 } : s->program->inputs[time].name;
}

/* --- statements --- */

/* A text that is too long comes with one byte more than is allowed, so the reader can tell. */
static void write_input(const struct source *s, uint32_t i, struct strbuf *out)
{
	struct str name = s->program->inputs[i].name;
	bool text = s->types[i] == COLUMN_TEXT;

	strbuf_adds(out, text ? "case when octet_length(q." : "q.");
	window_write_name(name, out);
	if (!text)
		return;
	strbuf_addf(out, ") > %d then left(q.", SOURCE_MAX_TEXT);
	window_write_name(name, out);
	strbuf_addf(out, ", %d) else q.", SOURCE_MAX_TEXT + 1);
	window_write_name(name, out);
	strbuf_adds(out, " end");
}

static int write_from(const struct source *s, const struct window *w, struct strbuf *out,
                      struct errbuf *err)
{
	strbuf_addf(out, " from (%.*s\n) as q where ", (int)s->sql.n, s->sql.p);
	return window_write(w, out, err);
}

int source_write_rows(const struct source *s, const struct window *w, uint64_t limit,
                      struct strbuf *out, struct errbuf *err)
{
	bool ordered = w->kind == WINDOW_SNAPSHOTS;
	int r;

	strbuf_adds(out, "select ");
	for (uint32_t i = 0; i < s->program->input_count; i++) {
		strbuf_adds(out, i ? ", " : "");
		write_input(s, i, out);
	}
	strbuf_adds(out, ordered ? ", q." WINDOW_XID_COLUMN : "");
	r = write_from(s, w, out, err);
	if (r < 0)
		return r;
	strbuf_adds(out, " and q.");
	window_write_name(w->key, out);
	strbuf_adds(out, " is not null");
	if (ordered) {
		strbuf_adds(out, " order by q." WINDOW_XID_COLUMN ", q.");
		window_write_name(w->key, out);
	}
	if (limit)
		strbuf_addf(out, " limit %llu", (unsigned long long)limit);
	r = strbuf_error(out);
	return r < 0 ? errbuf_set(err, r, "out of memory") : 0;
}

int source_write_count(const struct source *s, const struct window *w, struct strbuf *out,
                       struct errbuf *err)
{
	strbuf_adds(out, "select count(*), count(*) filter (where q.");
	window_write_name(w->key, out);
	strbuf_adds(out, " is null)");
	return write_from(s, w, out, err);
}
