/*
 * The other direction of reader.c: whatever text goes in comes out of the reader the same. Called
 * by whoever answers with CSV or keeps rows in a file; the caller writes the line end.
 */
#include "csv/reader.h"

static bool needs_quotes(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == ',' || text.p[i] == '"' || text.p[i] == '\n' || text.p[i] == '\r')
			return true;
	}
	return false;
}

static void put_quoted(struct strbuf *out, struct str text)
{
	const char *end = text.p + text.n;

	strbuf_addc(out, '"');
	while (text.n > 0) {
		const char *quote = memchr(text.p, '"', text.n);
		size_t run = (size_t)((quote ? quote + 1 : end) - text.p);

		strbuf_add(out, text.p, run);
		if (quote)
			strbuf_addc(out, '"');
		text = (struct str){ text.p + run, text.n - run };
	}
	strbuf_addc(out, '"');
}

void csv_write_field(struct strbuf *out, struct str text, bool first)
{
	if (!first)
		strbuf_addc(out, ',');
	/* A row of one empty field must not look like an empty line, nor text like a BOM. */
	if (needs_quotes(text) || (first && (text.n == 0 || text.p[0] == '\xef')))
		put_quoted(out, text);
	else
		strbuf_add(out, text.p, text.n);
}
