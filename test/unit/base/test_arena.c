/* Alignment, limits, growth, failure that stays, and the order of what rides along. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"

static void allocations_are_apart_and_aligned(void **unused)
{
	struct arena a = { 0 };
	unsigned char *blocks[400];

	(void)unused;
	for (size_t i = 0; i < 400; i++) {
		blocks[i] = arena_alloc(&a, i);
		assert_non_null(blocks[i]);
		if ((uintptr_t)blocks[i] % _Alignof(max_align_t))
			fail_msg("size %zu: not aligned", i);
		memset(blocks[i], (int)(i & 255), i);
	}
	for (size_t i = 0; i < 400; i++) {
		for (size_t k = 0; k < i; k++) {
			if (blocks[i][k] != (i & 255))
				fail_msg("size %zu: byte %zu was overwritten", i, k);
		}
	}
	arena_done(&a);
	assert_null(a.blocks);
	arena_done(&a);
}

static void large_keeps_the_rest_of_the_newest(void **unused)
{
	struct arena a = { 0 };
	char *first, *large, *second;

	(void)unused;
	first = arena_alloc(&a, 16);
	large = arena_alloc(&a, 1000000);
	second = arena_alloc(&a, 16);
	assert_non_null(large);
	assert_true(second > first && second - first < 4096);
	arena_done(&a);
}

static void limit_holds(void **unused)
{
	static const struct {
		size_t limit, size;
		bool fails;
	} cases[] = {
		{ 0, 100000, false },       { 8192, 8000, false },   { 8192, 8193, true },
		{ 512, 256, false },        { 512, SIZE_MAX, true }, { 0, SIZE_MAX, true },
		{ 0, SIZE_MAX - 15, true },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = { .limit = cases[i].limit };
		void *p = arena_alloc(&a, cases[i].size);

		if ((p == NULL) != cases[i].fails || arena_failed(&a) != (p == NULL))
			fail_msg("case %zu", i);
		if (cases[i].limit && a.size > cases[i].limit)
			fail_msg("case %zu: %zu bytes", i, a.size);
		arena_done(&a);
	}
}

static void limit_is_used_up(void **unused)
{
	struct arena a = { .limit = 20000 };
	size_t total = 0;

	(void)unused;
	while (arena_alloc(&a, 100))
		total += 100;
	assert_true(total > 20000 / 2);
	assert_true(a.size <= 20000);
	arena_done(&a);
}

static void failure_stays(void **unused)
{
	struct arena a = { .limit = 4096 };

	(void)unused;
	assert_non_null(arena_alloc(&a, 16));
	assert_null(arena_alloc(&a, 5000));
	assert_null(arena_alloc(&a, 16));
	assert_null(arena_strdup(&a, "x"));
	assert_null(arena_printf(&a, "%d", 1));
	assert_null(arena_calloc(&a, 1, 1));
	assert_true(arena_failed(&a));
	arena_reset(&a);
	assert_false(arena_failed(&a));
	assert_non_null(arena_alloc(&a, 16));
	arena_done(&a);
}

static void calloc_is_zero_and_checked(void **unused)
{
	struct arena a = { 0 };
	unsigned char *p;

	(void)unused;
	memset(arena_alloc(&a, 1000), 0xff, 1000);
	arena_reset(&a);
	p = arena_calloc(&a, 10, 100);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(p[i], 0);
	assert_null(arena_calloc(&a, SIZE_MAX / 2, 3));
	assert_true(arena_failed(&a));
	arena_done(&a);
}

static void copies(void **unused)
{
	struct arena a = { 0 };

	(void)unused;
	assert_string_equal(arena_strdup(&a, "text"), "text");
	assert_string_equal(arena_strndup(&a, (struct str){ "textual", 4 }), "text");
	assert_string_equal(arena_strndup(&a, (struct str){ NULL, 0 }), "");
	assert_string_equal(arena_printf(&a, "%s-%d", "x", 12), "x-12");
	assert_memory_equal(arena_memdup(&a, "a\0b", 3), "a\0b", 3);
	assert_non_null(arena_memdup(&a, NULL, 0));
	arena_done(&a);
}

static char order[8];

static void note(void *object)
{
	order[strlen(order)] = *(const char *)object;
}

static void callbacks_run_newest_first(void **unused)
{
	struct arena a = { 0 };

	(void)unused;
	memset(order, 0, sizeof(order));
	for (unsigned i = 0; i < 3; i++) {
		char *name = arena_strndup(&a, (struct str){ &"abc"[i], 1 });

		assert_int_equal(arena_on_free(&a, note, name), 0);
	}
	arena_reset(&a);
	assert_string_equal(order, "cba");
	arena_done(&a);
	assert_string_equal(order, "cba");
}

static void callback_without_memory_runs_at_once(void **unused)
{
	struct arena a = { .limit = 1 };
	char name = 'x';

	(void)unused;
	memset(order, 0, sizeof(order));
	assert_int_equal(arena_on_free(&a, note, &name), -ENOMEM);
	assert_string_equal(order, "x");
	assert_true(arena_failed(&a));
	arena_done(&a);
	assert_string_equal(order, "x");
}

static void reset_keeps_the_first_block(void **unused)
{
	struct arena a = { 0 };
	void *first = arena_alloc(&a, 8);

	(void)unused;
	for (unsigned i = 0; i < 100; i++)
		arena_alloc(&a, 1000);
	arena_reset(&a);
	assert_ptr_equal(arena_alloc(&a, 8), first);
	assert_true(a.size <= 4096);
	arena_reset(&a);
	arena_done(&a);

	arena_alloc(&a, 1 << 20);
	arena_reset(&a);
	assert_int_equal(a.size, 0);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allocations_are_apart_and_aligned),
		cmocka_unit_test(large_keeps_the_rest_of_the_newest),
		cmocka_unit_test(limit_holds),
		cmocka_unit_test(limit_is_used_up),
		cmocka_unit_test(failure_stays),
		cmocka_unit_test(calloc_is_zero_and_checked),
		cmocka_unit_test(copies),
		cmocka_unit_test(callbacks_run_newest_first),
		cmocka_unit_test(callback_without_memory_runs_at_once),
		cmocka_unit_test(reset_keeps_the_first_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
