/*
 * What came back: the lines of the answer's head and its body, looked at by name. Called by whoever
 * asked.
 */
#include "fetch/fetch.h"

void fetch_result_done(struct fetch_result *r)
{
	strbuf_done(&r->headers);
	strbuf_done(&r->body);
}

/* The line at the front of *rest, without its end. */
static struct str next_line(struct str *rest)
{
	const char *end = memchr(rest->p, '\n', rest->n);
	size_t n = end ? (size_t)(end - rest->p) : rest->n;
	struct str line = { rest->p, n };

	n += end != NULL;
	rest->p += n;
	rest->n -= n;
	return line;
}

struct str fetch_result_header(const struct fetch_result *r, const char *name)
{
	struct str rest = strbuf_str(&r->headers);
	struct str wanted = str_of(name);

	while (rest.n > 0) {
		struct str line = next_line(&rest);
		struct str value;

		if (line.n <= wanted.n || line.p[wanted.n] != ':' ||
		    !str_equal_nocase((struct str){ line.p, wanted.n }, wanted))
			continue;
		value = (struct str){ line.p + wanted.n + 1, line.n - wanted.n - 1 };
		if (value.n > 0 && value.p[value.n - 1] == '\r')
			value.n--;
		return str_trim(value);
	}
	return (struct str){ NULL, 0 };
}
