/* Tries as a list of instants: which of them have to wait, and how long. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/throttle.h"

#define S UINT64_C(1000000000)

static struct throttle *throttle_of(uint32_t limit, uint32_t window, uint32_t entries)
{
	struct throttle *t;

	assert_int_equal(throttle_new(limit, window, entries, &t), 0);
	return t;
}

static void limit_at_once_then_one_a_step(void **unused)
{
	/* Three a minute. */
	static const struct {
		uint64_t at;
		uint32_t wait;
	} cases[] = {
		{ 1000, 0 },  { 1000, 0 }, { 1000, 0 },  { 1000, 20 }, { 1010, 10 },
		{ 1019, 1 },  { 1020, 0 }, { 1020, 20 }, { 1060, 0 },  { 1060, 0 },
		{ 1060, 20 }, { 2000, 0 }, { 2000, 0 },  { 2000, 0 },  { 2000, 20 },
	};
	struct throttle *t = throttle_of(3, 60, 64);

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t wait = throttle_wait(t, STR("alice"), cases[i].at * S);

		if (wait != cases[i].wait)
			fail_msg("case %zu: wait %u", i, wait);
		if (wait == 0)
			throttle_count(t, STR("alice"), cases[i].at * S);
		assert_int_equal(throttle_wait(t, STR("bob"), cases[i].at * S), 0);
	}
	throttle_free(t);
}

static void forgiving(void **unused)
{
	struct throttle *t = throttle_of(2, 60, 64);

	(void)unused;
	throttle_count(t, STR("alice"), 100 * S);
	throttle_count(t, STR("alice"), 100 * S);
	assert_int_equal(throttle_wait(t, STR("alice"), 100 * S), 30);
	throttle_uncount(t, STR("alice"));
	assert_int_equal(throttle_wait(t, STR("alice"), 100 * S), 0);
	throttle_count(t, STR("alice"), 100 * S);
	throttle_forgive(t, STR("alice"));
	throttle_count(t, STR("alice"), 100 * S);
	assert_int_equal(throttle_wait(t, STR("alice"), 100 * S), 0);
	throttle_uncount(t, STR("nobody"));
	throttle_forgive(t, STR("nobody"));
	assert_int_equal(throttle_wait(t, STR("nobody"), 100 * S), 0);
	throttle_free(t);
}

static void no_limit(void **unused)
{
	struct throttle *t = throttle_of(0, 60, 64);

	(void)unused;
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(throttle_wait(t, STR("alice"), 100 * S), 0);
		throttle_count(t, STR("alice"), 100 * S);
	}
	throttle_free(t);
	assert_int_equal(throttle_new(1, 0, 64, &t), -EINVAL);
}

/* 100,000 other names do not get one out who has reached the limit; nor does the table grow. */
static void a_flood_of_names_frees_nobody(void **unused)
{
	struct throttle *t = throttle_of(10, 60, 64);
	char name[32];

	(void)unused;
	for (unsigned i = 0; i < 10; i++)
		throttle_count(t, STR("victim"), 100 * S);
	for (unsigned i = 0; i < 100000; i++) {
		int n = snprintf(name, sizeof(name), "name %u", i);

		throttle_count(t, (struct str){ name, (size_t)n }, 100 * S);
	}
	assert_int_equal(throttle_wait(t, STR("victim"), 100 * S), 6);
	throttle_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_at_once_then_one_a_step),
		cmocka_unit_test(forgiving),
		cmocka_unit_test(no_limit),
		cmocka_unit_test(a_flood_of_names_frees_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
