/*
 * Every value and fault as pydantic has it: pydantic_cases.tsv was written by pydantic itself
 * (pydantic_cases.py). Another table of that form can be given in FRAUDD_PYDANTIC_CASES.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>

#include "base/arena.h"
#include "base/file.h"
#include "features/operators.h"
#include "features/row.h"
#include "json/value.h"

struct pydantic_case {
	char *type, *json, *answer, *message, *ctx;
};

static bool split(char *line, struct pydantic_case *c)
{
	char **const columns[] = { &c->type, &c->json, &c->answer, &c->message, &c->ctx };
	size_t n = 0;

	*c = (struct pydantic_case){ 0 };
	for (char *at = line; at && n < 5; n++)
		*columns[n] = strsep(&at, "\t");
	return c->type && c->json && c->answer && (n == 3 || n == 5);
}

static uint64_t bits(double d)
{
	uint64_t ret;

	memcpy(&ret, &d, sizeof(ret));
	return ret;
}

static bool same_value(const struct program_input *in, const struct cell *cell, const char *want)
{
	char text[512];

	switch (in->type) {
	case INPUT_NUMBER:
		return bits(strtod(want, NULL)) == bits(cell->v.number);
	case INPUT_CATEGORY:
		snprintf(text, sizeof(text), "\"%.*s\"", STR_ARGS(cell->v.text));
		return want[1] == '\\' || strcmp(text, want) == 0;
	default:
		return cell->v.integer == strtoll(want, NULL, 10);
	}
}

static bool agrees(const struct pydantic_case *c, struct arena *a)
{
	int type = operators_find(input_type_names, INPUT_TYPE_MAX, str_of(c->type));
	struct program_input in = { .type = (enum input_type)type, .required = true };
	struct field_fault fault = { 0 };
	struct json_fault json_fault;
	const struct cJSON *value;
	struct cell cell;
	int r;

	if (type < 0 || json_parse(str_of(c->json), a, &value, &json_fault) < 0)
		return false;
	r = cell_from_json(&in, value, a, &cell, &fault);
	if (c->answer[0] == '=')
		return r == 0 && cell.present && same_value(&in, &cell, c->answer + 2);
	return r == -EINVAL && c->message && strcmp(fault.type, c->answer) == 0 &&
	       strcmp(fault.message, c->message) == 0 && str_is(fault.ctx, c->ctx);
}

static const char *shown(const char *column)
{
	return column ? column : "";
}

static void pydantic_agrees(void **unused)
{
	const char *path = getenv("FRAUDD_PYDANTIC_CASES");
	char *text, *next;
	struct arena a = { 0 };
	size_t size, failed = 0, count = 0;

	(void)unused;
	if (!path)
		path = FRAUDD_SOURCE_DIR "/test/unit/features/pydantic_cases.tsv";
	assert_int_equal(file_read(AT_FDCWD, path, (size_t)256 << 20, &text, &size), 0);
	json_setup();
	next = text;
	for (char *line; (line = strsep(&next, "\n")) && *line; count++) {
		struct pydantic_case c;

		if (!split(line, &c) || !agrees(&c, &a)) {
			print_error("case %zu: %s %s: wanted %s %s\n", count, shown(c.type),
			            shown(c.json), shown(c.answer), shown(c.message));
			failed++;
		}
		arena_reset(&a);
	}
	arena_done(&a);
	free(text);
	assert_true(count > 500);
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pydantic_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
