/*
 * Streams both holdouts through both versions, each with its own feature program. Memory is a
 * record a row of the slice.
 *
 * Called by judge.c.
 */
#include "slice.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "csv/reader.h"
#include "features/row.h"
#include "source.h"
#include "variety.h"

#define CHUNK ((size_t)256 * 1024)
#define FIRST_ROOM 4096
#define MAX_WEIGHT 1000000.0

struct slice_reading {
	struct slice *slice;
	struct contender *const *contenders;
	enum compare_side side; /* whose holdout is read */
	struct arena arena;     /* of the whole reading */
	struct arena header;    /* of one file */
	struct row_columns columns[COMPARE_SIDES];
	struct cell *cells[COMPARE_SIDES];
	size_t label; /* its column */
	bool began;
	bool usable; /* both programs can read this holdout */
	bool faulty; /* the row at hand */
	struct variety *variety;
	struct errbuf *err;
};

void slice_done(struct slice *s)
{
	free(s->rows);
	*s = (struct slice){ 0 };
}

static int add(struct slice *s, const struct slice_row *row)
{
	size_t room = s->room ? 2 * s->room : FIRST_ROOM;
	struct slice_row *rows;

	if (s->count == s->room) {
		rows = reallocarray(s->rows, room, sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		s->rows = rows;
		s->room = room;
	}
	s->rows[s->count++] = *row;
	return 0;
}

/* --- one row --- */

static void on_fault(void *self, uint32_t input, const struct field_fault *fault,
                     const struct cJSON *value)
{
	struct slice_reading *r = self;

	(void)input;
	(void)fault;
	(void)value;
	r->faulty = true;
}

/* The row's cells by one program; 1: read, 0: it cannot be. */
static int read_cells(struct slice_reading *r, enum compare_side by, const struct str *fields,
                      size_t count)
{
	int faults;

	r->faulty = false;
	faults = row_from_fields(&r->contenders[by]->model.program, &r->columns[by], fields, count,
	                         r->cells[by], on_fault, r);
	if (faults == -ENOMEM)
		return faults;
	return faults == 0 && !r->faulty;
}

/* -1: neither. */
static int label_of(const struct slice_reading *r, const struct str *fields, size_t count)
{
	if (r->label < count && str_is(fields[r->label], "1"))
		return 1;
	return r->label < count && str_is(fields[r->label], "0") ? 0 : -1;
}

static uint32_t weight_of(const struct contender *c, bool label)
{
	double weight = label ? 1 : 1 / c->sample_non_fraud;

	return (uint32_t)lround(weight < MAX_WEIGHT ? weight : MAX_WEIGHT);
}

static float score_by(struct contender *c, const struct cell *cells)
{
	const struct score_options o = { .explain_from = DECISION_MAX };
	struct score_result result;

	score_row(&c->model, cells, &o, &c->scratch, &result);
	return result.score;
}

static int judge_row(struct slice_reading *r, bool label)
{
	const struct program *p = &r->contenders[COMPARE_CANDIDATE]->model.program;
	const struct cell *cells = r->cells[COMPARE_CANDIDATE];
	struct slice_row row = { .label = label, .side = (uint8_t)r->side };
	int64_t zone_us = (int64_t)program_zone_seconds(p) * 1000000;

	if (cells[p->time].v.time_us - zone_us < r->slice->from_us)
		return 0;
	row.key = cells[p->key].v.integer;
	row.weight = weight_of(r->contenders[r->side], label);
	for (unsigned by = 0; by < COMPARE_SIDES; by++)
		row.scores[by] = score_by(r->contenders[by], r->cells[by]);
	return add(r->slice, &row);
}

static int read_row(struct slice_reading *r, const struct str *fields, size_t count)
{
	int label = label_of(r, fields, count);
	int by_candidate = read_cells(r, COMPARE_CANDIDATE, fields, count);
	int by_live = by_candidate < 0 ? by_candidate : read_cells(r, COMPARE_LIVE, fields, count);

	if (by_live < 0)
		return by_live;
	if (by_candidate && r->side == COMPARE_CANDIDATE)
		variety_add_new(r->variety, r->cells[COMPARE_CANDIDATE]);
	else if (by_candidate)
		variety_add_old(r->variety, r->cells[COMPARE_CANDIDATE]);
	if (!by_candidate || !by_live || label < 0) {
		r->slice->unreadable++;
		return 0;
	}
	return judge_row(r, label == 1);
}

/* --- one file --- */

/* A holdout has the inputs of its own version; the other one may need more. */
static int read_header(struct slice_reading *r, const struct str *fields, size_t count)
{
	struct errbuf words;
	int error;

	r->began = true;
	r->usable = true;
	for (unsigned by = 0; by < COMPARE_SIDES; by++) {
		error = row_columns(&r->contenders[by]->model.program, fields, count, &r->header,
		                    &r->columns[by], &words);
		if (error == -ENOMEM)
			return error;
		if (error == 0)
			continue;
		r->usable = false;
		errbuf_set(&r->slice->note, 0,
		           "version \"%s\" cannot read the holdout of \"%s\": %s",
		           r->contenders[by]->version.version,
		           r->contenders[r->side]->version.version, words.text);
	}
	for (r->label = 0; r->label < count; r->label++)
		if (str_is(fields[r->label], LABEL_COLUMN))
			return 0;
	return errbuf_set(r->err, -EBADMSG, "no column \"" LABEL_COLUMN "\"");
}

static int on_row(void *self, uint64_t line, const struct str *fields, size_t count)
{
	struct slice_reading *r = self;

	(void)line;
	if (!r->began)
		return read_header(r, fields, count);
	return r->usable ? read_row(r, fields, count) : 0;
}

static int on_bad_row(void *self, uint64_t line, const char *what)
{
	struct slice_reading *r = self;

	(void)line;
	(void)what;
	r->slice->unreadable++;
	return 0;
}

static int feed(struct slice_reading *r, struct csv_reader *reader, int fd)
{
	CLEANUP(free_p) char *buffer = malloc(CHUNK);
	int error = buffer ? 0 : -ENOMEM;
	off_t at = 0;

	while (error == 0) {
		ssize_t n = pread(fd, buffer, CHUNK, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errbuf_set(r->err, -errno, "could not read: %s", strerror(errno));
		if (n == 0)
			return csv_finish(reader, r->err);
		error = csv_read(reader, (struct str){ buffer, (size_t)n }, r->err);
		at += n;
	}
	return error;
}

static int read_file(struct slice_reading *r, enum compare_side side)
{
	const struct csv_options o = { .on_row = on_row, .on_bad_row = on_bad_row, .self = r };
	const struct contender *c = r->contenders[side];
	struct csv_reader *reader;
	int error = csv_reader_new(&o, &reader);

	if (error < 0)
		return error;
	r->side = side;
	r->began = false;
	error = feed(r, reader, c->holdout_fd);
	csv_reader_free(reader);
	arena_reset(&r->header);
	return error < 0 ? errbuf_prefix(r->err, error, "holdout of version \"%s\"",
	                                 c->version.version)
	                 : 0;
}

/* --- the whole --- */

static int prepare(struct slice_reading *r)
{
	for (unsigned by = 0; by < COMPARE_SIDES; by++) {
		const struct program *p = &r->contenders[by]->model.program;

		r->cells[by] = arena_calloc(&r->arena, p->input_count, sizeof(struct cell));
		if (!r->cells[by])
			return -ENOMEM;
	}
	return variety_new(&r->contenders[COMPARE_CANDIDATE]->model.program, &r->arena,
	                   &r->variety);
}

static void name_dead(struct slice_reading *r)
{
	const struct program *p = &r->contenders[COMPARE_CANDIDATE]->model.program;
	int dead = variety_find_dead(r->variety);

	if (dead >= 0)
		snprintf(r->slice->dead_input, sizeof(r->slice->dead_input), "%.*s",
		         STR_ARGS(p->inputs[dead].name));
}

/* By key; of one key first what is kept. */
static int by_key(const void *a, const void *b, void *self)
{
	const struct slice_row *x = a, *y = b;
	const enum compare_side *newer = self;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (y->side == *newer) - (x->side == *newer);
}

static void drop_duplicates(struct slice *s, enum compare_side newer)
{
	size_t kept = 0;

	if (s->count)
		qsort_r(s->rows, s->count, sizeof(*s->rows), by_key, &newer);
	for (size_t i = 0; i < s->count; i++)
		if (i == 0 || s->rows[i].key != s->rows[kept - 1].key)
			s->rows[kept++] = s->rows[i];
	s->duplicates = s->count - kept;
	s->count = kept;
}

/* Times in a holdout are in its own program's zone, and say none. */
static int check_zones(struct contender *const contenders[COMPARE_SIDES], struct errbuf *err)
{
	if (program_zone_seconds(&contenders[COMPARE_LIVE]->model.program) ==
	    program_zone_seconds(&contenders[COMPARE_CANDIDATE]->model.program))
		return 0;
	return errbuf_set(err, -EINVAL,
	                  "the feature programs of versions \"%s\" and \"%s\" have different "
	                  "time zones",
	                  contenders[COMPARE_LIVE]->version.version,
	                  contenders[COMPARE_CANDIDATE]->version.version);
}

static int read_both(struct slice_reading *r)
{
	int error = prepare(r);

	/* the newer rows first, see variety.h */
	if (error == 0)
		error = read_file(r, COMPARE_CANDIDATE);
	if (error == 0)
		error = read_file(r, COMPARE_LIVE);
	return error;
}

int slice_read(struct slice *s, struct contender *const contenders[COMPARE_SIDES],
               struct errbuf *err)
{
	struct slice_reading r = { .slice = s, .contenders = contenders, .err = err };
	int64_t live = contenders[COMPARE_LIVE]->cutoff_us;
	int64_t candidate = contenders[COMPARE_CANDIDATE]->cutoff_us;
	int error = check_zones(contenders, err);

	if (error < 0)
		return error;
	errbuf_set(err, 0, "no memory for the holdouts");
	s->from_us = candidate > live ? candidate : live;
	error = read_both(&r);
	if (error == 0) {
		name_dead(&r);
		drop_duplicates(s, candidate >= live ? COMPARE_CANDIDATE : COMPARE_LIVE);
	}
	arena_done(&r.header);
	arena_done(&r.arena);
	return error;
}
