/*
 * A result as text: JSON and CSV, the same digits and the same order from every program that
 * answers. float32 is printed as the shortest text that reads back to it, so a client that compares
 * score with threshold decides as we did. Called once a row by front, batch, ctl. Nothing private
 * is shown: a reason whose feature is a private input has no value.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/civil.h"
#include "csv/reader.h"
#include "score/score.h"
#include "json/writer.h"

#define MAX_ISO_TEXT 40

/* What is shown of one value: nothing, a number's digits, or text. */
enum shown_kind { SHOWN_NULL, SHOWN_NUMBER, SHOWN_TEXT };

struct shown {
	enum shown_kind kind;
	struct str text; /* into `digits` or borrowed from the row */
	char digits[NUMBER_TEXT_SIZE + MAX_ISO_TEXT];
};

static void show_digits(struct shown *s, enum shown_kind kind, size_t n)
{
	s->kind = kind;
	s->text = (struct str){ s->digits, n };
}

static void show_number(struct shown *s, double v)
{
	show_digits(s, SHOWN_NUMBER, number_print_double(v, s->digits));
}

static void show_integer(struct shown *s, int64_t v)
{
	int n = snprintf(s->digits, sizeof(s->digits), "%" PRId64, v);

	show_digits(s, SHOWN_NUMBER, (size_t)n);
}

static void show_time(struct shown *s, enum input_type type, int64_t us)
{
	struct civil c = civil_of_us(us);
	int n = snprintf(s->digits, sizeof(s->digits), "%04d-%02u-%02u", c.year, c.month, c.day);

	if (type == INPUT_DATETIME)
		n += snprintf(s->digits + n, sizeof(s->digits) - (size_t)n, "T%02u:%02u:%02u",
		              c.hour, c.minute, c.second);
	if (type == INPUT_DATETIME && c.microsecond)
		n += snprintf(s->digits + n, sizeof(s->digits) - (size_t)n, ".%06u", c.microsecond);
	show_digits(s, SHOWN_TEXT, (size_t)n);
}

static void show_text(struct shown *s, struct str text)
{
	s->kind = SHOWN_TEXT;
	s->text = text;
}

static void show_cell(struct shown *s, const struct program_input *in, const struct cell *c)
{
	s->kind = SHOWN_NULL;
	if (!c->present || in->private)
		return;
	if (in->type == INPUT_INTEGER)
		show_integer(s, c->v.integer);
	else if (in->type == INPUT_NUMBER)
		show_number(s, c->v.number);
	else if (c->raw.n)
		show_text(s, c->raw);
	else if (in->type == INPUT_CATEGORY || in->type == INPUT_TEXT)
		show_text(s, c->v.text);
	else
		show_time(s, in->type, c->v.time_us);
}

static void show_value(struct shown *s, const struct score_model *m, const struct cell *row,
                       const struct reason *r)
{
	int input = program_feature_input(&m->program, r->feature);

	s->kind = SHOWN_NULL;
	if (input >= 0)
		show_cell(s, &m->program.inputs[input], &row[input]);
	else if (isfinite(r->value))
		show_digits(s, SHOWN_NUMBER, number_print_float(r->value, s->digits));
}

static void show_key(struct shown *s, const struct score_model *m, const struct cell *row)
{
	int key = m->program.key;

	s->kind = SHOWN_NULL;
	if (key >= 0)
		show_cell(s, &m->program.inputs[key], &row[key]);
}

static void write_shown(struct json_writer *w, const struct shown *s)
{
	if (s->kind == SHOWN_NULL)
		json_write_null(w);
	else if (s->kind == SHOWN_NUMBER)
		json_write_raw(w, s->text);
	else
		json_write_text(w, s->text);
}

static void write_reason(struct json_writer *w, const struct score_model *m, const struct cell *row,
                         const struct reason *r)
{
	struct str text = score_reason_text(m, r);
	struct shown value;

	show_value(&value, m, row, r);
	json_begin_object(w);
	json_write_name(w, "feature");
	json_write_text(w, program_feature_name(&m->program, r->feature));
	json_write_name(w, "value");
	write_shown(w, &value);
	json_write_name(w, "delta_score");
	json_write_double(w, r->delta_score);
	json_write_name(w, "direction");
	json_write_text(w, STR("↑FRAUD"));
	json_write_name(w, "zscore");
	json_write_double(w, r->zscore);
	json_write_name(w, "contribution");
	json_write_double(w, r->contribution);
	if (text.n) {
		json_write_name(w, "text");
		json_write_text(w, text);
	}
	json_end_object(w);
}

void score_write_model(struct json_writer *w, const struct score_model *m)
{
	json_write_name(w, "threshold_low");
	json_write_float(w, m->threshold_low);
	json_write_name(w, "threshold_high");
	json_write_float(w, m->threshold_high);
	json_write_name(w, "model_version");
	json_write_text(w, m->version);
}

void score_write_json(struct json_writer *w, const struct score_model *m, const struct cell *row,
                      const struct score_result *r, bool whole)
{
	struct shown key;

	show_key(&key, m, row);
	json_begin_object(w);
	if (key.kind != SHOWN_NULL) {
		json_write_name(w, "transaction_seq");
		write_shown(w, &key);
	}
	json_write_name(w, "score");
	json_write_float(w, r->score);
	json_write_name(w, "decision");
	json_write_text(w, str_of(decision_names[r->decision]));
	if (whole)
		score_write_model(w, m);
	json_write_name(w, "reasons");
	json_begin_array(w);
	for (unsigned i = 0; i < r->reason_count; i++)
		write_reason(w, m, row, &r->reasons[i]);
	json_end_array(w);
	json_end_object(w);
}

bool score_write_value(struct strbuf *out, const struct score_model *m, const struct cell *row,
                       const struct reason *r)
{
	struct shown value;

	show_value(&value, m, row, r);
	if (value.kind == SHOWN_NULL)
		return false;
	strbuf_add(out, value.text.p, value.text.n);
	return true;
}

void score_write_csv_header(struct strbuf *out, unsigned top_k)
{
	strbuf_adds(out, "transaction_seq,score,decision");
	for (unsigned i = 1; i <= top_k; i++)
		strbuf_addf(out, ",reason_%u,value_%u,contribution_%u", i, i, i);
	strbuf_addc(out, '\n');
}

static void add_csv_shown(struct strbuf *out, const struct shown *s, bool first)
{
	struct str none = { "", 0 };

	csv_write_field(out, s->kind == SHOWN_NULL ? none : s->text, first);
}

static void add_csv_reason(struct strbuf *out, const struct score_model *m, const struct cell *row,
                           const struct reason *r)
{
	char digits[NUMBER_TEXT_SIZE];
	struct shown value;

	show_value(&value, m, row, r);
	csv_write_field(out, program_feature_name(&m->program, r->feature), false);
	add_csv_shown(out, &value, false);
	strbuf_addc(out, ',');
	strbuf_add(out, digits, number_print_double(r->contribution, digits));
}

void score_write_csv(struct strbuf *out, const struct score_model *m, const struct cell *row,
                     const struct score_result *r, unsigned top_k)
{
	char digits[NUMBER_TEXT_SIZE];
	struct shown key;

	show_key(&key, m, row);
	add_csv_shown(out, &key, true);
	strbuf_addc(out, ',');
	strbuf_add(out, digits, number_print_float(r->score, digits));
	strbuf_addc(out, ',');
	strbuf_adds(out, decision_names[r->decision]);
	for (unsigned i = 0; i < top_k; i++) {
		if (i < r->reason_count)
			add_csv_reason(out, m, row, &r->reasons[i]);
		else
			strbuf_adds(out, ",,,");
	}
	strbuf_addc(out, '\n');
}
