/* A body cut into the elements of its lists: which are found, where faults point to, limits. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemons/front/cut.h"

static int cut_all(struct cut *c, const char *body, size_t max, size_t step)
{
	int r;

	cut_init(c, str_of(body), max);
	do {
		r = cut_step(c, step);
	} while (r > 0);
	return r;
}

static void test_lists(void **state)
{
	static const struct {
		const char *body;
		enum cut_found found;
		size_t first, count;
		const char *last; /* of the list */
	} cases[] = {
		{ "{\"t\":[1,{\"a\":[2]} , \"x,]\" ]}", CUT_LIST, 0, 3, "\"x,]\"" },
		{ "{\"t\":[]}", CUT_LIST, 0, 0, NULL },
		{ "{\"a\":[1,2],\"t\":[3],\"b\":[4]}", CUT_LIST, 2, 1, "3" },
		{ "{\"a\":{\"t\":[1]},\"t\":[\n{}\n]}", CUT_LIST, 0, 1, "{}" },
		{ "{\"\\u0074\":[7]}", CUT_LIST, 0, 1, "7" },
		{ "{\"a\":[\"t\"],\"b\":{\"t\":[1]}}", CUT_NO_MEMBER, 0, 0, NULL },
		{ "{}", CUT_NO_MEMBER, 0, 0, NULL },
		{ "{\"t\":{\"t\":[1]}}", CUT_NO_LIST, 0, 0, NULL },
		{ "{\"t\":7,\"a\":[1]}", CUT_NO_LIST, 0, 0, NULL },
		{ "{\"t\":null}", CUT_NO_LIST, 0, 0, NULL },
		{ "{\"a\":\"t\",\"b\":[1]}", CUT_NO_MEMBER, 0, 0, NULL },
		{ "[{\"t\":[1]}]", CUT_NO_OBJECT, 0, 0, NULL },
		{ "\"t\"", CUT_NO_OBJECT, 0, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t step = 1; step < 100; step += 33) {
			struct arena a = { 0 };
			struct cut_list list = { .count = 0 };
			struct json_fault fault;
			struct cut c;

			if (cut_all(&c, cases[i].body, 100, step) != 0 ||
			    cut_find_list(&c, "t", &a, &list, &fault) != 0)
				fail_msg("case %zu: not cut", i);
			if (list.found != cases[i].found || list.first != cases[i].first ||
			    list.count != cases[i].count)
				fail_msg("case %zu: found %d, %zu from %zu", i, (int)list.found,
				         list.count, list.first);
			if (cases[i].last &&
			    !str_is(cut_element(&c, list.first + list.count - 1), cases[i].last))
				fail_msg("case %zu: another last element", i);
			cut_done(&c);
			arena_done(&a);
		}
	}
}

static void test_faults_point_into_the_body(void **state)
{
	static const struct {
		const char *body;
		size_t offset;
	} cases[] = {
		{ "{\"t\":[1234567,]}", 14 },
		{ "{\"t\":[12345,12345] x}", 19 },
		{ "{\"t\":[{\"a\":1},{}}", 17 },
		{ "{\"a\":01}", 6 },
		{ "{\"t\":[11111],\"t\":[2]}", 13 },
		{ "{\"t\":[7 \r\n , ,8]}", 13 },
		{ "{\"t\":[7 \n ", 10 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = { 0 };
		struct cut_list list;
		struct json_fault fault = { 0, NULL };
		struct cut c;

		assert_int_equal(cut_all(&c, cases[i].body, 100, 5), 0);
		if (cut_find_list(&c, "t", &a, &list, &fault) != -EBADMSG ||
		    fault.offset != cases[i].offset)
			fail_msg("case %zu: \"%s\" at %zu", i, fault.what, fault.offset);
		cut_done(&c);
		arena_done(&a);
	}
}

/* The eleventh element is shorter than its number, and the body ends with it. */
static void test_offsets_of_digits(void **state)
{
	const char *body = "{\"t\":[0,1,2,3,4,5,6,7,8,9,a";
	struct cut c;

	(void)state;
	assert_int_equal(cut_all(&c, body, 100, 5), 0);
	assert_int_equal(c.skeleton.n, strlen(body) + 1);
	assert_int_equal(cut_body_offset(&c, 25), 25); /* the comma */
	assert_int_equal(cut_body_offset(&c, 26), 26);
	assert_int_equal(cut_body_offset(&c, 27), 26);
	assert_int_equal(cut_body_offset(&c, 28), strlen(body));
	cut_done(&c);
}

static void test_limits(void **state)
{
	struct strbuf body = { 0 };
	struct cut c;

	(void)state;
	assert_int_equal(cut_all(&c, "{\"t\":[1,2,3]}", 3, 100), 0);
	cut_done(&c);
	assert_int_equal(cut_all(&c, "{\"t\":[1,2],\"a\":[3,4]}", 3, 100), -E2BIG);
	cut_done(&c);
	strbuf_adds(&body, "{\"t\":[1],\"note\":\"");
	for (size_t i = 0; i < 70000; i++)
		strbuf_addc(&body, 'x');
	strbuf_adds(&body, "\"}");
	assert_int_equal(cut_all(&c, body.p, 3, 100), -EFBIG);
	cut_done(&c);
	strbuf_done(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_faults_point_into_the_body),
		cmocka_unit_test(test_offsets_of_digits),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
