/* The retry policy as tables: what is repeated, how long it waits, when it is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetch/retry.h"

static void what_is_repeated(void **unused)
{
	static const struct {
		enum retry_cause cause;
		unsigned status;
		int64_t after_ms;
		bool idempotent, other; /* may an idempotent one go again; may another one */
	} cases[] = {
		{ RETRY_UNSENT, 0, -1, true, true },
		{ RETRY_BROKEN, 0, -1, true, false },
		{ RETRY_PERMANENT, 0, -1, false, false },
		{ RETRY_ANSWERED, 429, -1, true, true },
		{ RETRY_ANSWERED, 503, -1, true, false },
		{ RETRY_ANSWERED, 503, 10, true, true },
		{ RETRY_ANSWERED, 500, -1, true, false },
		{ RETRY_ANSWERED, 502, -1, true, false },
		{ RETRY_ANSWERED, 504, -1, true, false },
		{ RETRY_ANSWERED, 408, -1, true, false },
		{ RETRY_ANSWERED, 501, -1, false, false },
		{ RETRY_ANSWERED, 505, -1, false, false },
		{ RETRY_ANSWERED, 400, -1, false, false },
		{ RETRY_ANSWERED, 401, -1, false, false },
		{ RETRY_ANSWERED, 403, 1000, false, false },
		{ RETRY_ANSWERED, 404, -1, false, false },
		{ RETRY_ANSWERED, 301, -1, false, false },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int idempotent = 0; idempotent < 2; idempotent++) {
			const struct retry_failure f = { cases[i].cause, cases[i].status,
				                         cases[i].after_ms };
			bool wanted = idempotent ? cases[i].idempotent : cases[i].other;
			struct retry r;
			uint64_t wait;

			retry_begin(&r, &retry_default, idempotent, 0);
			r.attempts = 1;
			if (retry_again(&r, &f, 0, 0, &wait) != wanted)
				fail_msg("case %zu, idempotent %d", i, idempotent);
		}
	}
}

static void how_long_it_waits(void **unused)
{
	static const struct {
		uint64_t attempts;
		int64_t after_ms;
		uint64_t chance;
		uint64_t wait_ms;
	} cases[] = {
		{ 1, -1, 0, 0 },        { 1, -1, 100, 100 },   { 1, -1, 101, 0 },
		{ 2, -1, 200, 200 },    { 2, -1, 201, 0 },     { 3, -1, 400, 400 },
		{ 4, -1, 800, 800 },    { 5, -1, 1000, 1000 }, { 5, -1, 1001, 0 },
		{ 60, -1, 1000, 1000 }, { 60, -1, 1001, 0 },   { 1, 3000, 0, 3000 },
		{ 1, 3000, 50, 3050 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct retry_policy p = { .attempts = 100, .base_ms = 100, .cap_ms = 1000 };
		const struct retry_failure f = { RETRY_ANSWERED, 429, cases[i].after_ms };
		struct retry r;
		uint64_t wait = 77777;

		retry_begin(&r, &p, true, 0);
		r.attempts = (unsigned)cases[i].attempts;
		if (!retry_again(&r, &f, 0, cases[i].chance, &wait) || wait != cases[i].wait_ms)
			fail_msg("case %zu: waits %llu ms", i, (unsigned long long)wait);
	}
}

static void when_it_is_over(void **unused)
{
	static const struct {
		uint64_t attempts;
		int64_t after_ms;
		uint64_t now_ms;
		bool again;
	} cases[] = {
		{ 1, -1, 1000, true },  { 2, -1, 1000, true },   { 3, -1, 1000, false },
		{ 4, -1, 1000, false }, { 1, -1, 5899, true },   { 1, -1, 5900, false },
		{ 1, -1, 9000, false }, { 1, 4899, 1000, true }, { 1, 4900, 1000, false },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct retry_policy p = { 3, 100, 1000, 5000 };
		const struct retry_failure f = { RETRY_ANSWERED, 429, cases[i].after_ms };
		struct retry r;
		uint64_t wait;

		retry_begin(&r, &p, true, 1000);
		r.attempts = (unsigned)cases[i].attempts;
		if (retry_again(&r, &f, cases[i].now_ms, 100, &wait) != cases[i].again)
			fail_msg("case %zu", i);
	}
}

static void a_server_error_is_not_repeated_for_ever(void **unused)
{
	const struct retry_policy p = { .attempts = 100, .base_ms = 1, .cap_ms = 1 };
	const struct retry_failure f = { RETRY_ANSWERED, 500, -1 };
	struct retry r;
	uint64_t wait;
	unsigned again = 0;

	(void)unused;
	retry_begin(&r, &p, true, 0);
	for (r.attempts = 1; retry_again(&r, &f, 0, 0, &wait); r.attempts++)
		again++;
	assert_int_equal(again, 2);
}

static void what_is_left(void **unused)
{
	const struct retry_policy p = { .attempts = 1, .deadline_ms = 5000 };
	struct retry r;

	(void)unused;
	retry_begin(&r, &p, true, 1000);
	assert_int_equal(retry_left_ms(&r, 1000), 5000);
	assert_int_equal(retry_left_ms(&r, 5999), 1);
	assert_int_equal(retry_left_ms(&r, 6000), 0);
	assert_int_equal(retry_left_ms(&r, 60000), 0);
	retry_begin(&r, &retry_default, true, 1000);
	assert_true(retry_left_ms(&r, 60000) == UINT64_MAX);
}

static void retry_after_is_read(void **unused)
{
	static const struct {
		const char *value;
		int64_t ms;
	} cases[] = {
		{ "0", 0 },
		{ "7", 7000 },
		{ " 7 ", 7000 },
		{ "99999999999", 1000000000 },
		{ "-1", -1 },
		{ "1.5", -1 },
		{ "", -1 },
		{ "soon", -1 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 10000 },
		{ "Sun, 06 Nov 1994 08:49:27 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:49:20 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:49:37 CET", -1 },
		{ "Sun, 31 Feb 1994 08:49:37 GMT", -1 },
		{ "Sun, 06 Xyz 1994 08:49:37 GMT", -1 },
		{ "Sun, 06 Nov 1994 28:49:37 GMT", -1 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", -1 },
	};
	const int64_t now_us = INT64_C(784111767) * 1000000; /* 08:49:27 */

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t ms = retry_after_ms(str_of(cases[i].value), now_us);

		if (ms != cases[i].ms)
			fail_msg("case %zu \"%s\": %lld", i, cases[i].value, (long long)ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_repeated),
		cmocka_unit_test(how_long_it_waits),
		cmocka_unit_test(when_it_is_over),
		cmocka_unit_test(a_server_error_is_not_repeated_for_ever),
		cmocka_unit_test(what_is_left),
		cmocka_unit_test(retry_after_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
