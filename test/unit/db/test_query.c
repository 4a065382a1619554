/* Variables of SQL files: what is replaced, what is left alone, what is refused. */
#include "db/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>

#include "db/embedded.h"

static const struct query_variable variables[] = {
	{ "from", "2026-01-01" }, { "who", "O'Brien" }, { "path", "c:\\x'" },
	{ "none", NULL },         { "latin", "\xe9" },
};

struct bind_case {
	const char *sql, *result; /* NULL: refused, with these words */
	const char *words;
};

static const struct bind_case cases[] = {
	{ "select 1", "select 1", NULL },
	{ "", "", NULL },
	{ "t >= :'from'::date", "t >=  '2026-01-01' ::date", NULL },
	{ ":'from':'from'", " '2026-01-01'  '2026-01-01' ", NULL },
	{ "n = :'who'", "n =  'O''Brien' ", NULL },
	{ "n = :'path'", "n =  E'c:\\\\x''' ", NULL },
	{ "n is not distinct from :'none'", "n is not distinct from  null ", NULL },
	{ "select ':''from'''", "select ':''from'''", NULL },
	{ "select \":'from'\"", "select \":'from'\"", NULL },
	{ "select E'\\':' || :'from'", "select E'\\':' ||  '2026-01-01' ", NULL },
	{ "select type'\\' || :'from'", "select type'\\' ||  '2026-01-01' ", NULL },
	{ "select $$:'from'$$", "select $$:'from'$$", NULL },
	{ "select $a$ $$ :'from' $a$, :'from'", "select $a$ $$ :'from' $a$,  '2026-01-01' ", NULL },
	{ "select $1, a$b$ from t", "select $1, a$b$ from t", NULL },
	{ "-- :'from'\nselect 1", "-- :'from'\nselect 1", NULL },
	{ "-- :'from'", "-- :'from'", NULL },
	{ "/* /* :'from' */ ; */ select 1", "/* /* :'from' */ ; */ select 1", NULL },
	{ "select a[1:2], b::text", "select a[1:2], b::text", NULL },
	{ "select 1;", "select 1", NULL },
	{ "select 1 ; -- done\n /* yes */ ;\n", "select 1 ", NULL },
	{ "select 1; drop table t", NULL, "line 1: only one statement is taken" },
	{ "select 1;\n\n drop table t", NULL, "line 3: only one statement is taken" },
	{ "select\n:'nobody'", NULL, "line 2: there is no variable \"nobody\"" },
	{ "select :'from", NULL, "line 1: a variable is written :'name'" },
	{ "select :''", NULL, "line 1: a variable is written :'name'" },
	{ "select :'a b'", NULL, "line 1: a variable is written :'name'" },
	{ "select 'x", NULL, "line 1: a quote or comment has no end" },
	{ "select \"x", NULL, "line 1: a quote or comment has no end" },
	{ "select $a$ x $b$", NULL, "line 1: a quote or comment has no end" },
	{ "select 1 /* /* */", NULL, "line 1: a quote or comment has no end" },
	{ "select 1; /* x", NULL, "line 1: a comment has no end" },
	{ "select :'latin'", NULL, "the value of \"latin\" is no UTF-8" },
	{ "select '\xff'", NULL, "the query is no UTF-8 text" },
};

static void check_case(size_t i)
{
	struct strbuf out = { 0 };
	struct errbuf err = { "" };
	int r = query_bind(str_of(cases[i].sql), variables, 5, &out, &err);

	if (cases[i].result && (r != 0 || strcmp(out.p ? out.p : "", cases[i].result) != 0))
		fail_msg("case %zu: %d \"%s\" %s", i, r, out.p ? out.p : "", err.text);
	if (!cases[i].result && (r != -EINVAL || strcmp(err.text, cases[i].words) != 0))
		fail_msg("case %zu: %d \"%s\", expected \"%s\"", i, r, err.text, cases[i].words);
	strbuf_done(&out);
}

static void test_bind(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_case(i);
}

/* The files that ship bind with the variables that their heads promise. */
static void test_shipped(void **state)
{
	const struct query_variable window[] = { { "from", "2026-01-01" },
		                                 { "until", "2026-02-01" },
		                                 { "labels_until", "2026-03-01" } };
	struct strbuf out = { 0 };
	struct errbuf err = { "" };

	(void)state;
	assert_non_null(embedded_query("training_window"));
	assert_null(embedded_query("training"));
	assert_int_equal(query_bind(embedded_query("training_window")->text, window, 3, &out, &err),
	                 0);
	assert_non_null(strstr(out.p, "known_at <  '2026-03-01' ::timestamptz"));
	strbuf_reset(&out);
	assert_int_equal(query_bind(embedded_query("new_transactions")->text, NULL, 0, &out, &err),
	                 0);
	strbuf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_shipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
