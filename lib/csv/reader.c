/*
 * Two ways through the same rules. A row that lies whole in the bytes at hand and has no quote is
 * cut where it is, nothing is copied: that is nearly every row. Any other row (quotes, a border of
 * two pieces of input, a fault) goes through a machine of five states that may stop after any byte
 * and gathers the row in a buffer. Only the machine finds fault; the short way hands over to it, so
 * how the input was cut never changes what comes out.
 *
 * A line ends with LF or CR LF. A CR elsewhere outside quotes is a fault (RFC 4180 does not allow
 * it, and taking it as data would make one row of a file with the line ends of old). A row with a
 * fault ends at its next LF. Limits count the bytes of a row without its line end and those of a
 * field without its quotes. Called by the upload, by training and by the tools.
 */
#include "csv/reader.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_FIELD ((size_t)64 * 1024)
#define MAX_ROW ((size_t)1024 * 1024)
#define MAX_FIELDS ((size_t)4096)
#define BOM_SIZE 3

enum csv_state {
	CSV_FIELD_START, /* nothing of the field was seen; of the row neither if size is 0 */
	CSV_PLAIN,       /* in a field without quotes */
	CSV_QUOTED,      /* between quotes */
	CSV_QUOTE,       /* behind a quote between quotes: the end, or half of a doubled one */
	CSV_CR,          /* behind a CR outside quotes */
	CSV_SKIP,        /* behind a fault, up to the next LF */
};

struct csv_reader {
	struct csv_options options;
	enum csv_state state;
	int bom;             /* bytes of it that were seen; BOM_SIZE: the start is over */
	uint64_t line;       /* of the row's first byte */
	uint64_t line_ends;  /* within the row so far */
	size_t size;         /* bytes of the row so far */
	size_t field;        /* bytes of the field so far */
	struct strbuf row;   /* its fields, one behind the other, without quotes */
	bool ascii;          /* nothing else in the row so far */
	const char *what;    /* the fault that ends the reading, for the errbuf */
	size_t count;        /* fields that are complete */
	struct str fields[]; /* the machine sets p at the row's end, when row.p is settled */
};

static const char bom[BOM_SIZE] = {'\xef', '\xbb', '\xbf'};
static const bool special[256] = {[','] = true, ['\n'] = true, ['\r'] = true, ['"'] = true};

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

/* ---- the short way ---- */

/* The field ends before p, a comma or an LF. False if a limit speaks against it. */
static bool cut_field(struct csv_reader *r, size_t count, const char *field, const char *p)
{
	size_t n = (size_t)(p - field);

	if (*p == '\n' && n > 0 && p[-1] == '\r')
		n--;
	if (count == r->options.max_fields || n > r->options.max_field)
		return false;
	r->fields[count] = (struct str){field, n};
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
		if (!special[c] || (c == '\r' && end - p > 1 && p[1] == '\n'))
			continue;
		if (c == '"' || c == '\r' || !cut_field(r, count, field, p))
			return NULL;
		count++;
		field = p + 1;
		if (c != '\n')
			continue;
		*ret_count = count;
		return seen < 0x80 || str_is_utf8((struct str){row, (size_t)(p - row)}) ? p : NULL;
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

/* ---- the machine ---- */

static int refuse(struct csv_reader *r, const char *what)
{
	int result;

	r->state = CSV_SKIP;
	if (!r->options.on_bad_row) {
		r->what = what;
		return -EBADMSG;
	}
	result = r->options.on_bad_row(r->options.self, r->line, what);
	return result < 0 ? result : 0;
}

static void start_row(struct csv_reader *r)
{
	r->line += r->line_ends + 1;
	r->line_ends = 0;
	r->size = 0;
	r->field = 0;
	r->count = 0;
	r->ascii = true;
	strbuf_reset(&r->row);
	r->state = CSV_FIELD_START;
}

static bool is_ascii(const char *p, size_t n)
{
	unsigned char seen = 0;

	for (size_t i = 0; i < n; i++)
		seen |= (unsigned char)p[i];
	return seen < 0x80;
}

static uint64_t count_line_ends(const char *p, size_t n)
{
	uint64_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += p[i] == '\n';
	return count;
}

/* n bytes of a field's content; what is beyond a limit is left to be skipped. */
static int take_content(struct csv_reader *r, const char **p, size_t n)
{
	size_t field_room = r->options.max_field - r->field;
	size_t row_room = r->options.max_row - r->size;
	size_t room = field_room < row_room ? field_room : row_room;
	size_t taken = n < room ? n : room;

	strbuf_add(&r->row, *p, taken);
	r->ascii &= is_ascii(*p, taken);
	r->line_ends += count_line_ends(*p, taken);
	r->size += taken;
	r->field += taken;
	*p += taken;
	if (taken == n)
		return 0;
	return refuse(r, field_room <= row_room ? "field too long" : "row too long");
}

/* A comma or a quote: counts for the row, not for the field. */
static int take_mark(struct csv_reader *r, const char **p, enum csv_state next)
{
	if (r->size == r->options.max_row)
		return refuse(r, "row too long");
	r->size++;
	r->state = next;
	++*p;
	return 0;
}

/* True unless the row was refused; *ret_result is then what refuse() returned. */
static bool end_field(struct csv_reader *r, int *ret_result)
{
	if (r->count == r->options.max_fields) {
		*ret_result = refuse(r, "too many fields");
		return false;
	}
	r->fields[r->count++].n = r->field;
	r->field = 0;
	return true;
}

static int take_comma(struct csv_reader *r, const char **p)
{
	int result;

	if (!end_field(r, &result))
		return result;
	return take_mark(r, p, CSV_FIELD_START);
}

static bool settle_fields(struct csv_reader *r)
{
	const char *p = r->row.p ? r->row.p : "";

	for (size_t i = 0; i < r->count; i++) {
		r->fields[i].p = p;
		p += r->fields[i].n;
		if (!r->ascii && !str_is_utf8(r->fields[i]))
			return false;
	}
	return true;
}

/* At the LF or at the end of the input. A row that is refused leaves the LF to be skipped. */
static int end_row(struct csv_reader *r)
{
	int result;

	if (strbuf_error(&r->row))
		return strbuf_error(&r->row);
	if (r->size == 0)
		return 0;
	if (!end_field(r, &result))
		return result;
	if (!settle_fields(r))
		return refuse(r, "not UTF-8");
	result = r->options.on_row(r->options.self, r->line, r->fields, r->count);
	return result < 0 ? result : 0;
}

static int take_line_end(struct csv_reader *r, const char **p)
{
	int result = end_row(r);

	if (result < 0 || r->state == CSV_SKIP)
		return result;
	++*p;
	start_row(r);
	return 0;
}

static int take_cr(struct csv_reader *r, const char **p)
{
	r->state = CSV_CR;
	++*p;
	return 0;
}

static int in_field_start(struct csv_reader *r, const char **p, const char *end)
{
	(void)end;
	if (**p == '"')
		return take_mark(r, p, CSV_QUOTED);
	r->state = CSV_PLAIN;
	return 0;
}

static int in_plain(struct csv_reader *r, const char **p, const char *end)
{
	const char *run = *p;

	while (run < end && !special[(unsigned char)*run])
		run++;
	if (run > *p)
		return take_content(r, p, (size_t)(run - *p));
	switch (*run) {
	case ',':
		return take_comma(r, p);
	case '\n':
		return take_line_end(r, p);
	case '\r':
		return take_cr(r, p);
	default:
		return refuse(r, "quote inside a field that does not begin with one");
	}
}

static int in_quoted(struct csv_reader *r, const char **p, const char *end)
{
	const char *quote = memchr(*p, '"', (size_t)(end - *p));

	if (quote == *p)
		return take_mark(r, p, CSV_QUOTE);
	return take_content(r, p, (size_t)((quote ? quote : end) - *p));
}

static int in_quote(struct csv_reader *r, const char **p, const char *end)
{
	(void)end;
	switch (**p) {
	case '"':
		r->state = CSV_QUOTED;
		return take_content(r, p, 1);
	case ',':
		return take_comma(r, p);
	case '\n':
		return take_line_end(r, p);
	case '\r':
		return take_cr(r, p);
	default:
		return refuse(r, "text behind a closing quote");
	}
}

static int in_cr(struct csv_reader *r, const char **p, const char *end)
{
	(void)end;
	return **p == '\n' ? take_line_end(r, p) : refuse(r, "CR without LF");
}

static int in_skip(struct csv_reader *r, const char **p, const char *end)
{
	const char *lf = memchr(*p, '\n', (size_t)(end - *p));

	*p = lf ? lf + 1 : end;
	if (lf)
		start_row(r);
	return 0;
}

typedef int csv_step(struct csv_reader *r, const char **p, const char *end);

/* Each takes at least one byte or goes to a state that does. */
static csv_step *const steps[] = {
        [CSV_FIELD_START] = in_field_start,
        [CSV_PLAIN] = in_plain,
        [CSV_QUOTED] = in_quoted,
        [CSV_QUOTE] = in_quote,
        [CSV_CR] = in_cr,
        [CSV_SKIP] = in_skip,
};

static bool at_row_start(const struct csv_reader *r)
{
	return r->state == CSV_FIELD_START && r->size == 0;
}

/* Up to the end of a row or of the bytes. */
static int run_machine(struct csv_reader *r, const char **p, const char *end)
{
	int result = 0;

	while (result == 0 && *p < end) {
		result = steps[r->state](r, p, end);
		if (at_row_start(r))
			break;
	}
	return result;
}

static int read_rows(struct csv_reader *r, const char *p, const char *end)
{
	int result = 0;

	while (result == 0 && p < end) {
		if (at_row_start(r))
			result = read_plain_rows(r, &p, end);
		if (result == 0)
			result = run_machine(r, &p, end);
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
	if (result < 0)
		return result;
	switch (r->state) {
	case CSV_QUOTED:
		return refuse(r, "quoted field without its closing quote");
	case CSV_CR:
		return refuse(r, "CR without LF");
	case CSV_SKIP:
		return 0;
	default:
		return end_row(r);
	}
}

int csv_finish(struct csv_reader *r, struct errbuf *err)
{
	return result_with_words(r, finish(r), err);
}
