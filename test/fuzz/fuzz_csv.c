/*
 * The first byte says where the input is cut: whole and in pieces it gives the same rows; and rows
 * that are written and read again are the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "csv/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_FIELD 24
#define MAX_ROW 48
#define MAX_FIELDS 8

/* All rows as text: written back with csv_write_field(), lines and faults noted if wanted. */
struct record {
	struct strbuf text;
	size_t max_row;
	bool notes;
};

static int on_row(void *self, uint64_t line, const struct str *fields, size_t count)
{
	struct record *record = self;

	if (count == 0 || count > MAX_FIELDS)
		abort();
	if (record->notes)
		strbuf_addf(&record->text, "%u: ", (unsigned)line);
	for (size_t i = 0; i < count; i++) {
		if (fields[i].n > MAX_FIELD || !str_is_utf8(fields[i]))
			abort();
		csv_write_field(&record->text, fields[i], i == 0);
	}
	strbuf_addc(&record->text, '\n');
	return 0;
}

static int on_bad_row(void *self, uint64_t line, const char *what)
{
	struct record *record = self;

	if (record->notes)
		strbuf_addf(&record->text, "%u! %s\n", (unsigned)line, what);
	return 0;
}

static void read_pieces(struct record *record, struct str text, size_t piece)
{
	struct csv_options options = { MAX_FIELD, record->max_row, MAX_FIELDS,
		                       on_row,    on_bad_row,      record };
	struct csv_reader *r;

	if (csv_reader_new(&options, &r) < 0)
		abort();
	while (text.n > 0) {
		size_t n = text.n < piece ? text.n : piece;
		char *copy = malloc(n); /* a piece of its own shows who reads beyond it */

		if (!copy)
			abort();
		memcpy(copy, text.p, n);
		if (csv_read(r, (struct str){ copy, n }, NULL) < 0)
			abort();
		free(copy);
		text = (struct str){ text.p + n, text.n - n };
	}
	if (csv_finish(r, NULL) < 0)
		abort();
	csv_reader_free(r);
}

static void check_same(struct record *a, struct record *b)
{
	if (!str_equal(strbuf_str(&a->text), strbuf_str(&b->text)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data + 1, size - 1 };
	struct record whole = { .notes = true, .max_row = MAX_ROW };
	struct record pieces = { .notes = true, .max_row = MAX_ROW };
	struct record plain = { .max_row = MAX_ROW };
	struct record again = { .max_row = (size_t)4 *
		                           MAX_ROW }; /* written rows may have more quotes */

	if (size == 0)
		return 0;
	read_pieces(&whole, text, text.n);
	read_pieces(&pieces, text, (size_t)data[0] % 16 + 1);
	check_same(&whole, &pieces);
	read_pieces(&plain, text, text.n);
	read_pieces(&again, strbuf_str(&plain.text), SIZE_MAX);
	check_same(&plain, &again);
	strbuf_done(&whole.text);
	strbuf_done(&pieces.text);
	strbuf_done(&plain.text);
	strbuf_done(&again.text);
	return 0;
}
