/*
 * Writes and checks golden rows. They prove on the serving host, without libxgboost, that importer,
 * feature program, prediction and explanation do what the trainer's XGBoost did. Called by
 * bundle_verify() in the compile child, and by the trainer before a version is published.
 */
#include "bundle/golden.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "csv/reader.h"
#include "features/row.h"
#include "json/writer.h"

#define SHAP_PREFIX "@shap:"
#define TOLERANCE 1e-5

struct checker {
	const struct score_model *model;
	struct errbuf *err;
	struct arena arena;
	struct score_scratch scratch;
	struct cell *row;
	struct row_columns columns; /* count 0 until the header was read */
	size_t first;               /* column of @margin; SHAP values and bias follow */
	int rows;
};

static void add_float(struct strbuf *out, float v)
{
	char digits[NUMBER_TEXT_SIZE];

	strbuf_addc(out, ',');
	strbuf_add(out, digits, number_print_float(v, digits));
}

void golden_write_header(struct strbuf *out, const struct program *p)
{
	char name[sizeof(SHAP_PREFIX) + PROGRAM_MAX_NAME];

	strbuf_adds(out, ",@margin");
	for (uint32_t i = 0; i < p->feature_count; i++) {
		struct str feature = program_feature_name(p, i);
		size_t n = feature.n < PROGRAM_MAX_NAME ? feature.n : PROGRAM_MAX_NAME;

		memcpy(name, SHAP_PREFIX, sizeof(SHAP_PREFIX) - 1);
		memcpy(name + sizeof(SHAP_PREFIX) - 1, feature.p, n);
		csv_write_field(out, (struct str){ name, sizeof(SHAP_PREFIX) - 1 + n }, false);
	}
	strbuf_adds(out, ",@bias");
}

void golden_write_row(struct strbuf *out, const struct program *p, float margin,
                      const float *contributions)
{
	add_float(out, margin);
	for (uint32_t i = 0; i <= p->feature_count; i++)
		add_float(out, contributions[i]);
	strbuf_addc(out, '\n');
}

static int parse_float(struct str s, float *ret)
{
	char text[NUMBER_TEXT_SIZE + 1];
	char *end;

	if (s.n == 0 || s.n > NUMBER_TEXT_SIZE)
		return -EINVAL;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	*ret = strtof(text, &end);
	return *end == '\0' && isfinite(*ret) ? 0 : -EINVAL;
}

static bool is_shap_column(const struct program *p, uint32_t feature, struct str name)
{
	struct str f = program_feature_name(p, feature);
	size_t n = sizeof(SHAP_PREFIX) - 1;

	return name.n == n + f.n && memcmp(name.p, SHAP_PREFIX, n) == 0 &&
	       str_equal((struct str){ name.p + n, name.n - n }, f);
}

static int read_header(struct checker *c, const struct str *names, size_t count)
{
	const struct program *p = &c->model->program;
	size_t at = 0;
	int r;

	r = row_columns(p, names, count, &c->arena, &c->columns, c->err);
	if (r < 0)
		return r;
	while (at < count && !str_is(names[at], "@margin"))
		at++;
	if (count - at != (size_t)p->feature_count + 2 || !str_is(names[count - 1], "@bias"))
		return errbuf_set(c->err, -EBADMSG, "no columns @margin, %u times @shap, @bias",
		                  p->feature_count);
	for (uint32_t i = 0; i < p->feature_count; i++) {
		if (!is_shap_column(p, i, names[at + 1 + i]))
			return errbuf_set(
			        c->err, -EBADMSG, "column \"%.*s\" should be " SHAP_PREFIX "%.*s",
			        STR_ARGS(names[at + 1 + i]), STR_ARGS(program_feature_name(p, i)));
	}
	c->first = at;
	return 0;
}

static void on_fault(void *self, uint32_t input, const struct field_fault *fault,
                     const struct cJSON *value)
{
	struct checker *c = self;

	(void)value;
	errbuf_set(c->err, 0, "row %d, column \"%.*s\": %s", c->rows + 1,
	           STR_ARGS(c->model->program.inputs[input].name), fault->message);
}

static int check_shap(struct checker *c, const struct str *fields, float margin)
{
	const struct program *p = &c->model->program;
	double limit = TOLERANCE * fmax(1.0, fabs((double)margin));

	for (uint32_t i = 0; i <= p->feature_count; i++) {
		struct str name = i < p->feature_count ? program_feature_name(p, i) : STR("@bias");
		float want;

		if (parse_float(fields[i], &want) < 0)
			return errbuf_set(c->err, -EBADMSG, "row %d: \"%.*s\" is no number",
			                  c->rows + 1, STR_ARGS(fields[i]));
		/* written so that NaN differs */
		if (!(fabs(c->scratch.contributions[i] - (double)want) <= limit))
			return errbuf_set(
			        c->err, -EBADMSG,
			        "row %d: contribution of \"%.*s\" is %.9g instead of %.9g",
			        c->rows + 1, STR_ARGS(name), c->scratch.contributions[i],
			        (double)want);
	}
	return 0;
}

static uint32_t bits_of(float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

static int check_row(struct checker *c, const struct str *fields, size_t count)
{
	const struct score_options explain_all = { .explain_from = DECISION_ALLOW, .top_k = 1 };
	struct score_result result;
	float want;
	int r;

	r = row_from_fields(&c->model->program, &c->columns, fields, c->first, c->row, on_fault, c);
	if (r != 0)
		return r < 0 ? r : -EBADMSG;
	if (count != c->columns.count || parse_float(fields[c->first], &want) < 0)
		return errbuf_set(c->err, -EBADMSG, "row %d: no margin", c->rows + 1);
	score_row(c->model, c->row, &explain_all, &c->scratch, &result);
	if (bits_of(result.margin) != bits_of(want))
		return errbuf_set(c->err, -EBADMSG, "row %d: margin is %.9g instead of %.9g",
		                  c->rows + 1, (double)result.margin, (double)want);
	r = check_shap(c, fields + c->first + 1, want);
	if (r == 0)
		c->rows++;
	return r;
}

static int on_row(void *self, uint64_t line, const struct str *fields, size_t count)
{
	struct checker *c = self;

	(void)line;
	return c->columns.count ? check_row(c, fields, count) : read_header(c, fields, count);
}

static int run(struct checker *c, struct str csv)
{
	struct csv_options o = { .on_row = on_row, .self = c, .max_fields = 16384 };
	struct csv_reader *reader;
	int r = csv_reader_new(&o, &reader);

	if (r < 0)
		return r;
	r = csv_read(reader, csv, c->err);
	if (r == 0)
		r = csv_finish(reader, c->err);
	csv_reader_free(reader);
	return r;
}

int golden_check(struct str csv, const struct score_model *m, struct errbuf *err)
{
	struct checker c = { .model = m, .err = err };
	int r;

	errbuf_set(err, 0, "no memory");
	c.row = arena_calloc(&c.arena, m->program.input_count + 1, sizeof(*c.row));
	r = c.row ? score_scratch_init(&c.scratch, m) : -ENOMEM;
	if (r == 0)
		r = run(&c, csv);
	score_scratch_done(&c.scratch);
	arena_done(&c.arena);
	return r < 0 ? errbuf_prefix(err, r, "artifacts/golden.csv") : c.rows;
}
