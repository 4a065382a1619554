/*
 * Lines and bodies: this file cuts the stream, head.c judges the lines. A line is judged only when
 * its LF is there and its size only by the bytes before the LF, so a verdict cannot depend on how
 * the bytes were cut. Each state is one function; parser_next() turns the crank until one of them
 * has something to say.
 *
 * Used by connection.c, one parser for each exchange that is under way; the fuzzer uses it alone.
 */
#include "http/parser.h"

#include <string.h>

#include "http/head.h"

enum step { STEP_ON, STEP_MORE, STEP_HEAD, STEP_BODY, STEP_END, STEP_BAD };

void parser_reset(struct parser *p, const struct parser_limits *limits)
{
	struct strbuf head = p->head;
	struct strbuf line = p->line;

	strbuf_reset(&head);
	strbuf_reset(&line);
	/* All but the fields, which field_count makes meaningless. */
	memset(p, 0, offsetof(struct parser, fields));
	p->head = head;
	p->line = line;
	p->limits = *limits;
	if (p->limits.fields > PARSER_FIELDS_MAX)
		p->limits.fields = PARSER_FIELDS_MAX;
}

void parser_done(struct parser *p)
{
	strbuf_done(&p->head);
	strbuf_done(&p->line);
}

bool parser_has_begun(const struct parser *p)
{
	return p->state != PARSER_ON_REQUEST_LINE || p->head.n > 0;
}

struct str parser_field_name(const struct parser *p, size_t i)
{
	return (struct str){ p->head.p + p->fields[i].name, p->fields[i].name_size };
}

struct str parser_field_value(const struct parser *p, size_t i)
{
	return (struct str){ p->head.p + p->fields[i].value, p->fields[i].value_size };
}

struct str parser_field(const struct parser *p, struct str name)
{
	for (size_t i = 0; i < p->field_count; i++) {
		if (p->fields[i].name_size == name.n &&
		    str_equal_nocase(parser_field_name(p, i), name))
			return parser_field_value(p, i);
	}
	return (struct str){ NULL, 0 };
}

static void skip(struct str *in, size_t n)
{
	*in = (struct str){ in->p + n, in->n - n };
}

/*
 * Takes bytes up to and with the next LF into b, where `have` bytes of the line are already. Too
 * long is a line with more than room + 1 bytes before its LF: a CR fits, one byte more does not.
 */
enum line { LINE_WHOLE, LINE_PART, LINE_TOO_LONG, LINE_NO_MEMORY };

static enum line take_line(struct strbuf *b, size_t have, size_t room, struct str *in)
{
	const char *lf = in->n ? memchr(in->p, '\n', in->n) : NULL;
	size_t n = lf ? (size_t)(lf - in->p) : in->n;

	if (have + n > room + 1)
		return LINE_TOO_LONG;
	n += lf != NULL;
	strbuf_add(b, in->p, n);
	if (strbuf_error(b) < 0)
		return LINE_NO_MEMORY;
	skip(in, n);
	return lf ? LINE_WHOLE : LINE_PART;
}

/* Cuts CR LF off the line; false if the CR is missing. Another CR fails in the byte tables. */
static bool cut_line_end(struct str *line)
{
	if (line->n < 2 || line->p[line->n - 2] != '\r')
		return false;
	line->n -= 2;
	return true;
}

static enum step refuse(struct parser *p, int status, const char *why)
{
	head_refuse(p, status, why);
	return STEP_BAD;
}

static enum step no_memory(struct parser *p)
{
	return refuse(p, 503, "out of memory");
}

/* The next line of the head, at most `room` bytes long. STEP_ON with *ret_line set. */
static enum step take_head_line(struct parser *p, size_t room, struct str *in, struct str *ret_line)
{
	switch (take_line(&p->head, p->head.n - p->line_start, room, in)) {
	case LINE_PART:
		return STEP_MORE;
	case LINE_TOO_LONG:
		return p->state == PARSER_ON_REQUEST_LINE
		               ? refuse(p, 414, "request line too long")
		               : refuse(p, 431, "header fields too large");
	case LINE_NO_MEMORY:
		return no_memory(p);
	case LINE_WHOLE:
		break;
	}
	*ret_line = (struct str){ p->head.p + p->line_start, p->head.n - p->line_start };
	if (!cut_line_end(ret_line))
		return refuse(p, 400, "line does not end with CR LF");
	return STEP_ON;
}

static enum step on_request_line(struct parser *p, struct str *in)
{
	struct str line;
	enum step s = take_head_line(p, p->limits.request_line, in, &line);

	if (s != STEP_ON)
		return s;
	if (line.n == 0) {
		if (p->skipped_line)
			return refuse(p, 400, "more than one empty line before the request");
		p->skipped_line = true;
		strbuf_reset(&p->head);
		return STEP_ON;
	}
	if (head_request_line(p, line) < 0)
		return STEP_BAD;
	p->line_start = (uint32_t)p->head.n;
	p->state = PARSER_ON_FIELD;
	return STEP_ON;
}

static enum step finish_head(struct parser *p)
{
	if (head_finish(p) < 0)
		return STEP_BAD;
	if (p->chunked) {
		p->state = PARSER_ON_CHUNK_SIZE;
	} else {
		p->left = p->length;
		p->state = p->left > 0 ? PARSER_ON_FIXED : PARSER_AT_END;
	}
	return STEP_HEAD;
}

static enum step on_field(struct parser *p, struct str *in)
{
	size_t room = p->limits.head > p->line_start ? p->limits.head - p->line_start : 0;
	struct str line;
	enum step s = take_head_line(p, room, in, &line);

	if (s != STEP_ON)
		return s;
	if (line.n == 0)
		return finish_head(p);
	if (head_field(p, line) < 0)
		return STEP_BAD;
	p->line_start = (uint32_t)p->head.n;
	return STEP_ON;
}

/* The next slice of p->left bytes. */
static enum step take_body(struct parser *p, struct str *in, struct str *ret_body)
{
	size_t n = in->n < p->left ? in->n : (size_t)p->left;

	if (n == 0)
		return STEP_MORE;
	*ret_body = (struct str){ in->p, n };
	p->left -= n;
	skip(in, n);
	return STEP_BODY;
}

static enum step on_fixed(struct parser *p, struct str *in, struct str *ret_body)
{
	enum step s = take_body(p, in, ret_body);

	if (p->left == 0)
		p->state = PARSER_AT_END;
	return s;
}

static enum step on_chunk_data(struct parser *p, struct str *in, struct str *ret_body)
{
	enum step s = take_body(p, in, ret_body);

	if (p->left == 0)
		p->state = PARSER_ON_CHUNK_CR;
	return s;
}

static enum step on_chunk_end(struct parser *p, struct str *in, char expected)
{
	if (in->n == 0)
		return STEP_MORE;
	if (in->p[0] != expected)
		return refuse(p, 400, "chunk does not end where it said");
	skip(in, 1);
	p->state = expected == '\r' ? PARSER_ON_CHUNK_LF : PARSER_ON_CHUNK_SIZE;
	return STEP_ON;
}

static enum step on_chunk_size(struct parser *p, struct str *in)
{
	struct str line;

	switch (take_line(&p->line, p->line.n, PARSER_CHUNK_DIGITS + p->limits.chunk_extension,
	                  in)) {
	case LINE_PART:
		return STEP_MORE;
	case LINE_TOO_LONG:
		return refuse(p, 400, "chunk-size line too long");
	case LINE_NO_MEMORY:
		return no_memory(p);
	case LINE_WHOLE:
		break;
	}
	line = strbuf_str(&p->line);
	if (!cut_line_end(&line))
		return refuse(p, 400, "chunk-size line does not end with CR LF");
	if (head_chunk_size(p, line) < 0)
		return STEP_BAD;
	strbuf_reset(&p->line);
	p->state = p->left > 0 ? PARSER_ON_CHUNK_DATA : PARSER_ON_TRAILER;
	return STEP_ON;
}

static enum step on_trailer(struct parser *p, struct str *in)
{
	struct str line;

	switch (take_line(&p->line, p->line.n, p->limits.trailer - p->trailer, in)) {
	case LINE_PART:
		return STEP_MORE;
	case LINE_TOO_LONG:
		return refuse(p, 431, "trailer fields too large");
	case LINE_NO_MEMORY:
		return no_memory(p);
	case LINE_WHOLE:
		break;
	}
	line = strbuf_str(&p->line);
	if (!cut_line_end(&line))
		return refuse(p, 400, "trailer line does not end with CR LF");
	if (line.n == 0) {
		p->state = PARSER_AT_END;
		return STEP_ON;
	}
	if (head_trailer(p, line) < 0)
		return STEP_BAD;
	p->trailer += (uint32_t)line.n;
	strbuf_reset(&p->line);
	return STEP_ON;
}

static enum step step(struct parser *p, struct str *in, struct str *ret_body)
{
	switch (p->state) {
	case PARSER_ON_REQUEST_LINE:
		return on_request_line(p, in);
	case PARSER_ON_FIELD:
		return on_field(p, in);
	case PARSER_ON_FIXED:
		return on_fixed(p, in, ret_body);
	case PARSER_ON_CHUNK_SIZE:
		return on_chunk_size(p, in);
	case PARSER_ON_CHUNK_DATA:
		return on_chunk_data(p, in, ret_body);
	case PARSER_ON_CHUNK_CR:
		return on_chunk_end(p, in, '\r');
	case PARSER_ON_CHUNK_LF:
		return on_chunk_end(p, in, '\n');
	case PARSER_ON_TRAILER:
		return on_trailer(p, in);
	case PARSER_AT_END:
		return STEP_END;
	default:
		return STEP_BAD;
	}
}

enum parser_event parser_next(struct parser *p, struct str *in, struct str *ret_body)
{
	static const enum parser_event events[] = {
		[STEP_MORE] = PARSER_MORE, [STEP_HEAD] = PARSER_HEAD, [STEP_BODY] = PARSER_BODY,
		[STEP_END] = PARSER_END,   [STEP_BAD] = PARSER_BAD,
	};
	enum step s;

	do {
		s = step(p, in, ret_body);
	} while (s == STEP_ON);
	return events[s];
}
