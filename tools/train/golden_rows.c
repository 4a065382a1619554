/*
 * Golden rows are read back from the text that goes to disk, letters instead of names and all, and
 * only then scored by XGBoost: what the file says is true of the file, whatever a private value did
 * to the original row.
 */
#include "golden_rows.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "bundle/golden.h"
#include "csv/reader.h"
#include "features/row.h"

struct reread {
	const struct program *program;
	struct arena arena;
	struct row_columns columns;
	struct cell *row;
	void *scratch;
	float *features; /* DATASET_GOLDEN_ROWS of them */
	size_t rows;
	struct errbuf *err;
};

static void on_fault(void *self, uint32_t input, const struct field_fault *fault,
                     const struct cJSON *value)
{
	struct reread *g = self;

	(void)value;
	errbuf_set(g->err, 0, "golden row %zu, column \"%.*s\": %s", g->rows + 1,
	           STR_ARGS(g->program->inputs[input].name), fault->message);
}

static int on_row(void *self, uint64_t line, const struct str *fields, size_t count)
{
	struct reread *g = self;
	int r;

	(void)line;
	if (g->columns.count == 0)
		return row_columns(g->program, fields, count, &g->arena, &g->columns, g->err);
	r = row_from_fields(g->program, &g->columns, fields, count, g->row, on_fault, g);
	if (r != 0)
		return r < 0 ? r : -EBADMSG;
	program_run(g->program, g->row, g->scratch,
	            g->features + g->rows * g->program->feature_count);
	g->rows++;
	return 0;
}

static int reread(struct reread *g, struct str text)
{
	struct csv_options o = { .on_row = on_row, .self = g };
	struct csv_reader *reader;
	int r = csv_reader_new(&o, &reader);

	if (r < 0)
		return r;
	r = csv_read(reader, text, g->err);
	if (r == 0)
		r = csv_finish(reader, g->err);
	csv_reader_free(reader);
	return r;
}

static struct str line_of(const struct dataset *d, size_t i)
{
	size_t from = i ? d->golden_ends[i - 1] : 0;

	return (struct str){ d->golden.p + from, d->golden_ends[i] - from };
}

static void write_lines(const struct dataset *d, const float *margins, const float *contributions,
                        struct strbuf *out)
{
	const struct program *p = &d->program;
	struct str line = line_of(d, 0);

	strbuf_add(out, line.p, line.n);
	golden_write_header(out, p);
	strbuf_addc(out, '\n');
	for (size_t i = 0; i < d->golden_count; i++) {
		line = line_of(d, i + 1);
		strbuf_add(out, line.p, line.n);
		golden_write_row(out, p, margins[i], contributions + i * (p->feature_count + 1));
	}
}

/* The lines with their ends, as a CSV text. */
static void join(const struct dataset *d, struct strbuf *out)
{
	for (size_t i = 0; i <= d->golden_count; i++) {
		struct str line = line_of(d, i);

		strbuf_add(out, line.p, line.n);
		strbuf_addc(out, '\n');
	}
}

static void data_free_p(struct xgb_data **d)
{
	xgb_data_free(*d);
}

static int predict(const struct reread *g, struct xgb_model *m, float *margins,
                   float *contributions)
{
	CLEANUP(data_free_p) struct xgb_data *data = NULL;
	struct xgb_rows rows = {
		.features = g->features,
		.row_count = g->rows,
		.feature_count = g->program->feature_count,
		.threads = 1,
	};
	int r = xgb_data_new(&rows, &data, g->err);

	if (r == 0)
		r = xgb_predict_margins(m, data, margins, g->err);
	if (r == 0)
		r = xgb_predict_contributions(m, data, contributions, g->err);
	return r;
}

static int score(struct reread *g, const struct dataset *d, struct xgb_model *m, struct strbuf *out)
{
	size_t n = d->program.feature_count;
	float *margins = arena_calloc(&g->arena, DATASET_GOLDEN_ROWS, sizeof(*margins));
	float *contributions =
	        arena_calloc(&g->arena, DATASET_GOLDEN_ROWS, (n + 1) * sizeof(*contributions));
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	int r;

	g->row = arena_calloc(&g->arena, d->program.input_count, sizeof(*g->row));
	g->features = arena_calloc(&g->arena, DATASET_GOLDEN_ROWS, n * sizeof(*g->features));
	g->scratch = arena_calloc(&g->arena, 1, program_scratch_size(&d->program) + 64);
	if (arena_failed(&g->arena))
		return -ENOMEM;
	g->scratch = (char *)g->scratch + (64 - (uintptr_t)g->scratch % 64) % 64;
	join(d, &text);
	r = strbuf_error(&text);
	if (r == 0)
		r = reread(g, strbuf_str(&text));
	if (r == 0)
		r = predict(g, m, margins, contributions);
	if (r == 0)
		write_lines(d, margins, contributions, out);
	return r < 0 ? r : strbuf_error(out);
}

int golden_rows_write(const struct dataset *d, struct xgb_model *m, struct strbuf *out,
                      struct errbuf *err)
{
	struct reread g = { .program = &d->program, .err = err };
	int r = score(&g, d, m, out);

	arena_done(&g.arena);
	return r;
}
