/*
 * A row of cells back to CSV fields that read as the same cells. Numbers in their shortest form,
 * what is missing empty. Called for each holdout row and for the golden rows; what is private never
 * leaves the trainer in any other form than a letter.
 */
#include "specimen.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/civil.h"
#include "csv/reader.h"
#include "features/text_same.h"
#include "json/writer.h"

#define LETTERS 26

/* In the program's zone, hence without one: the same text whatever source the row came from. */
static void add_time(struct strbuf *out, enum input_type type, int64_t us, bool first)
{
	struct civil t = civil_of_us(us);
	char text[64];
	size_t room = sizeof(text);
	int n = snprintf(text, room, "%04d-%02u-%02u", t.year, t.month, t.day);

	if (type == INPUT_DATETIME)
		n += snprintf(text + n, room - (size_t)n, " %02u:%02u:%02u", t.hour, t.minute,
		              t.second);
	if (type == INPUT_DATETIME && t.microsecond)
		n += snprintf(text + n, room - (size_t)n, ".%06u", t.microsecond);
	csv_write_field(out, (struct str){ text, (size_t)n }, first);
}

static void add_number(struct strbuf *out, const struct program_input *in, const struct cell *c,
                       bool first)
{
	char text[NUMBER_TEXT_SIZE];
	size_t n;

	if (in->type == INPUT_INTEGER)
		n = (size_t)snprintf(text, sizeof(text), "%" PRId64, c->v.integer);
	else
		n = number_print_double(c->v.number, text);
	csv_write_field(out, (struct str){ text, n }, first);
}

static bool is_private_text(const struct program_input *in, const struct cell *c)
{
	return in->private && c->present && (in->type == INPUT_TEXT || in->type == INPUT_CATEGORY);
}

/* The letter of the first private cell with the same name: A, B, … Z, BA, … */
static void add_letter(struct strbuf *out, const struct program *p, const struct cell *row,
                       uint32_t at, bool first)
{
	char text[2];
	uint32_t letter = 0;

	for (uint32_t i = 0; i < at; i++) {
		if (!is_private_text(&p->inputs[i], &row[i]))
			continue;
		if (text_same(row[i].v.text, row[at].v.text) == 1)
			break;
		letter++;
	}
	text[0] = (char)('A' + letter / LETTERS % LETTERS);
	text[1] = (char)('A' + letter % LETTERS);
	csv_write_field(out,
	                letter < LETTERS ? (struct str){ text + 1, 1 } : (struct str){ text, 2 },
	                first);
}

static void add_cell(struct strbuf *out, const struct program_input *in, const struct cell *c,
                     bool first)
{
	if (!c->present)
		csv_write_field(out, (struct str){ "", 0 }, first);
	else if (in->type == INPUT_INTEGER || in->type == INPUT_NUMBER)
		add_number(out, in, c, first);
	else if (in->type == INPUT_DATE || in->type == INPUT_DATETIME)
		add_time(out, in->type, c->v.time_us, first);
	else
		csv_write_field(out, c->v.text, first);
}

void specimen_write_header(struct strbuf *out, const struct program *p)
{
	for (uint32_t i = 0; i < p->input_count; i++)
		csv_write_field(out, p->inputs[i].name, i == 0);
}

void specimen_write_row(struct strbuf *out, const struct program *p, const struct cell *row)
{
	static const struct cell missing = { 0 };

	for (uint32_t i = 0; i < p->input_count; i++) {
		const struct program_input *in = &p->inputs[i];

		if (is_private_text(in, &row[i]))
			add_letter(out, p, row, i, i == 0);
		else
			add_cell(out, in, in->private ? &missing : &row[i], i == 0);
	}
}

void specimen_reveal_row(struct strbuf *out, const struct program *p, const struct cell *row)
{
	for (uint32_t i = 0; i < p->input_count; i++)
		add_cell(out, &p->inputs[i], &row[i], i == 0);
}
