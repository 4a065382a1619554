/*
 * CSV fields into cells: one field, one row, and the header line resolved once. The meaning of an
 * absent, empty or unreadable field is data.md's table of sources; numbers and times are read by
 * the same functions as those in JSON text, so the same row gives the same bits.
 */
#include <errno.h>

#include "base/map.h"
#include "base/strbuf.h"
#include "features/fault.h"
#include "features/number_text.h"
#include "features/reading.h"
#include "features/row.h"
#include "features/time_text.h"

bool reading_is_sentinel(const struct program_input *in, int64_t us)
{
	for (uint32_t i = 0; i < in->missing_count; i++) {
		if (in->missing[i] == us)
			return true;
	}
	return false;
}

int reading_absent(const struct program_input *in, struct cell *ret, struct field_fault *ret_fault)
{
	if (in->required)
		return fault_set(ret_fault, FAULT_MISSING);
	*ret = in->initial;
	return 0;
}

static bool is_missing_word(struct str s)
{
	switch (s.n) {
	case 0:
		return true;
	case 3:
		return str_is(s, "NaN") || str_is(s, "NaT");
	case 4:
		return str_is(s, "NULL") || str_is(s, "None");
	default:
		return false;
	}
}

int reading_integer(struct str text, struct cell *ret, struct field_fault *ret_fault)
{
	int64_t v;
	int r = integer_from_text(text, &v);

	if (r < 0)
		return fault_set(ret_fault,
		                 r == -ERANGE ? FAULT_INT_PARSING_SIZE : FAULT_INT_PARSING);
	*ret = (struct cell){ .present = true, .v.integer = v };
	return 0;
}

int reading_number(struct str text, struct cell *ret, struct field_fault *ret_fault)
{
	double v;
	int r = number_from_text(text, &v);

	if (r < 0)
		return fault_set(ret_fault,
		                 r == -ERANGE ? FAULT_FINITE_NUMBER : FAULT_FLOAT_PARSING);
	*ret = (struct cell){ .present = true, .v.number = v };
	return 0;
}

int reading_time(const struct program_input *in, struct str text, struct cell *ret,
                 struct field_fault *ret_fault)
{
	int64_t us;
	int r = time_from_text(in, text, &us, ret_fault);

	if (r < 0)
		return r;
	return reading_instant(in, us, text, ret, ret_fault);
}

int reading_instant(const struct program_input *in, int64_t us, struct str raw, struct cell *ret,
                    struct field_fault *ret_fault)
{
	if (reading_is_sentinel(in, us))
		return reading_absent(in, ret, ret_fault);
	*ret = (struct cell){ .present = true, .v.time_us = us };
	if (!in->private)
		ret->raw = raw;
	return 0;
}

int reading_text(struct str text, struct cell *ret, struct field_fault *ret_fault)
{
	if (!str_is_utf8(text))
		return fault_set(ret_fault, FAULT_STRING_UNICODE);
	*ret = (struct cell){ .present = true, .v.text = text };
	return 0;
}

int cell_from_text(const struct program_input *in, struct str text, struct cell *ret,
                   struct field_fault *ret_fault)
{
	if (is_missing_word(text))
		return reading_absent(in, ret, ret_fault);
	switch (in->type) {
	case INPUT_INTEGER:
		return reading_integer(text, ret, ret_fault);
	case INPUT_NUMBER:
		return reading_number(text, ret, ret_fault);
	case INPUT_DATETIME:
	case INPUT_DATE:
		return reading_time(in, text, ret, ret_fault);
	default:
		return reading_text(text, ret, ret_fault);
	}
}

static int check_unique(const struct str *names, size_t count, struct arena *a, struct errbuf *err)
{
	struct map seen = { 0 };

	for (size_t i = 0; i < count; i++) {
		int r = map_add(&seen, a, names[i], &seen);

		if (r == -EEXIST)
			return errbuf_set(err, r, "Duplicate column in CSV: %.*s",
			                  STR_ARGS(names[i]));
		if (r < 0)
			return errbuf_set(err, r, "out of memory");
	}
	return 0;
}

/* All required inputs without a column, in the program's order. */
static int check_required(const struct program *p, const struct row_columns *c, struct arena *a,
                          struct errbuf *err)
{
	bool *fed = arena_calloc(a, p->input_count, sizeof(*fed));
	struct strbuf list = { 0 };
	int r = 0;

	if (!fed)
		return errbuf_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < c->count; i++) {
		if (c->input[i] >= 0)
			fed[c->input[i]] = true;
	}
	for (uint32_t i = 0; i < p->input_count; i++) {
		if (p->inputs[i].required && !fed[i])
			strbuf_addf(&list, "%s%.*s", list.n ? ", " : "",
			            STR_ARGS(p->inputs[i].name));
	}
	if (list.error)
		r = errbuf_set(err, -ENOMEM, "out of memory");
	else if (list.n > 0)
		r = errbuf_set(err, -ENOENT, "Missing required columns in CSV: %s", list.p);
	strbuf_done(&list);
	return r;
}

int row_columns(const struct program *p, const struct str *names, size_t count, struct arena *a,
                struct row_columns *ret, struct errbuf *err)
{
	struct row_columns c = { .count = count };
	int r = check_unique(names, count, a, err);

	if (r < 0)
		return r;
	c.input = arena_calloc(a, count ? count : 1, sizeof(*c.input));
	if (!c.input)
		return errbuf_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		c.input[i] = program_find_input(p, names[i]);
	r = check_required(p, &c, a, err);
	if (r < 0)
		return r;
	*ret = c;
	return 0;
}

/* NOLINTNEXTLINE(readability-function-size): a row, its columns and a callback take seven */
int row_from_fields(const struct program *p, const struct row_columns *c, const struct str *fields,
                    size_t count, struct cell *row, row_on_fault *on_fault, void *self)
{
	struct field_fault fault;
	int faults = 0;

	if (count > c->count)
		return -E2BIG;
	program_row_reset(p, row);
	for (size_t i = 0; i < c->count; i++) {
		struct str text = i < count ? fields[i] : (struct str){ 0 };
		int input = c->input[i];

		if (input < 0 || cell_from_text(&p->inputs[input], text, &row[input], &fault) == 0)
			continue;
		on_fault(self, (uint32_t)input, &fault, NULL);
		faults++;
	}
	return faults;
}
