/*
 * Training rows from a query, by COPY BINARY: the values go through the same cells as a request's.
 * The query names its columns as the program names its inputs, and "label" (integer or boolean).
 * Memory is one row.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/progress.h"
#include "db/copy.h"
#include "db/db.h"
#include "features/row.h"
#include "source.h"
#include "watch.h"

struct reading {
	const struct program *program;
	const struct row_sink *sink;
	struct errbuf *err;
	struct arena arena;
	const struct db_column *columns;
	size_t column_count;
	int *input; /* of each column; -1: none */
	size_t label;
	struct cell *row;
	uint64_t rows;
	const struct watch *watch;
};

#define STAGE "reading"
#define ROWS_A_WORD 1024

int database_snapshot_begin(struct db *db, struct errbuf *err)
{
	return db_exec(db, "begin isolation level repeatable read read only", err);
}

static int check_column(const struct reading *r, size_t at, int input)
{
	const struct db_column *c = &r->columns[at];
	const struct program_input *in = &r->program->inputs[input];

	if (c->type >= 0 && column_fits(in->type, (enum column_type)c->type))
		return 0;
	return errbuf_set(r->err, -EINVAL,
	                  "column \"%.*s\" is of a type that cannot feed its input",
	                  STR_ARGS(c->name));
}

static bool is_label_type(int type)
{
	return type == COLUMN_BOOL || type == COLUMN_INT2 || type == COLUMN_INT4 ||
	       type == COLUMN_INT8;
}

static int map_columns(struct reading *r)
{
	r->label = r->column_count;
	for (size_t i = 0; i < r->column_count; i++) {
		const struct db_column *c = &r->columns[i];
		int error = 0;

		r->input[i] = program_find_input(r->program, c->name);
		if (r->input[i] >= 0)
			error = check_column(r, i, r->input[i]);
		if (error < 0)
			return error;
		if (str_is(c->name, LABEL_COLUMN))
			r->label = i;
	}
	if (r->label == r->column_count)
		return errbuf_set(r->err, -ENOENT, "the query has no column \"" LABEL_COLUMN "\"");
	if (!is_label_type(r->columns[r->label].type))
		return errbuf_set(r->err, -EINVAL,
		                  "column \"" LABEL_COLUMN "\" is neither integer nor boolean");
	return 0;
}

static bool has_input(const struct reading *r, int input)
{
	for (size_t i = 0; i < r->column_count; i++) {
		if (r->input[i] == input)
			return true;
	}
	return false;
}

static int check_required(const struct reading *r)
{
	for (uint32_t i = 0; i < r->program->input_count; i++) {
		const struct program_input *in = &r->program->inputs[i];

		if (in->required && !has_input(r, (int)i))
			return errbuf_set(r->err, -ENOENT, "the query has no column \"%.*s\"",
			                  STR_ARGS(in->name));
	}
	return 0;
}

/* 0 or 1, or negative. Big-endian, as every binary integer of PostgreSQL. */
static int parse_label(struct str s)
{
	if (!s.p || s.n == 0 || (s.p[s.n - 1] & ~1))
		return -EINVAL;
	for (size_t i = 0; i + 1 < s.n; i++) {
		if (s.p[i])
			return -EINVAL;
	}
	return s.p[s.n - 1];
}

static int read_cell(struct reading *r, size_t at, struct str field, struct errbuf *fault)
{
	const struct program_input *in = &r->program->inputs[r->input[at]];
	struct field_fault f;
	int error = cell_from_binary(in, (enum column_type)r->columns[at].type, field.p, field.n,
	                             &r->row[r->input[at]], &f);

	return error < 0 ? errbuf_set(fault, error, "column \"%.*s\": %s", STR_ARGS(in->name),
	                              f.message)
	                 : 0;
}

static int read_row(struct reading *r, const struct str *fields)
{
	int label = parse_label(fields[r->label]);
	struct errbuf fault = { "" };
	int error = 0;

	r->rows++;
	program_row_reset(r->program, r->row);
	for (size_t i = 0; error == 0 && i < r->column_count; i++) {
		if (r->input[i] >= 0)
			error = read_cell(r, i, fields[i], &fault);
	}
	if (error == 0 && label < 0)
		error = errbuf_set(&fault, label,
		                   "column \"" LABEL_COLUMN "\": Input should be 0 or 1");
	if (error < 0) {
		r->sink->on_bad_row(r->sink->self, r->rows, fault.text);
		return 0;
	}
	return r->sink->on_row(r->sink->self, r->rows, r->row, label == 1);
}

static int read_rows(struct reading *r, struct db_reader *reader, bool quiet)
{
	struct progress progress;
	const struct str *fields;
	int error;

	progress_start(&progress, STAGE, "rows", 0, quiet);
	while ((error = db_reader_next(reader, &fields, r->err)) > 0) {
		error = read_row(r, fields);
		if (error == 0 && r->rows % ROWS_A_WORD == 0)
			error = watch_tell(r->watch, STAGE, r->rows, 0);
		if (error < 0)
			break;
		progress_at(&progress, r->rows);
	}
	progress_end(&progress, r->rows);
	return error;
}

static int prepare(struct reading *r, const struct db_reader *reader)
{
	int error;

	r->columns = db_reader_columns(reader, &r->column_count);
	r->input = arena_calloc(&r->arena, r->column_count + 1, sizeof(*r->input));
	r->row = arena_calloc(&r->arena, r->program->input_count, sizeof(*r->row));
	if (arena_failed(&r->arena))
		return -ENOMEM;
	error = map_columns(r);
	return error < 0 ? error : check_required(r);
}

static int database_source_read(void *self, const struct program *p, const struct row_sink *sink,
                                struct errbuf *err)
{
	struct database_source *s = self;
	struct reading r = { .program = p, .sink = sink, .err = err, .watch = s->watch };
	CLEANUP(db_reader_close_p) struct db_reader *reader = NULL;
	int error = db_reader_open(s->db, s->query, &reader, err);

	if (error == 0)
		error = prepare(&r, reader);
	if (error == 0)
		error = read_rows(&r, reader, s->quiet);
	arena_done(&r.arena);
	return error;
}

struct row_source database_source(struct database_source *s)
{
	return (struct row_source){ .read = database_source_read, .self = s };
}
