/*
 * Answers go straight into the buffer that is sent: no tree, no second pass. Whatever comes in,
 * what goes out is valid JSON in UTF-8: a byte that is no part of a character becomes U+FFFD, a
 * number that is not finite becomes null. Numbers are printed by Ryu (libpgcommon): the shortest
 * digits that read back to the same value, in the one form that CSV and YAML have too.
 *
 * Invariant: `comma` is set exactly when the last thing written was a value. Called by whatever
 * answers a request or writes a file of JSON.
 */
#include "json/writer.h"

#include <common/shortest_dec.h>
#include <math.h>

#include "json/plain.h"
#include "json/scan.h"
#include "json/value.h"

#define INTEGER_SIZE 20 /* -9223372036854775808 */

_Static_assert(NUMBER_TEXT_SIZE >= DOUBLE_SHORTEST_DECIMAL_LEN, "a number's text has to fit");
_Static_assert(NUMBER_TEXT_SIZE >= INTEGER_SIZE, "an integer's text has to fit");

static void put_separator(struct json_writer *w)
{
	if (w->comma)
		strbuf_addc(w->out, ',');
}

/* A value of up to NUMBER_TEXT_SIZE bytes, in one addition. */
static void put_short(struct json_writer *w, const char *p, size_t n)
{
	char text[NUMBER_TEXT_SIZE + 1] = ",";

	/* cppcheck-suppress uninitvar */
	memcpy(text + w->comma, p, n);
	strbuf_add(w->out, text, n + w->comma);
	w->comma = true;
}

static void begin(struct json_writer *w, char bracket)
{
	put_short(w, &bracket, 1);
	w->comma = false;
}

static void end(struct json_writer *w, char bracket)
{
	strbuf_addc(w->out, bracket);
	w->comma = true;
}

void json_begin_object(struct json_writer *w)
{
	begin(w, '{');
}

void json_end_object(struct json_writer *w)
{
	end(w, '}');
}

void json_begin_array(struct json_writer *w)
{
	begin(w, '[');
}

void json_end_array(struct json_writer *w)
{
	end(w, ']');
}

static void put_control(struct strbuf *out, unsigned char c)
{
	static const char letters[0x20] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
	};

	if (letters[c]) {
		strbuf_addc(out, '\\');
		strbuf_addc(out, letters[c]);
	} else {
		strbuf_addf(out, "\\u%04x", c);
	}
}

/* The byte at p cannot stand as it is. Returns what follows the character. */
static const char *put_special(struct strbuf *out, const char *p, const char *behind)
{
	unsigned char c = (unsigned char)*p;
	size_t n;

	if (c < 0x20) {
		put_control(out, c);
		return p + 1;
	}
	if (c < 0x80) { /* a quote or a backslash */
		strbuf_addc(out, '\\');
		strbuf_addc(out, *p);
		return p + 1;
	}
	n = str_utf8_length((struct str){ p, (size_t)(behind - p) });
	if (n == 0) {
		strbuf_adds(out, "\xef\xbf\xbd");
		return p + 1;
	}
	strbuf_add(out, p, n);
	return p + n;
}

static void put_escaped(struct strbuf *out, const char *p, const char *behind)
{
	while (p < behind) {
		const char *run = plain_end(p, behind);

		strbuf_add(out, p, (size_t)(run - p));
		p = run < behind ? put_special(out, run, behind) : run;
	}
}

/* Text that needs no escape, in one addition. */
static void put_plain(struct json_writer *w, struct str text, struct str tail)
{
	char *first = strbuf_reserve(w->out, text.n + 2 + tail.n);
	char *p = first;

	if (!first)
		return;
	if (w->comma)
		*p++ = ',';
	*p++ = '"';
	memcpy(p, text.p, text.n);
	memcpy(p + text.n, tail.p, tail.n);
	strbuf_commit(w->out, (size_t)(p - first) + text.n + tail.n);
}

/* Separator, opening quote and text; the tail begins with the closing quote. */
static void put_text(struct json_writer *w, struct str text, struct str tail)
{
	if (text.n == 0)
		text = STR("");
	if (plain_end(text.p, text.p + text.n) == text.p + text.n) {
		put_plain(w, text, tail);
		return;
	}
	put_separator(w);
	strbuf_addc(w->out, '"');
	put_escaped(w->out, text.p, text.p + text.n);
	strbuf_add(w->out, tail.p, tail.n);
}

void json_write_name(struct json_writer *w, const char *name)
{
	put_plain(w, str_of(name), STR("\":"));
	w->comma = false;
}

void json_write_name_str(struct json_writer *w, struct str name)
{
	put_text(w, name, STR("\":"));
	w->comma = false;
}

void json_write_text(struct json_writer *w, struct str text)
{
	put_text(w, text, STR("\""));
	w->comma = true;
}

/* Right-aligned in text; returns the first digit. */
static char *print_digits(uint64_t v, char *text_end)
{
	do {
		*--text_end = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return text_end;
}

void json_write_integer(struct json_writer *w, int64_t v)
{
	char text[INTEGER_SIZE];
	char *first;

	/* The negation is done unsigned: that of INT64_MIN is no int64_t. */
	first = print_digits(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, text + sizeof(text));
	if (v < 0)
		*--first = '-';
	put_short(w, first, (size_t)(text + sizeof(text) - first));
}

void json_write_unsigned(struct json_writer *w, uint64_t v)
{
	char text[INTEGER_SIZE];
	char *first = print_digits(v, text + sizeof(text));

	put_short(w, first, (size_t)(text + sizeof(text) - first));
}

void json_write_float(struct json_writer *w, float v)
{
	char text[NUMBER_TEXT_SIZE];
	size_t n;

	if (!isfinite(v)) {
		json_write_null(w);
		return;
	}
	n = number_print_float(v, text);
	put_short(w, text, n);
}

void json_write_double(struct json_writer *w, double v)
{
	char text[NUMBER_TEXT_SIZE];
	size_t n;

	if (!isfinite(v)) {
		json_write_null(w);
		return;
	}
	n = number_print_double(v, text);
	put_short(w, text, n);
}

void json_write_bool(struct json_writer *w, bool v)
{
	if (v)
		put_short(w, "true", 4);
	else
		put_short(w, "false", 5);
}

void json_write_null(struct json_writer *w)
{
	put_short(w, "null", 4);
}

void json_write_raw(struct json_writer *w, struct str json)
{
	put_separator(w);
	strbuf_add(w->out, json.p, json.n);
	w->comma = true;
}

/* Anything but a container that has children. */
static void write_leaf(struct json_writer *w, const struct cJSON *v)
{
	switch (json_type(v)) {
	case JSON_TYPE_NULL:
		json_write_null(w);
		break;
	case JSON_TYPE_BOOL:
		json_write_bool(w, json_bool(v));
		break;
	case JSON_TYPE_NUMBER:
		json_write_raw(w, json_text(v));
		break;
	case JSON_TYPE_TEXT:
		json_write_text(w, json_text(v));
		break;
	case JSON_TYPE_ARRAY:
		json_write_raw(w, STR("[]"));
		break;
	case JSON_TYPE_OBJECT:
		json_write_raw(w, STR("{}"));
		break;
	}
}

static void end_container(struct json_writer *w, const struct cJSON *v)
{
	if (json_type(v) == JSON_TYPE_OBJECT)
		json_end_object(w);
	else
		json_end_array(w);
}

static void begin_container(struct json_writer *w, const struct cJSON *v)
{
	if (json_type(v) == JSON_TYPE_OBJECT)
		json_begin_object(w);
	else
		json_begin_array(w);
}

void json_write_value(struct json_writer *w, const struct cJSON *v)
{
	const struct cJSON *open[JSON_DEPTH] = { NULL };
	size_t depth = 0;

	for (;;) {
		if (depth > 0 && json_type(open[depth - 1]) == JSON_TYPE_OBJECT)
			json_write_name_str(w, json_name(v));
		if (json_first(v)) {
			begin_container(w, v);
			open[depth++] = v;
			v = json_first(v);
			continue;
		}
		write_leaf(w, v);
		while (depth > 0 && !json_next(v)) {
			/* cppcheck-suppress uninitvar */
			v = open[--depth];
			end_container(w, v);
		}
		if (depth == 0)
			return;
		v = json_next(v);
	}
}

size_t number_print_float(float v, char *ret)
{
	return (size_t)float_to_shortest_decimal_bufn(v, ret);
}

size_t number_print_double(double v, char *ret)
{
	return (size_t)double_to_shortest_decimal_bufn(v, ret);
}
