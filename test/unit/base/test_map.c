/* Names found again after growing, none twice, and what happens without memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/map.h"

static void names_are_found(void **unused)
{
	static int values[5000];
	struct arena a = { 0 };
	struct map m = { 0 };

	(void)unused;
	assert_null(map_get(&m, STR("0")));
	for (int i = 0; i < 5000; i++)
		assert_int_equal(map_add(&m, &a, str_of(arena_printf(&a, "%d", i)), &values[i]), 0);
	assert_int_equal(m.count, 5000);
	for (int i = 0; i < 5000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i);
		if (map_get(&m, str_of(name)) != &values[i])
			fail_msg("name %s", name);
	}
	assert_null(map_get(&m, STR("5000")));
	assert_null(map_get(&m, STR("")));
	arena_done(&a);
}

static void no_name_twice(void **unused)
{
	struct arena a = { 0 };
	struct map m = { 0 };
	int one, two;

	(void)unused;
	assert_int_equal(map_add(&m, &a, STR("x"), &one), 0);
	assert_int_equal(map_add(&m, &a, (struct str){ "xyz", 1 }, &two), -EEXIST);
	assert_ptr_equal(map_get(&m, STR("x")), &one);
	assert_int_equal(m.count, 1);
	arena_done(&a);
}

static void odd_names(void **unused)
{
	struct arena a = { 0 };
	struct map m = { 0 };
	int empty, nul, none;

	(void)unused;
	assert_int_equal(map_add(&m, &a, (struct str){ NULL, 0 }, &empty), 0);
	assert_int_equal(map_add(&m, &a, STR(""), &none), -EEXIST);
	assert_int_equal(map_add(&m, &a, (struct str){ "\0", 1 }, &nul), 0);
	assert_int_equal(map_add(&m, &a, STR("null"), NULL), 0);
	assert_int_equal(map_add(&m, &a, STR("null"), &none), -EEXIST);
	assert_ptr_equal(map_get(&m, STR("")), &empty);
	assert_ptr_equal(map_get(&m, (struct str){ "\0", 1 }), &nul);
	arena_done(&a);
}

static void without_memory(void **unused)
{
	struct arena a = { .limit = 1024 };
	struct map m = { 0 };
	char names[64][4];
	int r = 0, value;
	unsigned added = 0;

	(void)unused;
	while (r == 0 && added < 64) {
		snprintf(names[added], sizeof(names[0]), "%u", added);
		r = map_add(&m, &a, str_of(names[added]), &value);
		added += r == 0;
	}
	assert_int_equal(r, -ENOMEM);
	assert_true(added >= 8);
	for (unsigned i = 0; i < added; i++)
		assert_ptr_equal(map_get(&m, str_of(names[i])), &value);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(no_name_twice),
		cmocka_unit_test(odd_names),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
