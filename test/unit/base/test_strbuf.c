/* Growth, the limit, and the error that stays. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/strbuf.h"

static void additions(void **unused)
{
	struct strbuf b = { 0 };

	(void)unused;
	assert_int_equal(strbuf_str(&b).n, 0);
	strbuf_adds(&b, "");
	assert_string_equal(b.p, "");
	strbuf_adds(&b, "one ");
	strbuf_addc(&b, '2');
	strbuf_addf(&b, " %s %03d", "three", 4);
	strbuf_add(&b, "\0x", 2);
	assert_int_equal(strbuf_error(&b), 0);
	assert_memory_equal(b.p, "one 2 three 004\0x", 18);
	assert_int_equal(b.n, 17);
	strbuf_reset(&b);
	assert_string_equal(b.p, "");
	assert_int_equal(b.n, 0);
	strbuf_done(&b);
	strbuf_done(&b);
}

static void growth_keeps_all(void **unused)
{
	struct strbuf b = { 0 };

	(void)unused;
	for (unsigned i = 0; i < 20000; i++)
		strbuf_addf(&b, "%05u", i);
	assert_int_equal(b.n, 100000);
	for (unsigned i = 0; i < 20000; i++) {
		char text[8];

		snprintf(text, sizeof(text), "%05u", i);
		assert_memory_equal(b.p + (size_t)i * 5, text, 5);
	}
	strbuf_done(&b);
}

static void limit_holds(void **unused)
{
	static const struct {
		const char *first, *second, *content;
		int error;
	} cases[] = {
		{ "12345", "678", "12345678", 0 },
		{ "12345", "6789", "12345", -E2BIG },
		{ "123456789", "1", "", -E2BIG },
		{ "12345678", "", "12345678", 0 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int formatted = 0; formatted < 2; formatted++) {
			struct strbuf b = { .limit = 8 };

			strbuf_adds(&b, cases[i].first);
			if (formatted)
				strbuf_addf(&b, "%s", cases[i].second);
			else
				strbuf_adds(&b, cases[i].second);
			if (strbuf_error(&b) != cases[i].error ||
			    !str_is(strbuf_str(&b), cases[i].content))
				fail_msg("case %zu: %d \"%s\"", i, b.error, b.p);
			strbuf_done(&b);
		}
	}
}

static void error_stays(void **unused)
{
	struct strbuf b = { .limit = 4 };

	(void)unused;
	strbuf_adds(&b, "12345");
	strbuf_adds(&b, "1");
	strbuf_addf(&b, "1");
	assert_null(strbuf_reserve(&b, 1));
	assert_int_equal(strbuf_error(&b), -E2BIG);
	assert_int_equal(b.n, 0);
	strbuf_reset(&b);
	strbuf_adds(&b, "1");
	assert_int_equal(strbuf_error(&b), 0);
	assert_string_equal(b.p, "1");
	strbuf_done(&b);
}

static void reserve_and_commit(void **unused)
{
	struct strbuf b = { .limit = 10 };
	char *p;

	(void)unused;
	strbuf_adds(&b, "ab");
	p = strbuf_reserve(&b, 100);
	assert_non_null(p);
	memset(p, 'c', 100);
	strbuf_commit(&b, 3);
	assert_string_equal(b.p, "abccc");
	p = strbuf_reserve(&b, 6);
	memset(p, 'd', 6);
	strbuf_commit(&b, 6);
	assert_int_equal(strbuf_error(&b), -E2BIG);
	assert_string_equal(b.p, "abccc");
	strbuf_done(&b);
	assert_null(strbuf_reserve(&b, SIZE_MAX));
	assert_int_equal(strbuf_error(&b), -ENOMEM);
	strbuf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(additions),          cmocka_unit_test(growth_keeps_all),
		cmocka_unit_test(limit_holds),        cmocka_unit_test(error_stays),
		cmocka_unit_test(reserve_and_commit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
