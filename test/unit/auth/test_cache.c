/* What makes an entry count: age, epoch, its whole name; and who leaves when there is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/cache.h"

#define AGE UINT64_C(2000)

static struct token_cache *cache_of(uint32_t entries)
{
	struct token_cache *c;

	assert_int_equal(token_cache_new(entries, &c), 0);
	return c;
}

static struct token_entry token(unsigned number, int64_t user)
{
	struct token_entry e = { .user = user, .roles = ROLE_SCORE, .expires_at = 99 };

	snprintf(e.jti, sizeof(e.jti), "00000000-0000-4000-8000-%012x", number);
	return e;
}

static const struct token_entry *find(struct token_cache *c, unsigned number, uint64_t epoch,
                                      uint64_t now)
{
	struct token_entry e = token(number, 0);
	uint64_t age;

	return token_cache_find(c, e.jti, epoch, now, AGE, &age);
}

static void an_entry_counts_for_its_time_and_epoch(void **unused)
{
	static const struct {
		unsigned number, epoch, now;
		int found;
	} cases[] = {
		{ 1, 5, 1000, 1 },           { 1, 5, 1000 + AGE - 1, 1 }, { 1, 5, 1000 + AGE, 0 },
		{ 1, 5, 1000 + 9 * AGE, 0 }, { 1, 6, 1000, 0 },           { 1, 4, 1000, 0 },
		{ 2, 5, 1000, 0 },
	};
	struct token_cache *c = cache_of(64);
	struct token_entry e = token(1, 7);
	uint64_t age;

	(void)unused;
	token_cache_put(c, &e, 5, 1000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!!find(c, cases[i].number, cases[i].epoch, cases[i].now) != cases[i].found)
			fail_msg("case %zu", i);
	}
	assert_int_equal(token_cache_find(c, e.jti, 5, 1400, AGE, &age)->user, 7);
	assert_int_equal(age, 400);
	token_cache_free(c);
}

static void put_again_replaces(void **unused)
{
	struct token_cache *c = cache_of(64);
	struct token_entry e = token(1, 7);

	(void)unused;
	token_cache_put(c, &e, 5, 1000);
	e.roles = ROLE_ALL;
	token_cache_put(c, &e, 6, 5000);
	assert_null(find(c, 1, 5, 5000));
	assert_int_equal(find(c, 1, 6, 5000)->roles, ROLE_ALL);
	token_cache_drop(c, e.jti);
	assert_null(find(c, 1, 6, 5000));
	token_cache_free(c);
}

static void drops(void **unused)
{
	struct token_cache *c = cache_of(64);

	(void)unused;
	for (unsigned i = 0; i < 6; i++) {
		struct token_entry e = token(i, i % 2);

		token_cache_put(c, &e, 1, 1000);
	}
	token_cache_drop_user(c, 1);
	for (unsigned i = 0; i < 6; i++) {
		if (!!find(c, i, 1, 1000) != (i % 2 == 0))
			fail_msg("token %u", i);
	}
	token_cache_clear(c);
	for (unsigned i = 0; i < 6; i++)
		assert_null(find(c, i, 1, 1000));
	token_cache_free(c);
}

/* One set: the ninth takes the place of the oldest, and a void one is taken first. */
static void the_oldest_leaves(void **unused)
{
	struct token_cache *c = cache_of(8);
	struct token_entry e;

	(void)unused;
	for (unsigned i = 0; i < 8; i++) {
		e = token(i, 7);
		token_cache_put(c, &e, 1, 1000 + (i + 3) % 8);
	}
	e = token(100, 7);
	token_cache_put(c, &e, 1, 1100);
	for (unsigned i = 0; i < 8; i++) {
		if (!!find(c, i, 1, 1100) != (i != 5))
			fail_msg("token %u", i);
	}
	assert_non_null(find(c, 100, 1, 1100));
	e = token(2, 7);
	token_cache_drop(c, e.jti);
	e = token(101, 7);
	token_cache_put(c, &e, 1, 1200);
	assert_non_null(find(c, 6, 1, 1200));
	assert_non_null(find(c, 101, 1, 1200));
	token_cache_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_counts_for_its_time_and_epoch),
		cmocka_unit_test(put_again_replaces),
		cmocka_unit_test(drops),
		cmocka_unit_test(the_oldest_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
