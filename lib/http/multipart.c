/*
 * A part's data ends at CR LF "--" boundary. CR stands only at the front of that delimiter, so when
 * a comparison fails in the middle, no shorter match can be hidden in what was read: the bytes held
 * back are data and the search goes on. They are given out from the delimiter itself, so nothing is
 * copied and any fragmentation gives the same bytes.
 *
 * Used by the upload route, which reads CSV out of the part "file" while it arrives.
 */
#include "http/multipart.h"

#include <errno.h>
#include <string.h>

#include "http/syntax.h"

enum state {
	ON_PREAMBLE,
	ON_DELIMITER,
	ON_DASH,
	ON_PADDING,
	ON_LF,
	ON_HEADER,
	ON_DATA,
	AT_END,
	AT_BAD
};

static struct str from(struct str s, size_t n)
{
	return (struct str){ s.p + n, s.n - n };
}

/* -- parameters of a field value -------------------------------------------------------------- */

/* Takes OWS ";" OWS name "=" ( token / quoted-string ) off the front. The value is still quoted. */
static bool next_parameter(struct str *at, struct str *ret_name, struct str *ret_value)
{
	struct str s = str_trim(*at);
	size_t n;

	if (s.n == 0 || s.p[0] != ';')
		return false;
	s = str_trim(from(s, 1));
	n = syntax_span(s, SYNTAX_TOKEN);
	if (n == 0 || n == s.n || s.p[n] != '=')
		return false;
	*ret_name = (struct str){ s.p, n };
	s = from(s, n + 1);
	n = s.n > 0 && s.p[0] == '"' ? syntax_quoted(s) : syntax_span(s, SYNTAX_TOKEN);
	if (n == 0)
		return false;
	*ret_value = (struct str){ s.p, n };
	*at = from(s, n);
	return true;
}

static bool is_boundary(struct str s)
{
	if (s.n == 0 || s.n > MULTIPART_BOUNDARY_MAX || s.p[s.n - 1] == ' ')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    (c == '\0' || !strchr("'()+_,-./:=? ", c)))
			return false;
	}
	return true;
}

static bool unquote_boundary(struct str *s)
{
	if (s->n > 1 && s->p[0] == '"')
		*s = (struct str){ s->p + 1, s->n - 2 };
	return is_boundary(*s);
}

int multipart_start(struct multipart *m, struct str content_type)
{
	struct str rest = str_trim(content_type);
	struct str type = { rest.p, 0 };
	struct str name, value, boundary = { NULL, 0 };

	while (type.n < rest.n &&
	       (syntax_is(rest.p[type.n], SYNTAX_TOKEN) || rest.p[type.n] == '/'))
		type.n++;
	if (!str_equal_nocase(type, STR("multipart/form-data")))
		return -ENOTSUP;
	rest = from(rest, type.n);
	while (next_parameter(&rest, &name, &value)) {
		if (!str_equal_nocase(name, STR("boundary")))
			continue;
		if (boundary.p)
			return -EINVAL;
		boundary = value;
	}
	if (str_trim(rest).n > 0 || !boundary.p || !unquote_boundary(&boundary))
		return -EINVAL;
	memset(m, 0, offsetof(struct multipart, header));
	memcpy(m->delimiter, "\r\n--", 4);
	memcpy(m->delimiter + 4, boundary.p, boundary.n);
	m->delimiter_size = (uint8_t)(boundary.n + 4);
	/* The first delimiter needs no CR LF before it. */
	m->matched = 2;
	m->state = ON_PREAMBLE;
	return 0;
}

/* -- the header of a part --------------------------------------------------------------------- */

static enum multipart_event bad(struct multipart *m, const char *why)
{
	m->state = AT_BAD;
	m->why = why;
	return MULTIPART_BAD;
}

/* Undoes quotes in place, in m->header: \" and \\ stand for the second byte, any other \ for itself
 * (browsers send backslashes of Windows file names as they are). */
static struct str unquote(struct multipart *m, struct str s)
{
	char *out;
	size_t n = 0;

	if (s.n < 2 || s.p[0] != '"')
		return s;
	s = (struct str){ s.p + 1, s.n - 2 };
	out = m->header + (s.p - m->header);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == '"' || s.p[i + 1] == '\\'))
			i++;
		out[n++] = s.p[i];
	}
	return (struct str){ out, n };
}

/* filename*=UTF-8''percent-encoded (RFC 8187), decoded in place; false for another charset. */
static bool decode_extended(struct multipart *m, struct str *s)
{
	static const char prefix[] = "utf-8''";
	size_t skipped = sizeof(prefix) - 1;
	char *out;
	size_t n = 0;

	if (s->n < skipped || !str_equal_nocase((struct str){ s->p, skipped }, str_of(prefix)))
		return false;
	*s = from(*s, skipped);
	out = m->header + (s->p - m->header);
	for (size_t i = 0; i < s->n; i++) {
		int value = (unsigned char)s->p[i];

		if (value == '%') {
			value = syntax_percent(from(*s, i));
			if (value <= 0)
				return false;
			i += 2;
		}
		out[n++] = (char)value;
	}
	s->n = n;
	return true;
}

static bool set_once(struct str *target, struct str value)
{
	if (target->p || !str_is_utf8(value))
		return false;
	*target = value;
	return true;
}

static bool on_disposition(struct multipart *m, struct str value)
{
	size_t n = syntax_span(value, SYNTAX_TOKEN);
	struct str extended = { NULL, 0 };
	struct str rest = from(value, n);
	struct str name;
	bool fine = true;

	if (m->has_disposition || !str_equal_nocase((struct str){ value.p, n }, STR("form-data")))
		return false;
	m->has_disposition = true;
	while (fine && next_parameter(&rest, &name, &value)) {
		if (str_equal_nocase(name, STR("name")))
			fine = set_once(&m->name, unquote(m, value));
		else if (str_equal_nocase(name, STR("filename")))
			fine = set_once(&m->filename, unquote(m, value));
		else if (str_equal_nocase(name, STR("filename*")))
			fine = decode_extended(m, &value) && set_once(&extended, value);
	}
	if (extended.p)
		m->filename = extended;
	return fine && str_trim(rest).n == 0 && m->name.p;
}

static bool on_type(struct multipart *m, struct str value)
{
	m->type = value;
	return true;
}

/* Forms are not encoded any more (RFC 7578 §4.7): what is would be read wrongly. */
static bool on_transfer_encoding(struct multipart *m, struct str value)
{
	(void)m;
	return str_equal_nocase(value, STR("binary")) || str_equal_nocase(value, STR("8bit")) ||
	       str_equal_nocase(value, STR("7bit"));
}

static const struct {
	const char *name;
	bool (*on_value)(struct multipart *m, struct str value);
	const char *why;
} fields[] = {
	{ "Content-Disposition", on_disposition, "malformed Content-Disposition of a part" },
	{ "Content-Type", on_type, "malformed Content-Type of a part" },
	{ "Content-Transfer-Encoding", on_transfer_encoding, "encoded part" },
};

/* NULL, or what is wrong. */
static const char *on_field(struct multipart *m, struct str line)
{
	struct str name = { line.p, syntax_span(line, SYNTAX_TOKEN) };
	struct str value = from(line, name.n);

	if (name.n == 0 || value.n == 0 || value.p[0] != ':' ||
	    syntax_span(from(value, 1), SYNTAX_VALUE) != value.n - 1)
		return "malformed header of a part";
	value = str_trim(from(value, 1));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (str_equal_nocase(name, str_of(fields[i].name)))
			return fields[i].on_value(m, value) ? NULL : fields[i].why;
	}
	return NULL;
}

static void begin_header(struct multipart *m)
{
	m->name = (struct str){ NULL, 0 };
	m->filename = (struct str){ NULL, 0 };
	m->type = STR("text/plain");
	m->has_disposition = false;
	m->header_size = 0;
	m->line_start = 0;
	m->state = ON_HEADER;
}

/* One line of the header is whole: from line_start to header_size, with its LF. */
static enum multipart_event on_header_line(struct multipart *m)
{
	struct str line = { m->header + m->line_start, (size_t)(m->header_size - m->line_start) };
	const char *why;

	if (line.n < 2 || line.p[line.n - 2] != '\r')
		return bad(m, "header line of a part does not end with CR LF");
	line.n -= 2;
	m->line_start = m->header_size;
	if (line.n == 0) {
		if (!m->has_disposition)
			return bad(m, "part without Content-Disposition");
		m->state = ON_DATA;
		return MULTIPART_PART;
	}
	why = on_field(m, line);
	return why ? bad(m, why) : MULTIPART_MORE;
}

static enum multipart_event on_header(struct multipart *m, struct str *in)
{
	const char *lf = memchr(in->p, '\n', in->n);
	size_t n = lf ? (size_t)(lf - in->p) + 1 : in->n;

	if (n > sizeof(m->header) - m->header_size)
		return bad(m, "header of a part is too large");
	memcpy(m->header + m->header_size, in->p, n);
	m->header_size = (uint16_t)(m->header_size + n);
	*in = from(*in, n);
	return lf ? on_header_line(m) : MULTIPART_MORE;
}

/* -- delimiters and data ---------------------------------------------------------------------- */

/* After the boundary: "--" ends the body, blanks and CR LF begin a part. */
static enum multipart_event on_delimiter(struct multipart *m, struct str *in)
{
	char c = in->p[0];

	*in = from(*in, 1);
	if (m->state == ON_DELIMITER && c == '-') {
		m->state = ON_DASH;
	} else if (m->state == ON_DASH && c == '-') {
		m->state = AT_END;
		return MULTIPART_END;
	} else if (m->state == ON_LF && c == '\n') {
		if (++m->parts > MULTIPART_PARTS_MAX)
			return bad(m, "too many parts");
		begin_header(m);
	} else if ((m->state == ON_DELIMITER || m->state == ON_PADDING) && c == '\r') {
		m->state = ON_LF;
	} else if ((m->state == ON_DELIMITER || m->state == ON_PADDING) &&
	           (c == ' ' || c == '\t')) {
		m->state = ON_PADDING;
	} else {
		return bad(m, "malformed delimiter");
	}
	return MULTIPART_MORE;
}

/* Where in s the delimiter begins, or could begin as far as s goes; s.n if nowhere. */
static size_t find_delimiter(const struct multipart *m, struct str s)
{
	size_t at = 0;

	while (at < s.n) {
		const char *cr = memchr(s.p + at, '\r', s.n - at);
		size_t known;

		if (!cr)
			return s.n;
		at = (size_t)(cr - s.p);
		known = s.n - at < m->delimiter_size ? s.n - at : m->delimiter_size;
		if (memcmp(cr, m->delimiter, known) == 0)
			return at;
		at++;
	}
	return s.n;
}

/* Compares on inside a delimiter of which `matched` bytes were seen. */
static enum multipart_event on_match(struct multipart *m, struct str *in, struct str *ret_data)
{
	bool is_data = m->state == ON_DATA;

	while (in->n > 0 && m->matched < m->delimiter_size &&
	       in->p[0] == m->delimiter[m->matched]) {
		m->matched++;
		*in = from(*in, 1);
	}
	if (m->matched == m->delimiter_size) {
		m->matched = 0;
		m->state = ON_DELIMITER;
		return is_data ? MULTIPART_PART_END : MULTIPART_MORE;
	}
	if (in->n == 0)
		return MULTIPART_MORE;
	*ret_data = (struct str){ m->delimiter, m->matched };
	m->matched = 0;
	return is_data ? MULTIPART_DATA : MULTIPART_MORE;
}

static enum multipart_event on_data(struct multipart *m, struct str *in, struct str *ret_data)
{
	size_t n;

	if (m->matched > 0)
		return on_match(m, in, ret_data);
	n = find_delimiter(m, *in);
	if (n == 0) {
		m->matched = 1;
		*in = from(*in, 1);
		return MULTIPART_MORE;
	}
	*ret_data = (struct str){ in->p, n };
	*in = from(*in, n);
	return m->state == ON_DATA ? MULTIPART_DATA : MULTIPART_MORE;
}

static enum multipart_event step(struct multipart *m, struct str *in, struct str *ret_data)
{
	switch (m->state) {
	case ON_PREAMBLE:
	case ON_DATA:
		return on_data(m, in, ret_data);
	case ON_HEADER:
		return on_header(m, in);
	default:
		return on_delimiter(m, in);
	}
}

enum multipart_event multipart_next(struct multipart *m, struct str *in, struct str *ret_data)
{
	enum multipart_event e = MULTIPART_MORE;

	if (m->state == AT_BAD)
		return MULTIPART_BAD;
	/* After the closing delimiter comes an epilogue, which says nothing. */
	if (m->state == AT_END)
		*in = from(*in, in->n);
	while (e == MULTIPART_MORE && in->n > 0)
		e = step(m, in, ret_data);
	return e;
}

bool multipart_is_complete(const struct multipart *m)
{
	return m->state == AT_END;
}
