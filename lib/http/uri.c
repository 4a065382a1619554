/*
 * Targets are judged as bytes before anything is decoded. A target byte is what RFC 3986 allows,
 * plus the few that browsers send unescaped in queries (| ^ ` { } [ ]); controls, blanks, 8-bit
 * bytes and " # < > \ are refused. %00 is refused because C text ends there, %2F in a path because
 * a proxy in front may have judged another path than the one that we would route.
 */
#include "http/uri.h"

#include <errno.h>
#include <string.h>

#include "http/syntax.h"

static bool is_target_byte(char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '#' && c != '<' && c != '>' && c != '\\';
}

/* 1 if it has a '%', 0 if not, or -EINVAL. */
static int check_target(struct str s, bool is_path)
{
	const char *end = s.p + s.n;
	int encoded = 0;

	for (const char *p = s.p; p < end; p++) {
		int value;

		if (!is_target_byte(*p))
			return -EINVAL;
		if (*p != '%')
			continue;
		value = syntax_percent((struct str){ p, (size_t)(end - p) });
		if (value <= 0 || (is_path && value == '/'))
			return -EINVAL;
		encoded = 1;
	}
	return encoded;
}

static bool is_host_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("-._~!$&'()*+;=%", c));
}

static bool is_port(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n <= 5;
}

/* The length of the host before its port, or 0: a name, an IPv4 address or "[IPv6]". */
static size_t host_length(struct str s)
{
	size_t i = 0;

	if (s.n > 0 && s.p[0] == '[') {
		for (i = 1; i < s.n && s.p[i] != ']'; i++) {
			if (syntax_hex(s.p[i]) < 0 && s.p[i] != ':' && s.p[i] != '.')
				return 0;
		}
		return i < s.n && i > 2 ? i + 1 : 0;
	}
	while (i < s.n && is_host_byte(s.p[i]))
		i++;
	return i;
}

bool uri_is_host(struct str s)
{
	size_t n = host_length(s);

	if (n == 0 || n > 255)
		return false;
	if (n == s.n)
		return true;
	return s.p[n] == ':' && is_port((struct str){ s.p + n + 1, s.n - n - 1 });
}

static bool starts_with_nocase(struct str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && str_equal_nocase((struct str){ s.p, n }, (struct str){ prefix, n });
}

/* Takes "scheme://authority" off the front of an absolute target. */
static int split_authority(struct str *target, struct str *ret_host)
{
	size_t scheme, n = 0;
	struct str rest;

	if (starts_with_nocase(*target, "http://"))
		scheme = strlen("http://");
	else if (starts_with_nocase(*target, "https://"))
		scheme = strlen("https://");
	else
		return -EINVAL;
	rest = (struct str){ target->p + scheme, target->n - scheme };
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	*ret_host = (struct str){ rest.p, n };
	*target = (struct str){ rest.p + n, rest.n - n };
	return uri_is_host(*ret_host) ? 0 : -EINVAL;
}

int uri_split(struct str target, struct uri *ret)
{
	struct uri u = { .host = { NULL, 0 } };
	const char *mark;
	int r;

	if (str_is(target, "*")) {
		*ret = (struct uri){ .path = target, .query = { target.p + 1, 0 } };
		return 0;
	}
	if (target.n == 0)
		return -EINVAL;
	if (target.p[0] != '/') {
		r = split_authority(&target, &u.host);
		if (r < 0)
			return r;
	}
	mark = target.n ? memchr(target.p, '?', target.n) : NULL;
	u.path = mark ? (struct str){ target.p, (size_t)(mark - target.p) } : target;
	u.query = (struct str){ target.p + target.n, 0 };
	if (mark)
		u.query = (struct str){ mark + 1, target.n - u.path.n - 1 };
	r = check_target(u.path, true);
	if (r < 0 || check_target(u.query, false) < 0)
		return -EINVAL;
	u.encoded = r > 0;
	/* "http://host" asks for "/". */
	if (u.path.n == 0)
		u.path = STR("/");
	*ret = u;
	return 0;
}

int uri_decode(struct str s, bool plus, struct arena *a, struct str *ret)
{
	const char *end = s.p + s.n;
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	if (!out)
		return -ENOMEM;
	for (const char *p = s.p; p < end; p++) {
		int value = (unsigned char)*p;

		if (*p == '%') {
			value = syntax_percent((struct str){ p, (size_t)(end - p) });
			if (value <= 0)
				return -EINVAL;
			p += 2;
		} else if (*p == '\0') {
			return -EINVAL;
		} else if (*p == '+' && plus) {
			value = ' ';
		}
		out[n++] = (char)value;
	}
	out[n] = '\0';
	*ret = (struct str){ out, n };
	return 0;
}

bool uri_next_parameter(struct str *at, struct str *ret_name, struct str *ret_value)
{
	const char *end, *equals;
	struct str piece;

	while (at->n > 0 && at->p[0] == '&')
		*at = (struct str){ at->p + 1, at->n - 1 };
	if (at->n == 0)
		return false;
	end = memchr(at->p, '&', at->n);
	piece = end ? (struct str){ at->p, (size_t)(end - at->p) } : *at;
	*at = (struct str){ at->p + piece.n, at->n - piece.n };
	equals = memchr(piece.p, '=', piece.n);
	*ret_name = equals ? (struct str){ piece.p, (size_t)(equals - piece.p) } : piece;
	*ret_value = (struct str){ piece.p + piece.n, 0 };
	if (equals)
		*ret_value = (struct str){ equals + 1, piece.n - ret_name->n - 1 };
	return true;
}

int uri_parameter(struct str query, const char *name, struct arena *a, struct str *ret)
{
	struct str raw_name, raw_value, decoded;
	int r;

	while (uri_next_parameter(&query, &raw_name, &raw_value)) {
		decoded = raw_name;
		if (memchr(raw_name.p, '%', raw_name.n) || memchr(raw_name.p, '+', raw_name.n)) {
			r = uri_decode(raw_name, true, a, &decoded);
			if (r < 0)
				return r;
		}
		if (!str_is(decoded, name))
			continue;
		r = uri_decode(raw_value, true, a, ret);
		return r < 0 ? r : 1;
	}
	return 0;
}

static const struct {
	const char *text;
	bool value;
} bool_words[] = {
	{ "true", true }, { "1", true },   { "on", true },     { "yes", true },
	{ "t", true },    { "y", true },   { "false", false }, { "0", false },
	{ "off", false }, { "no", false }, { "f", false },     { "n", false },
};

int uri_parameter_bool(struct str query, const char *name, struct arena *a, bool *ret)
{
	struct str text;
	int r = uri_parameter(query, name, a, &text);

	if (r <= 0)
		return r;
	for (size_t i = 0; i < sizeof(bool_words) / sizeof(bool_words[0]); i++) {
		if (str_equal_nocase(text, str_of(bool_words[i].text))) {
			*ret = bool_words[i].value;
			return 1;
		}
	}
	return -EINVAL;
}

int uri_parameter_int(struct str query, const char *name, struct arena *a, int64_t *ret)
{
	struct str text;
	long long value;
	int r = uri_parameter(query, name, a, &text);

	if (r <= 0)
		return r;
	r = str_to_i64(text, &value);
	if (r < 0)
		return r;
	*ret = value;
	return 1;
}
