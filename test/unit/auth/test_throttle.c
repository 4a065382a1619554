/* Tries as a list of instants: which of them have to wait, and how long. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/throttle.h"

#define S UINT64_C(1000000000)

#define PLACES 64

static const uint64_t key[2] = { 7, 11 };
static _Atomic uint64_t places[PLACES];

static struct throttle throttle_of(uint32_t limit, uint32_t window)
{
	struct throttle t;

	for (size_t i = 0; i < PLACES; i++)
		places[i] = 0;
	throttle_init(&t, &(struct throttle_options){ limit, window, places, PLACES, key });
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
	struct throttle t = throttle_of(3, 60), bobs = throttle_of(1000, 1);

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t wait = throttle_take(&t, STR("alice"), cases[i].at * S);

		if (wait != cases[i].wait)
			fail_msg("case %zu: wait %u", i, wait);
		assert_int_equal(throttle_take(&bobs, STR("bob"), cases[i].at * S), 0);
	}
}

static void forgiving(void **unused)
{
	struct throttle t = throttle_of(2, 60);

	(void)unused;
	assert_int_equal(throttle_take(&t, STR("alice"), 100 * S), 0);
	assert_int_equal(throttle_take(&t, STR("alice"), 100 * S), 0);
	assert_int_equal(throttle_take(&t, STR("alice"), 100 * S), 30);
	throttle_give_back(&t, STR("alice"));
	assert_int_equal(throttle_take(&t, STR("alice"), 100 * S), 0);
	assert_int_equal(throttle_take(&t, STR("alice"), 100 * S), 30);
	throttle_forgive(&t, STR("alice"));
	assert_int_equal(throttle_take(&t, STR("alice"), 100 * S), 0);
	assert_int_equal(throttle_take(&t, STR("alice"), 100 * S), 0);
	throttle_give_back(&t, STR("nobody"));
	throttle_forgive(&t, STR("nobody"));
	assert_int_equal(throttle_take(&t, STR("alice"), 100 * S), 30);
	assert_int_equal(throttle_take(&t, STR("nobody"), 100 * S), 0);
}

static void no_limit(void **unused)
{
	struct throttle t = throttle_of(0, 60);

	(void)unused;
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(throttle_take(&t, STR("alice"), 100 * S), 0);
	throttle_give_back(&t, STR("alice"));
	throttle_forgive(&t, STR("alice"));
	for (size_t i = 0; i < PLACES; i++)
		assert_int_equal(places[i], 0);
}

/* 100,000 other names do not get one out who has reached the limit; nor does the table grow. */
static void a_flood_of_names_frees_nobody(void **unused)
{
	struct throttle t = throttle_of(10, 60);
	char name[32];

	(void)unused;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(throttle_take(&t, STR("victim"), 100 * S), 0);
	for (unsigned i = 0; i < 100000; i++) {
		int n = snprintf(name, sizeof(name), "name %u", i);

		throttle_take(&t, (struct str){ name, (size_t)n }, 100 * S);
	}
	assert_int_equal(throttle_take(&t, STR("victim"), 100 * S), 6);
}

/* As workers do: each with an object of its own over the same places. */
#define THREADS 4
#define TRIES 500

static void *try_often(void *passed)
{
	struct throttle t;
	unsigned *count = passed;

	throttle_init(&t, &(struct throttle_options){ TRIES, 3600, places, PLACES, key });
	for (unsigned i = 0; i < TRIES; i++)
		*count += throttle_take(&t, STR("alice"), 100 * S) == 0;
	return NULL;
}

static void workers_share_a_limit(void **unused)
{
	unsigned passed[THREADS] = { 0 }, sum = 0;
	pthread_t threads[THREADS];

	(void)unused;
	throttle_of(TRIES, 3600);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, try_often, &passed[i]), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		sum += passed[i];
	}
	assert_int_equal(sum, TRIES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_at_once_then_one_a_step),
		cmocka_unit_test(forgiving),
		cmocka_unit_test(no_limit),
		cmocka_unit_test(a_flood_of_names_frees_nobody),
		cmocka_unit_test(workers_share_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
