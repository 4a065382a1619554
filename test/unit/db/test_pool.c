/*
 * The pool on a loop. What needs no server (refusals, names without an address) always runs; the
 * rest needs FRAUDD_TEST_DATABASE_URL and is skipped without it.
 */
#include "db/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/loop.h"

#define PATIENCE_MS 20000

enum statement { ECHO, SLEEP, NOTIFY, PID, TERMINATE, FAIL, NO_LIMIT, STATEMENTS };

static const char *const statements[STATEMENTS] = {
	[ECHO] = "select $1::text, $2::bigint",
	[SLEEP] = "select pg_sleep($1::float8)",
	[NOTIFY] = "select pg_notify('fraudd_test', $1)",
	[PID] = "select pg_backend_pid()",
	[TERMINATE] = ("select count(pg_terminate_backend(pid)) from pg_stat_activity"
	               " where application_name = $1 and pid <> pg_backend_pid()"),
	[FAIL] = "select 1 / $1::int",
	[NO_LIMIT] = "select set_config('statement_timeout', $1, false)",
};
static const char *const channels[] = { "fraudd_test" };

struct fixture {
	struct event_base *base;
	struct loop_timer *patience;
	struct db_pool *pool;
	bool impatient;
	unsigned ups, downs, listenings, results, wanted;
	int last;
	char text[64], payload[64];
	struct errbuf why;
};

static void on_patience(void *self)
{
	struct fixture *f = self;

	f->impatient = true;
	loop_break(f->base);
}

static void on_state(void *self, bool up, const struct errbuf *why)
{
	struct fixture *f = self;

	if (up)
		f->ups++;
	else
		f->downs++;
	if (!up)
		f->why = *why;
	loop_break(f->base);
}

static void on_listening(void *self)
{
	struct fixture *f = self;

	f->listenings++;
	loop_break(f->base);
}

static void on_notify(void *self, const char *channel, const char *payload)
{
	struct fixture *f = self;

	assert_string_equal(channel, "fraudd_test");
	snprintf(f->payload, sizeof(f->payload), "%s", payload);
	loop_break(f->base);
}

static void on_answer(void *self, int r, const struct pg_result *result, const struct errbuf *err)
{
	struct fixture *f = self;

	f->last = r;
	f->text[0] = '\0';
	if (r == 0)
		snprintf(f->text, sizeof(f->text), "%s", db_text(result, 0, 0).p);
	else
		f->why = *err;
	if (++f->results == f->wanted)
		loop_break(f->base);
}

static void start_loop(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	assert_int_equal(loop_new(&f->base), 0);
	assert_int_equal(loop_timer_new(f->base, on_patience, f, &f->patience), 0);
	loop_timer_arm(f->patience, PATIENCE_MS);
}

static void start_pool(struct fixture *f, const char *url, uint32_t connections,
                       uint32_t timeout_ms)
{
	const struct db_pool_options o = {
		.base = f->base,
		.url = url,
		.application = "fraudd-pool-test",
		.connections = connections,
		.connect_timeout_ms = 5000,
		.query_timeout_ms = timeout_ms,
		.max_waiting = 4,
		.statements = statements,
		.statement_count = STATEMENTS,
		.channels = channels,
		.channel_count = 1,
		.on_notify = on_notify,
		.on_listening = on_listening,
		.on_state = on_state,
		.self = f,
	};

	assert_int_equal(db_pool_new(&o, &f->pool), 0);
}

static void stop(struct fixture *f)
{
	db_pool_free(f->pool);
	loop_timer_free(f->patience);
	loop_free(f->base);
}

/* Turns the loop until the condition holds. */
#define UNTIL(f, condition)                                                                        \
	do {                                                                                       \
		while (!(condition) && !(f)->impatient)                                            \
			assert_int_equal(loop_run((f)->base), 0);                                  \
		if (!(condition))                                                                  \
			fail_msg("never: %s (%s)", #condition, (f)->why.text);                     \
	} while (0)

static void start(struct fixture *f, uint32_t connections, uint32_t timeout_ms)
{
	const char *url = getenv("FRAUDD_TEST_DATABASE_URL");

	if (!url) {
		print_message("FRAUDD_TEST_DATABASE_URL is not set\n");
		skip();
	}
	start_loop(f);
	start_pool(f, url, connections, timeout_ms);
	UNTIL(f, db_pool_is_up(f->pool) && db_pool_is_listening(f->pool));
}

static int ask(struct fixture *f, enum statement s, const char *one)
{
	const struct db_param params[] = { DB_TEXT(one), DB_TEXT("7") };
	size_t count = s == ECHO ? 2 : s == PID ? 0 : 1;

	return db_pool_run(f->pool, &(struct db_call){ s, params, count, on_answer, f }, NULL);
}

static void must_ask(struct fixture *f, enum statement s, const char *one)
{
	f->wanted = f->results + 1;
	assert_int_equal(ask(f, s, one), 0);
	UNTIL(f, f->results == f->wanted);
}

static void test_answers(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 2, 5000);
	must_ask(&f, ECHO, "x");
	assert_string_equal(f.text, "x");
	must_ask(&f, FAIL, "0");
	assert_int_equal(f.last, -EINVAL);
	must_ask(&f, ECHO, "after a failure");
	assert_string_equal(f.text, "after a failure");
	assert_int_equal(ask(&f, STATEMENTS, NULL), -EINVAL);
	assert_int_equal(f.ups, 1);
	stop(&f);
}

/* One runs, four wait, the sixth is refused; all five are answered. */
static void test_queue(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 1, 5000);
	f.wanted = 5;
	for (int i = 0; i < 5; i++)
		assert_int_equal(ask(&f, SLEEP, "0.02"), 0);
	assert_int_equal(ask(&f, SLEEP, "0.02"), -EAGAIN);
	UNTIL(&f, f.results == f.wanted);
	assert_int_equal(f.last, 0);
	must_ask(&f, ECHO, "free again");
	stop(&f);
}

/* The server ends the statement; where it cannot be relied on, the pool gives the connection up. */
static void test_timeout(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 1, 100);
	must_ask(&f, SLEEP, "30");
	assert_int_equal(f.last, -ETIMEDOUT);
	assert_int_equal(f.downs, 0);
	must_ask(&f, NO_LIMIT, "0");
	must_ask(&f, SLEEP, "30");
	assert_int_equal(f.last, -ETIMEDOUT);
	assert_int_equal(f.downs, 1);
	UNTIL(&f, db_pool_is_up(f.pool));
	must_ask(&f, ECHO, "back");
	assert_string_equal(f.text, "back");
	stop(&f);
}

static void test_notify(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 2, 5000);
	assert_int_equal(f.listenings, 1);
	must_ask(&f, NOTIFY, "hello");
	UNTIL(&f, !strcmp(f.payload, "hello"));
	stop(&f);
}

static void test_reconnect(void **state)
{
	struct fixture f, killer;
	uint64_t began;

	(void)state;
	start(&f, 2, 5000);
	start(&killer, 1, 5000);
	/* A statement under way is told that it was lost. */
	f.wanted = 1;
	assert_int_equal(ask(&f, SLEEP, "30"), 0);
	must_ask(&killer, TERMINATE, "fraudd-pool-test");
	assert_int_equal(killer.last, 0);
	UNTIL(&f, f.results == 1);
	assert_int_equal(f.last, -ECONNRESET);
	began = clock_mono_ns();
	UNTIL(&f, f.downs >= 1 || f.listenings >= 2);
	UNTIL(&f, db_pool_is_up(f.pool) && f.listenings >= 2);
	assert_true(clock_mono_ns() - began < UINT64_C(10000000000));
	must_ask(&f, ECHO, "again");
	assert_string_equal(f.text, "again");
	stop(&killer);
	stop(&f);
}

static void test_forget_and_free(void **state)
{
	struct fixture f;
	struct db_request *r;
	const struct db_param params[] = { DB_TEXT("30") };

	(void)state;
	start(&f, 1, 60000);
	assert_int_equal(
	        db_pool_run(f.pool, &(struct db_call){ SLEEP, params, 1, on_answer, &f }, &r), 0);
	db_request_forget(r);
	assert_int_equal(ask(&f, ECHO, "waits"), 0);
	db_pool_free(f.pool);
	f.pool = NULL;
	assert_int_equal(f.results, 1);
	assert_int_equal(f.last, -ECANCELED);
	stop(&f);
}

struct refusal_case {
	const char *url, *words;
};

static const struct refusal_case refusals[] = {
	{ "postgresql://u:topsecret@127.0.0.1:1/x", "Connection refused" },
	{ "postgresql://u:topsecret@localhost:1/x", "Connection refused" },
	{ "postgresql://u:topsecret@no-such-host.invalid/x", "has no address" },
	{ "postgresql://u:topsecret@/x?host=/nowhere", "No such file" },
	{ "postgresql:/u:topsecret@", "cannot be read" },
	{ "", "no database is configured" },
};

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct fixture f;

		start_loop(&f);
		start_pool(&f, refusals[i].url, 2, 1000);
		assert_int_equal(ask(&f, ECHO, "x"), -ECONNREFUSED);
		UNTIL(&f, f.downs == 1);
		if (!strstr(f.why.text, refusals[i].words) || strstr(f.why.text, "topsecret"))
			fail_msg("case %zu: \"%s\"", i, f.why.text);
		assert_false(db_pool_is_up(f.pool));
		assert_false(db_pool_was_up(f.pool));
		stop(&f);
	}
}

/* Freed while the name is still being asked for. */
static void test_free_early(void **state)
{
	struct fixture f;

	(void)state;
	for (int i = 0; i < 20; i++) {
		start_loop(&f);
		start_pool(&f, "postgresql://u@localhost:1/x", 4, 1000);
		if (i & 1)
			UNTIL(&f, f.downs == 1);
		stop(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),  cmocka_unit_test(test_free_early),
		cmocka_unit_test(test_answers),   cmocka_unit_test(test_queue),
		cmocka_unit_test(test_timeout),   cmocka_unit_test(test_notify),
		cmocka_unit_test(test_reconnect), cmocka_unit_test(test_forget_and_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
