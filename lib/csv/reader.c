/*
 * Two ways through the same rules. A row that lies whole in the bytes at hand and has no quote is
 * cut where it is, nothing is copied: that is nearly every row. Any other row (quotes, a border of
 * two pieces of input, a fault) goes through a machine that may stop after any byte and gathers the
 * row in a buffer (machine.c). Only the machine finds fault; the short way hands over to it, so how
 * the input was cut never changes what comes out.
 *
 * A line ends with LF or CR LF. A CR elsewhere outside quotes is a fault (RFC 4180 does not allow
 * it, and taking it as data would make one row of a file with the line ends of old). A row with a
 * fault ends at its next LF. Limits count the bytes of a row without its line end and those of a
 * field without its quotes. Called by the upload, by training and by the tools.
 */
#include "csv/reader.h"

#include <errno.h>
#include <stdlib.h>

#include "csv/machine.h"

#define MAX_FIELD ((size_t)64 * 1024)
#define MAX_ROW ((size_t)1024 * 1024)
#define MAX_FIELDS ((size_t)4096)
#define BOM_SIZE 3

static const char bom[BOM_SIZE] = { '\xef', '\xbb', '\xbf' };

int csv_reader_new(const struct csv_options *options, struct csv_reader **ret)
{
	size_t max_fields = options->max_fields ? options->max_fields : MAX_FIELDS;
	struct csv_reader *r;

	if (max_fields > SIZE_MAX / sizeof(r->fields[0]) / 2)
		return -ENOMEM;
	r = calloc(1, sizeof(*r) + max_fields * sizeof(r->fields[0]));
	if (!r)
		return -ENOMEM;
	r->options = *options;
	r->options.max_fields = max_fields;
	if (!r->options.max_field)
		r->options.max_field = MAX_FIELD;
	if (!r->options.max_row)
		r->options.max_row = MAX_ROW;
	r->line = 1;
	r->ascii = true;
	*ret = r;
	return 0;
}

void csv_reader_free(struct csv_reader *r)
{
	if (!r)
		return;
	strbuf_done(&r->row);
	free(r);
}

/* The field ends before p, a comma or an LF. False if a limit speaks against it. */
static bool cut_field(struct csv_reader *r, size_t count, const char *field, const char *p)
{
	size_t n = (size_t)(p - field);

	if (*p == '\n' && n > 0 && p[-1] == '\r')
		n--;
	if (count == r->options.max_fields || n > r->options.max_field)
		return false;
	r->fields[count] = (struct str){ field, n };
	return true;
}

/*
 * The LF of the row that begins at `row`, with r->fields filled and *ret_count; NULL if the machine
 * has to read it.
 */
static const char *cut_row(struct csv_reader *r, const char *row, const char *end,
                           size_t *ret_count)
{
	const char *field = row;
	unsigned char seen = 0;
	size_t count = 0;

	for (const char *p = row; p < end; p++) {
		unsigned char c = (unsigned char)*p;

		seen |= c;
		if (!csv_special[c] || (c == '\r' && end - p > 1 && p[1] == '\n'))
			continue;
		if (c == '"' || c == '\r' || !cut_field(r, count, field, p))
			return NULL;
		count++;
		field = p + 1;
		if (c != '\n')
			continue;
		*ret_count = count;
		return seen < 0x80 || fields_are_utf8(r->fields, count) ? p : NULL;
	}
	return NULL;
}

/* As many rows as the short way can; 0 with *p at the first that it cannot. */
static int read_plain_rows(struct csv_reader *r, const char **p, const char *end)
{
	while (*p < end) {
		const char *row = *p;
		size_t count;
		const char *lf = cut_row(r, row, end, &count);
		size_t size;
		int result = 0;

		if (!lf)
			return 0;
		size = (size_t)(lf - row);
		size -= size > 0 && lf[-1] == '\r';
		if (size > r->options.max_row)
			return 0;
		if (size > 0)
			result = r->options.on_row(r->options.self, r->line, r->fields, count);
		if (result < 0)
			return result;
		r->line++;
		*p = lf + 1;
	}
	return 0;
}

static int read_rows(struct csv_reader *r, const char *p, const char *end)
{
	int result = 0;

	while (result == 0 && p < end) {
		if (machine_at_row_start(r))
			result = read_plain_rows(r, &p, end);
		if (result == 0)
			result = machine_read(r, &p, end);
	}
	return result;
}

/* Takes the BOM off. Bytes that began like one and were none are the first of the data. */
static int read_start(struct csv_reader *r, const char **p, const char *end)
{
	int seen;

	while (r->bom < BOM_SIZE && *p < end && **p == bom[r->bom]) {
		r->bom++;
		++*p;
	}
	if (r->bom == BOM_SIZE || *p == end)
		return 0;
	seen = r->bom;
	r->bom = BOM_SIZE;
	return read_rows(r, bom, bom + seen);
}

static int result_with_words(struct csv_reader *r, int result, struct errbuf *err)
{
	const char *what = r->what;

	r->what = NULL;
	if (result >= 0 || !what)
		return result;
	return errbuf_set(err, result, "line %llu: %s", (unsigned long long)r->line, what);
}

int csv_read(struct csv_reader *r, struct str bytes, struct errbuf *err)
{
	const char *p = bytes.n ? bytes.p : "";
	const char *end = p + bytes.n;
	int result = read_start(r, &p, end);

	if (result == 0)
		result = read_rows(r, p, end);
	return result_with_words(r, result, err);
}

static int finish(struct csv_reader *r)
{
	int result = 0;

	if (r->bom < BOM_SIZE)
		result = read_rows(r, bom, bom + r->bom);
	return result < 0 ? result : machine_finish(r);
}

int csv_finish(struct csv_reader *r, struct errbuf *err)
{
	return result_with_words(r, finish(r), err);
}
