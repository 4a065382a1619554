/*
 * RFC 4180 as a machine of six states that may stop after any byte. It gathers a row in a buffer,
 * its fields one behind the other, and it alone knows what is a fault. Each content is taken up to
 * the very byte where a limit is reached, so that the cuts of the input do not move a fault.
 *
 * Invariant: size and field count what was taken; a row that is refused leaves the byte at fault
 * where it is, and CSV_SKIP goes on from there. Called by reader.c.
 */
#include "csv/machine.h"

#include <errno.h>

const bool csv_special[256] = { [','] = true, ['\n'] = true, ['\r'] = true, ['"'] = true };

/* Eight bytes at a time: nearly all text is. */
static bool is_ascii(const char *p, size_t n)
{
	uint64_t seen = 0, w;

	for (; n >= sizeof(w); p += sizeof(w), n -= sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		seen |= w;
	}
	for (; n > 0; p++, n--)
		seen |= (unsigned char)*p;
	return (seen & UINT64_C(0x8080808080808080)) == 0;
}

bool fields_are_utf8(const struct str *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_ascii(fields[i].p, fields[i].n) && !str_is_utf8(fields[i]))
			return false;
	}
	return true;
}

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

static uint64_t count_line_ends(const char *p, const char *end)
{
	uint64_t count = 0;

	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		count++;
		p++;
	}
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
	if (r->state == CSV_QUOTED)
		r->line_ends += count_line_ends(*p, *p + taken);
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

/* False if one is not UTF-8. */
static bool settle_fields(struct csv_reader *r)
{
	const char *p = r->row.p ? r->row.p : "";

	for (size_t i = 0; i < r->count; i++) {
		r->fields[i].p = p;
		p += r->fields[i].n;
	}
	return r->ascii || fields_are_utf8(r->fields, r->count);
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

	while (run < end && !csv_special[(unsigned char)*run])
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

/* Up to the end of a row or of the bytes. */
int machine_read(struct csv_reader *r, const char **p, const char *end)
{
	int result = 0;

	while (result == 0 && *p < end) {
		result = steps[r->state](r, p, end);
		if (machine_at_row_start(r))
			break;
	}
	return result;
}

int machine_finish(struct csv_reader *r)
{
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
