/*
 * What the lines of a request mean. Fields that decide where the request ends (Content-Length,
 * Transfer-Encoding) or whom it is for (Host) must come once and in one spelling; everything else
 * is kept as bytes. The checks of head_finish() are the ones that need more than one line.
 *
 * For parser.c only. Lines are slices of the parser's buffers.
 */
#include "http/head.h"

#include <string.h>

#include "http/syntax.h"

enum { SEEN_HOST = 1, SEEN_LENGTH = 2, SEEN_ENCODING = 4, SEEN_EXPECT = 8, SEEN_UNMET = 16 };

int head_refuse(struct parser *p, int status, const char *why)
{
	p->state = PARSER_AT_BAD;
	p->status = status;
	p->why = why;
	return -1;
}

static struct str from(struct str s, size_t n)
{
	return (struct str){ s.p + n, s.n - n };
}

/* -- the request line ------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int check_version(struct parser *p, struct str version)
{
	if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0 || !is_digit(version.p[5]) ||
	    version.p[6] != '.' || !is_digit(version.p[7]))
		return head_refuse(p, 400, "malformed HTTP version");
	if (version.p[5] != '1' || version.p[7] > '1')
		return head_refuse(p, 505, "HTTP version not supported");
	p->minor = (uint8_t)(version.p[7] - '0');
	return 0;
}

int head_request_line(struct parser *p, struct str line)
{
	struct str method = { line.p, syntax_span(line, SYNTAX_TOKEN) };
	struct str rest = from(line, method.n);
	const char *blank;

	if (method.n == 0 || rest.n == 0 || rest.p[0] != ' ')
		return head_refuse(p, 400, "malformed method");
	rest = from(rest, 1);
	blank = rest.n ? memchr(rest.p, ' ', rest.n) : NULL;
	if (!blank || blank == rest.p)
		return head_refuse(p, 400, "malformed request line");
	p->target = (struct str){ rest.p, (size_t)(blank - rest.p) };
	if (check_version(p, from(rest, p->target.n + 1)) < 0)
		return -1;
	if (str_is(method, "CONNECT"))
		return head_refuse(p, 501, "method not implemented");
	p->method = http_method_of(method);
	p->method_text.n = method.n;
	/* The buffer may move while fields are added: head_finish() makes pointers of this. */
	p->target_start = (uint32_t)(rest.p - line.p);
	return 0;
}

/* -- fields ----------------------------------------------------------------------------------- */

/* Name and value of a field line as slices of it. */
static int split_field(struct parser *p, struct str line, struct str *ret_name,
                       struct str *ret_value)
{
	size_t n = syntax_span(line, SYNTAX_TOKEN);
	struct str value;

	if (line.p[0] == ' ' || line.p[0] == '\t')
		return head_refuse(p, 400, "folded header line");
	if (n == 0 || n == line.n || line.p[n] != ':')
		return head_refuse(p, 400, "malformed field name");
	value = from(line, n + 1);
	if (syntax_span(value, SYNTAX_VALUE) != value.n)
		return head_refuse(p, 400, "malformed field value");
	*ret_name = (struct str){ line.p, n };
	*ret_value = str_trim(value);
	return 0;
}

/* Marks a field that may come only once. */
static int see_once(struct parser *p, unsigned field, const char *why)
{
	if (p->seen & field)
		return head_refuse(p, 400, why);
	p->seen = (uint8_t)(p->seen | field);
	return 0;
}

static int on_host(struct parser *p, struct str value)
{
	if (see_once(p, SEEN_HOST, "more than one Host") < 0)
		return -1;
	if (!uri_is_host(value))
		return head_refuse(p, 400, "malformed Host");
	p->host_field = p->field_count - 1;
	return 0;
}

/* Digits only, without a leading zero (some read it as octal), below 2^63. */
static int on_content_length(struct parser *p, struct str value)
{
	uint64_t length = 0;

	if (see_once(p, SEEN_LENGTH, "more than one Content-Length") < 0)
		return -1;
	if (value.n == 0 || (value.p[0] == '0' && value.n > 1))
		return head_refuse(p, 400, "malformed Content-Length");
	for (size_t i = 0; i < value.n; i++) {
		if (!is_digit(value.p[i]))
			return head_refuse(p, 400, "malformed Content-Length");
		if (length > (INT64_MAX - 9) / 10)
			return head_refuse(p, 400, "Content-Length too large");
		length = length * 10 + (uint64_t)(value.p[i] - '0');
	}
	p->length = length;
	p->has_length = true;
	return 0;
}

/* Only "chunked" can be read here. What is well-formed and ends in chunked, or names one other
 * coding, is 501; what could hide the end of the body is 400. */
static int on_transfer_encoding(struct parser *p, struct str value)
{
	struct str list = value, coding;
	bool is_chunked = false;

	if (see_once(p, SEEN_ENCODING, "more than one Transfer-Encoding") < 0)
		return -1;
	if (str_equal_nocase(value, STR("chunked"))) {
		p->chunked = true;
		return 0;
	}
	while (syntax_next_element(&list, &coding)) {
		if (is_chunked || !syntax_is_token(coding))
			return head_refuse(p, 400, "malformed Transfer-Encoding");
		is_chunked = str_equal_nocase(coding, STR("chunked"));
	}
	return head_refuse(p, 501, "transfer coding not implemented");
}

static int on_connection(struct parser *p, struct str value)
{
	struct str option;

	while (syntax_next_element(&value, &option)) {
		if (str_equal_nocase(option, STR("close")))
			p->closes = true;
		if (str_equal_nocase(option, STR("keep-alive")))
			p->stays = true;
	}
	return 0;
}

static int on_expect(struct parser *p, struct str value)
{
	unsigned what = str_equal_nocase(value, STR("100-continue")) ? SEEN_EXPECT : SEEN_UNMET;

	p->seen = (uint8_t)(p->seen | what);
	return 0;
}

/* Some programs read '_' as '-': then these would frame the message for them, not for us. */
static int on_look_alike(struct parser *p, struct str value)
{
	(void)value;
	return head_refuse(p, 400, "malformed field name");
}

static const struct {
	const char *name;
	size_t size;
	int (*on_value)(struct parser *p, struct str value);
} known_fields[] = {
	{ "host", 4, on_host },
	{ "expect", 6, on_expect },
	{ "connection", 10, on_connection },
	{ "content-length", 14, on_content_length },
	{ "content_length", 14, on_look_alike },
	{ "transfer-encoding", 17, on_transfer_encoding },
	{ "transfer_encoding", 17, on_look_alike },
};

static int on_known_field(struct parser *p, struct str name, struct str value)
{
	for (size_t i = 0; i < sizeof(known_fields) / sizeof(known_fields[0]); i++) {
		struct str known = { known_fields[i].name, known_fields[i].size };

		if (name.n == known.n && str_equal_nocase(name, known))
			return known_fields[i].on_value(p, value);
	}
	return 0;
}

int head_field(struct parser *p, struct str line)
{
	struct str name, value;
	struct parser_field *f;

	if (split_field(p, line, &name, &value) < 0)
		return -1;
	if (p->field_count >= p->limits.fields)
		return head_refuse(p, 431, "too many header fields");
	f = &p->fields[p->field_count++];
	f->name = (uint32_t)(name.p - p->head.p);
	f->name_size = (uint32_t)name.n;
	f->value = (uint32_t)(value.p - p->head.p);
	f->value_size = (uint32_t)value.n;
	return on_known_field(p, name, value);
}

int head_trailer(struct parser *p, struct str line)
{
	struct str name, value;

	if (split_field(p, line, &name, &value) < 0)
		return -1;
	if (++p->trailer_fields > p->limits.fields)
		return head_refuse(p, 431, "too many trailer fields");
	return 0;
}

/* -- the head as a whole ---------------------------------------------------------------------- */

static int check_framing(struct parser *p)
{
	if (p->chunked && p->has_length)
		return head_refuse(p, 400, "both Content-Length and Transfer-Encoding");
	if (p->chunked && p->minor == 0)
		return head_refuse(p, 400, "Transfer-Encoding in HTTP/1.0");
	return 0;
}

static int check_target(struct parser *p)
{
	if (uri_split(p->target, &p->uri) < 0)
		return head_refuse(p, 400, "malformed request target");
	if (str_is(p->uri.path, "*") && p->method != HTTP_METHOD_OPTIONS)
		return head_refuse(p, 400, "malformed request target");
	p->host = p->uri.host;
	if (!p->host.p && (p->seen & SEEN_HOST)) {
		const struct parser_field *f = &p->fields[p->host_field];

		p->host = (struct str){ p->head.p + f->value, f->value_size };
	}
	return 0;
}

int head_finish(struct parser *p)
{
	p->method_text.p = p->head.p;
	p->target.p = p->head.p + p->target_start;
	if (check_framing(p) < 0)
		return -1;
	if (p->minor == 1 && !(p->seen & SEEN_HOST))
		return head_refuse(p, 400, "no Host");
	if (check_target(p) < 0)
		return -1;
	if (p->minor == 1 && (p->seen & SEEN_UNMET))
		return head_refuse(p, 417, "expectation failed");
	p->expects_continue =
	        p->minor == 1 && (p->seen & SEEN_EXPECT) && (p->chunked || p->length > 0);
	p->keep_alive = !p->closes && (p->minor == 1 || p->stays);
	return 0;
}

/* -- chunks ----------------------------------------------------------------------------------- */

/* *( ";" token [ "=" ( token / quoted-string ) ] ), without the blanks that the grammar calls bad.
 */
static bool is_chunk_extension(struct str s)
{
	while (s.n > 0) {
		size_t n;

		if (s.p[0] != ';')
			return false;
		s = from(s, 1);
		n = syntax_span(s, SYNTAX_TOKEN);
		if (n == 0)
			return false;
		s = from(s, n);
		if (s.n == 0 || s.p[0] != '=')
			continue;
		s = from(s, 1);
		n = s.n > 0 && s.p[0] == '"' ? syntax_quoted(s) : syntax_span(s, SYNTAX_TOKEN);
		if (n == 0)
			return false;
		s = from(s, n);
	}
	return true;
}

int head_chunk_size(struct parser *p, struct str line)
{
	uint64_t size = 0;
	size_t n = 0;

	while (n < line.n && n < PARSER_CHUNK_DIGITS && syntax_hex(line.p[n]) >= 0)
		size = size << 4 | (uint64_t)syntax_hex(line.p[n++]);
	if (n == 0 || size > INT64_MAX)
		return head_refuse(p, 400, "malformed chunk size");
	line = from(line, n);
	if (line.n > p->limits.chunk_extension || !is_chunk_extension(line))
		return head_refuse(p, 400, "malformed chunk size");
	p->extensions += (uint32_t)line.n;
	if (p->extensions > p->limits.chunk_extensions)
		return head_refuse(p, 400, "chunk extensions too large");
	p->left = size;
	return 0;
}
