/*
 * Training rows from a CSV file, streamed: memory is one row. The columns are the program's inputs
 * by name, in any order, and "label" (0 or 1); others are ignored. Rules are those of
 * /score/upload.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/progress.h"
#include "csv/reader.h"
#include "features/row.h"
#include "source.h"

#define CHUNK ((size_t)256 * 1024)

struct reading {
	const struct csv_source *source;
	const struct program *program;
	const struct row_sink *sink;
	struct errbuf *err;
	struct arena arena;
	struct row_columns columns; /* count 0 until the header was read */
	size_t label;               /* its column */
	struct cell *row;
	struct errbuf fault; /* the first of the row */
};

static int find_label(const struct str *names, size_t count, size_t *ret, struct errbuf *err)
{
	for (size_t i = 0; i < count; i++) {
		if (str_is(names[i], LABEL_COLUMN)) {
			*ret = i;
			return 0;
		}
	}
	return errbuf_set(err, -ENOENT, "Missing required columns in CSV: " LABEL_COLUMN);
}

static int read_header(struct reading *r, const struct str *names, size_t count)
{
	int error = row_columns(r->program, names, count, &r->arena, &r->columns, r->err);

	return error < 0 ? error : find_label(names, count, &r->label, r->err);
}

/* 0 or 1, or negative. */
static int parse_label(struct str s)
{
	if (str_is(s, "0") || str_is(s, "0.0") || str_equal_nocase(s, STR("false")))
		return 0;
	if (str_is(s, "1") || str_is(s, "1.0") || str_equal_nocase(s, STR("true")))
		return 1;
	return -EINVAL;
}

static void on_fault(void *self, uint32_t input, const struct field_fault *fault,
                     const struct cJSON *value)
{
	struct reading *r = self;

	(void)value;
	if (r->fault.text[0])
		return;
	errbuf_set(&r->fault, 0, "column \"%.*s\": %s", STR_ARGS(r->program->inputs[input].name),
	           fault->message);
}

static int read_row(struct reading *r, uint64_t line, const struct str *fields, size_t count)
{
	int label = count > r->label ? parse_label(fields[r->label]) : -EINVAL;
	int faults;

	r->fault.text[0] = '\0';
	faults = row_from_fields(r->program, &r->columns, fields, count, r->row, on_fault, r);
	if (faults == -E2BIG)
		errbuf_set(&r->fault, 0, "more fields than columns");
	else if (faults < 0)
		return faults;
	else if (faults == 0 && label < 0)
		errbuf_set(&r->fault, 0, "column \"" LABEL_COLUMN "\": Input should be 0 or 1");
	if (r->fault.text[0]) {
		r->sink->on_bad_row(r->sink->self, line, r->fault.text);
		return 0;
	}
	return r->sink->on_row(r->sink->self, line, r->row, label == 1);
}

static int on_row(void *self, uint64_t line, const struct str *fields, size_t count)
{
	struct reading *r = self;

	return r->columns.count ? read_row(r, line, fields, count) : read_header(r, fields, count);
}

static int on_bad_row(void *self, uint64_t line, const char *what)
{
	struct reading *r = self;

	if (r->columns.count == 0)
		return errbuf_set(r->err, -EBADMSG, "header: %s", what);
	r->sink->on_bad_row(r->sink->self, line, what);
	return 0;
}

static int open_file(const char *path, uint64_t *ret_size, struct errbuf *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errbuf_set(err, -errno, "could not open \"%s\": %s", path, strerror(errno));
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		close(fd);
		return errbuf_set(err, -EINVAL, "\"%s\" is no regular file: it is read twice",
		                  path);
	}
	*ret_size = (uint64_t)st.st_size;
	return fd;
}

static int feed(struct reading *r, struct csv_reader *reader, int fd, struct progress *progress)
{
	CLEANUP(free_p) char *buffer = malloc(CHUNK);
	uint64_t done = 0;

	while (buffer) {
		ssize_t n = read(fd, buffer, CHUNK);
		int error;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errbuf_set(r->err, -errno, "could not read: %s", strerror(errno));
		if (n == 0)
			return csv_finish(reader, r->err);
		error = csv_read(reader, (struct str){ buffer, (size_t)n }, r->err);
		if (error < 0)
			return error;
		done += (uint64_t)n;
		progress_at(progress, done >> 20);
	}
	return -ENOMEM;
}

static int read_file(struct reading *r)
{
	struct csv_options o = { .on_row = on_row, .on_bad_row = on_bad_row, .self = r };
	CLEANUP(close_p) int fd = -1;
	struct csv_reader *reader;
	struct progress progress;
	uint64_t size = 0;
	int error;

	fd = open_file(r->source->path, &size, r->err);
	if (fd < 0)
		return fd;
	error = csv_reader_new(&o, &reader);
	if (error < 0)
		return error;
	progress_start(&progress, "reading", "MiB", size >> 20, r->source->quiet);
	error = feed(r, reader, fd, &progress);
	progress_end(&progress, size >> 20);
	csv_reader_free(reader);
	if (error == 0 && r->columns.count == 0)
		error = errbuf_set(r->err, -ENOENT, "the file is empty");
	return error < 0 ? errbuf_prefix(r->err, error, "%s", r->source->path) : 0;
}

static int csv_source_read(void *self, const struct program *p, const struct row_sink *sink,
                           struct errbuf *err)
{
	struct reading r = { .source = self, .program = p, .sink = sink, .err = err };
	int error = -ENOMEM;

	r.row = arena_calloc(&r.arena, p->input_count, sizeof(*r.row));
	if (r.row)
		error = read_file(&r);
	arena_done(&r.arena);
	return error;
}

struct row_source csv_source(struct csv_source *s)
{
	return (struct row_source){ .read = csv_source_read, .self = s };
}
