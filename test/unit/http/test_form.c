/* Login forms: what is read, and what is refused rather than guessed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "http/form.h"

static void test_type(void **state)
{
	(void)state;
	assert_true(form_is_type(STR("application/x-www-form-urlencoded")));
	assert_true(form_is_type(STR("Application/X-WWW-Form-Urlencoded ; charset=utf-8")));
	assert_false(form_is_type(STR("application/json")));
	assert_false(form_is_type(STR("")));
	assert_false(form_is_type((struct str){ NULL, 0 }));
}

static void test_parse(void **state)
{
	static const struct {
		struct str body;
		int r;
		const char *fields; /* "name=value;" of each, or the bad name */
	} cases[] = {
		{ { "", 0 }, 0, "" },
		{ { "a=b", 3 }, 0, "a=b;" },
		{ { "username=j%40x&password=p+q%2B&scope=", 37 },
		  0,
		  "username=j@x;password=p q+;scope=;" },
		{ { "a&b", 3 }, 0, "a=;b=;" },
		{ { "&a=1&&", 6 }, 0, "a=1;" },
		{ { "a=caf%C3%A9", 11 }, 0, "a=caf\xc3\xa9;" },
		{ { "a=1&a=1", 7 }, -EEXIST, "a" },
		{ { "a=1&%61=2", 9 }, -EEXIST, "%61" },
		{ { "a=%0", 4 }, -EINVAL, "a" },
		{ { "%=1", 3 }, -EINVAL, "%" },
		{ { "a=%00", 5 }, -EINVAL, "a" },
		{ { "a=\0", 3 }, -EINVAL, "a" },
		{ { "a=%FF", 5 }, -EINVAL, "a" },
		{ { "%FF=1", 5 }, -EINVAL, "%FF" },
	};
	struct strbuf told = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = { 0 };
		struct form f = { 0 };
		struct str bad = { "", 0 };
		int r = form_parse(cases[i].body, &a, &f, &bad);

		strbuf_reset(&told);
		strbuf_adds(&told, "");
		for (size_t k = 0; k < f.count; k++)
			strbuf_addf(&told, "%.*s=%.*s;", STR_ARGS(f.fields[k].name),
			            STR_ARGS(f.fields[k].value));
		strbuf_add(&told, bad.p, bad.n);
		if (r != cases[i].r || !str_is(strbuf_str(&told), cases[i].fields))
			fail_msg("case %zu: %d \"%.*s\"", i, r, (int)told.n, told.p);
		arena_done(&a);
	}
	strbuf_done(&told);
}

static void test_get(void **state)
{
	struct arena a = { 0 };
	struct form f;

	(void)state;
	assert_int_equal(form_parse(STR("a=1&b="), &a, &f, NULL), 0);
	assert_true(str_is(form_get(&f, "a"), "1"));
	assert_non_null(form_get(&f, "b").p);
	assert_int_equal(form_get(&f, "b").n, 0);
	assert_null(form_get(&f, "c").p);
	assert_int_equal(form_parse(STR("a=1&a=2"), &a, &f, NULL), -EEXIST);
	arena_done(&a);
}

static void test_limits(void **state)
{
	struct arena a = { 0 }, small = { .limit = 1 };
	struct strbuf body = { 0 };
	struct form f;

	(void)state;
	for (int i = 0; i < FORM_FIELDS_MAX; i++)
		strbuf_addf(&body, "f%d=1&", i);
	assert_int_equal(form_parse(strbuf_str(&body), &a, &f, NULL), 0);
	assert_int_equal(f.count, FORM_FIELDS_MAX);
	strbuf_adds(&body, "more=1");
	assert_int_equal(form_parse(strbuf_str(&body), &a, &f, NULL), -E2BIG);
	assert_int_equal(form_parse(STR("a=1"), &small, &f, NULL), -ENOMEM);
	strbuf_done(&body);
	arena_done(&a);
	arena_done(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_type),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
