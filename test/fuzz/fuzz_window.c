/*
 * Two snapshots, a line each: what is taken for one stands in SQL as it is, so it holds nothing but
 * digits, colons and commas, and the window made of both quotes nothing else.
 */
#include <stdint.h>
#include <stdlib.h>

#include "tools/batch/window.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		bool digit = text.p[i] >= '0' && text.p[i] <= '9';

		if (!digit && text.p[i] != ':' && text.p[i] != ',')
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *newline = size ? memchr(data, '\n', size) : NULL;
	size_t length = newline ? (size_t)(newline - (const char *)data) : 0;
	char *done = strndup((const char *)data, length);
	char *upto = strndup((const char *)data + length + !!newline, size - length - !!newline);
	struct window w = { .kind = WINDOW_SNAPSHOTS, .partitions = 1, .key = { "seq", 3 } };
	struct strbuf out = { 0 };
	struct errbuf err;
	bool both;

	if (done && upto) {
		w.done = done;
		w.upto = upto;
		both = window_is_snapshot(str_of(done)) && window_is_snapshot(str_of(upto));
		if ((window_write(&w, &out, &err) == 0) != both)
			abort();
		if (both) {
			check(str_of(done));
			check(str_of(upto));
		}
	}
	strbuf_done(&out);
	free(done);
	free(upto);
	return 0;
}
