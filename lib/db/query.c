/*
 * Variables of SQL files. A small scanner knows where a text, a quoted name, a dollar quote or a
 * comment ends, so that only a variable in plain SQL is replaced; the value becomes a literal whose
 * quotes and backslashes are doubled by SQL's own rules (E'' where a backslash occurs).
 *
 * Pure. Called by training and batch with the files of sql/queries/.
 */
#include "db/query.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct scan {
	struct str sql;
	size_t at;
};

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static unsigned line_of(const struct scan *s)
{
	unsigned line = 1;
	size_t i;

	for (i = 0; i < s->at && i < s->sql.n; i++)
		line += s->sql.p[i] == '\n';
	return line;
}

static bool starts(const struct scan *s, const char *text)
{
	size_t n = strlen(text);

	return s->sql.n - s->at >= n && !memcmp(s->sql.p + s->at, text, n);
}

/* Behind the next occurrence of text, or the whole length + 1 if there is none. */
static size_t behind(const struct scan *s, size_t from, struct str text)
{
	const char *p =
	        from <= s->sql.n ? memmem(s->sql.p + from, s->sql.n - from, text.p, text.n) : NULL;

	return p ? (size_t)(p - s->sql.p) + text.n : s->sql.n + 1;
}

/* A '…' or "…" from its opening quote; a doubled quote is inside, in E'…' a backslash escapes. */
static size_t behind_quote(const struct scan *s)
{
	char quote = s->sql.p[s->at];
	int before = s->at > 0 ? s->sql.p[s->at - 1] : ' ';
	bool escapes = quote == '\'' && (before == 'e' || before == 'E') &&
	               (s->at < 2 || !is_name(s->sql.p[s->at - 2]));
	size_t i;

	for (i = s->at + 1; i < s->sql.n; i++) {
		if (escapes && s->sql.p[i] == '\\') {
			i++;
		} else if (s->sql.p[i] == quote) {
			if (i + 1 == s->sql.n || s->sql.p[i + 1] != quote)
				return i + 1;
			i++;
		}
	}
	return s->sql.n + 1;
}

/* $$…$$ or $tag$…$tag$; a lone '$' is one character ($1). */
static size_t behind_dollar(const struct scan *s)
{
	size_t i = s->at + 1;

	if (s->at > 0 && is_name(s->sql.p[s->at - 1]))
		return s->at + 1;
	while (i < s->sql.n && is_name(s->sql.p[i]))
		i++;
	if (i >= s->sql.n || s->sql.p[i] != '$')
		return s->at + 1;
	return behind(s, i + 1, (struct str){ s->sql.p + s->at, i + 1 - s->at });
}

/* Comments nest in PostgreSQL. */
static size_t behind_comment(const struct scan *s)
{
	unsigned depth = 0;
	size_t i;

	for (i = s->at; i + 1 < s->sql.n; i++) {
		if (s->sql.p[i] == '/' && s->sql.p[i + 1] == '*') {
			depth++;
			i++;
		} else if (s->sql.p[i] == '*' && s->sql.p[i + 1] == '/') {
			i++;
			if (--depth == 0)
				return i + 1;
		}
	}
	return s->sql.n + 1;
}

static size_t behind_line(const struct scan *s)
{
	size_t end = behind(s, s->at, STR("\n"));

	return end > s->sql.n ? s->sql.n : end;
}

/* Where the piece at s->at ends: a quote, comment, cast or one character. */
static size_t behind_piece(const struct scan *s)
{
	if (s->sql.p[s->at] == '\'' || s->sql.p[s->at] == '"')
		return behind_quote(s);
	if (s->sql.p[s->at] == '$')
		return behind_dollar(s);
	if (starts(s, "/*"))
		return behind_comment(s);
	if (starts(s, "--"))
		return behind_line(s);
	return s->at + (starts(s, "::") ? 2 : 1);
}

static int add_literal(struct strbuf *out, const char *value)
{
	size_t i;

	if (!value) {
		strbuf_adds(out, " null ");
		return 0;
	}
	if (!str_is_utf8(str_of(value)))
		return -EINVAL;
	/* Blanks around it: beside another quote two texts would become one. */
	strbuf_adds(out, strchr(value, '\\') ? " E'" : " '");
	for (i = 0; value[i]; i++) {
		if (value[i] == '\'' || value[i] == '\\')
			strbuf_addc(out, value[i]);
		strbuf_addc(out, value[i]);
	}
	strbuf_adds(out, "' ");
	return 0;
}

/* s->at is at :'name' */
static int add_variable(struct scan *s, const struct query_variable *variables, size_t count,
                        struct strbuf *out, struct errbuf *err)
{
	struct str name = { s->sql.p + s->at + 2, 0 };
	size_t i;

	while (s->at + 2 + name.n < s->sql.n && is_name(name.p[name.n]))
		name.n++;
	if (name.n == 0 || s->at + 2 + name.n >= s->sql.n || name.p[name.n] != '\'')
		return errbuf_set(err, -EINVAL, "line %u: a variable is written :'name'",
		                  line_of(s));
	for (i = 0; i < count && !str_is(name, variables[i].name); i++)
		;
	if (i == count)
		return errbuf_set(err, -EINVAL, "line %u: there is no variable \"%.*s\"",
		                  line_of(s), (int)(name.n < 64 ? name.n : 64), name.p);
	if (add_literal(out, variables[i].value) < 0)
		return errbuf_set(err, -EINVAL, "the value of \"%s\" is no UTF-8",
		                  variables[i].name);
	s->at += name.n + 3;
	return 0;
}

/* Nothing but blanks and comments may follow a semicolon. */
static int check_rest(struct scan *s, struct errbuf *err)
{
	for (s->at++; s->at < s->sql.n; s->at = behind_piece(s))
		if (!strchr(" \t\r\n;", s->sql.p[s->at]) && !starts(s, "--") && !starts(s, "/*"))
			return errbuf_set(err, -EINVAL, "line %u: only one statement is taken",
			                  line_of(s));
	if (s->at > s->sql.n)
		return errbuf_set(err, -EINVAL, "line %u: a comment has no end", line_of(s));
	return 0;
}

int query_bind(struct str sql, const struct query_variable *variables, size_t count,
               struct strbuf *out, struct errbuf *err)
{
	struct scan s = { sql, 0 };
	size_t end;
	int r;

	if ((sql.n > 0 && memchr(sql.p, '\0', sql.n)) || !str_is_utf8(sql))
		return errbuf_set(err, -EINVAL, "the query is no UTF-8 text");
	while (s.at < sql.n) {
		if (starts(&s, ":'")) {
			r = add_variable(&s, variables, count, out, err);
			if (r < 0)
				return r;
			continue;
		}
		if (sql.p[s.at] == ';')
			return check_rest(&s, err) < 0 ? -EINVAL : strbuf_error(out);
		end = behind_piece(&s);
		if (end > sql.n)
			return errbuf_set(err, -EINVAL, "line %u: a quote or comment has no end",
			                  line_of(&s));
		strbuf_add(out, sql.p + s.at, end - s.at);
		s.at = end;
	}
	return strbuf_error(out);
}
