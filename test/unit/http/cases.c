/*
 * See cases.h. The bytes of a case are a text with escapes, so that a table of malformed input can
 * be read, searched and extended without a compiler.
 */
#include "cases.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/strbuf.h"

#define CASES_MAX 1000

/* A byte, plain or escaped; *p is moved behind it. */
static char take_byte(const char **p)
{
	char digits[3] = { 0 };
	char c = *(*p)++;

	if (c != '\\')
		return c;
	switch (*(*p)++) {
	case 'r':
		return '\r';
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'x':
		memcpy(digits, *p, 2);
		*p += 2;
		return (char)strtoul(digits, NULL, 16);
	default:
		return (*p)[-1];
	}
}

/* "{20*text}"; *p is moved behind it. */
static void add_repeated(struct strbuf *b, const char **p)
{
	char *text;
	unsigned long times = strtoul(*p + 1, &text, 10);
	const char *end = strchr(text, '}');

	assert_true(end && *text == '*' && times > 0 && times < 1000);
	while (times-- > 0)
		strbuf_add(b, text + 1, (size_t)(end - text - 1));
	*p = end + 1;
}

static struct str unescape(struct arena *a, const char *p)
{
	struct strbuf b = { 0 };
	struct str s;

	if (strcmp(p, "(nothing)") == 0)
		return STR("");
	while (*p) {
		if (*p == '{')
			add_repeated(&b, &p);
		else
			strbuf_addc(&b, take_byte(&p));
	}
	s = (struct str){ arena_strndup(a, strbuf_str(&b)), b.n };
	strbuf_done(&b);
	assert_non_null(s.p);
	return s;
}

void cases_read(struct test_cases *t, const char *file)
{
	char path[512];
	char *text, *line, *rest;
	size_t size;
	unsigned lines = 0; /* of the case that is read */

	*t = (struct test_cases){ 0 };
	snprintf(path, sizeof(path), "%s/test/unit/http/%s", FRAUDD_SOURCE_DIR, file);
	assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &text, &size), 0);
	t->rows = arena_calloc(&t->arena, CASES_MAX, sizeof(*t->rows));
	for (rest = text; (line = strsep(&rest, "\n"));) {
		struct test_case *row = &t->rows[t->count];

		if (lines == 0 && (*line == '#' || *line == '\0'))
			continue;
		if ((*line == '\t') != (lines > 0) || t->count == CASES_MAX)
			fail_msg("%s: malformed at \"%s\"", file, line);
		if (lines == 0)
			row->name = arena_strdup(&t->arena, line);
		else if (lines == 1)
			row->bytes = unescape(&t->arena, line + 1);
		else
			row->told = unescape(&t->arena, line + 1);
		t->count += lines == 2;
		lines = (lines + 1) % 3;
	}
	free(text);
	assert_true(t->count > 0 && lines == 0);
}

void cases_done(struct test_cases *t)
{
	arena_done(&t->arena);
}
