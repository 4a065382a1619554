/*
 * Leads: the share of a host (pure), and hosts that take, share, lose and inherit partitions on a
 * real server. The latter needs FRAUDD_TEST_DATABASE_URL and is skipped without it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/loop.h"
#include "daemons/scheduler/lead.h"
#include "daemons/scheduler/statements.h"
#include "db/db.h"
#include "db/migrate.h"
#include "db/pool.h"

#define PATIENCE_MS 60000
#define PARTITIONS 4

static void test_share(void **unused)
{
	static const struct {
		unsigned partitions, hosts, share;
	} cases[] = {
		{ 1, 1, 1 }, { 1, 2, 1 }, { 1, 50, 1 }, { 4, 1, 4 },   { 4, 2, 2 },
		{ 4, 3, 2 }, { 4, 4, 1 }, { 4, 5, 1 },  { 64, 3, 22 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned share = lead_share(cases[i].partitions, cases[i].hosts);

		if (share != cases[i].share)
			fail_msg("case %zu: %u", i, share);
		if (share * cases[i].hosts < cases[i].partitions)
			fail_msg("case %zu: a partition is nobody's", i);
	}
}

/* --- hosts on a server --- */

struct host {
	struct lead lead;
	struct db_pool *pool;
	struct queue_history history[PARTITIONS]; /* as it was told when it took the lead */
	unsigned gained, lost;
	bool busy;
};

static struct event_base *base;
static struct loop_timer *patience, *look;
static bool (*condition)(struct host *hosts);
static struct host hosts[2];
static bool impatient;
static char url[1024]; /* of a schema of our own */

static void on_gained(void *self, unsigned partition, const struct queue_history *history)
{
	struct host *h = self;

	h->history[partition] = *history;
	h->gained++;
}

static void on_lost(void *self, unsigned partition)
{
	struct host *h = self;

	(void)partition;
	h->lost++;
}

static bool is_busy(void *self, unsigned partition)
{
	const struct host *h = self;

	(void)partition;
	return h->busy;
}

static const struct lead_hooks hooks = { on_gained, on_lost, is_busy };

static void on_state(void *self, bool up, const struct errbuf *why)
{
	struct host *h = self;

	(void)why;
	if (up)
		lead_connected(&h->lead);
	else
		lead_disconnected(&h->lead);
}

static void on_patience(void *self)
{
	(void)self;
	impatient = true;
	loop_break(base);
}

static void on_look(void *self)
{
	(void)self;
	if (condition(hosts))
		loop_break(base);
	else
		loop_timer_arm(look, 5);
}

static void wait_until(bool (*fn)(struct host *h), const char *what)
{
	condition = fn;
	loop_timer_arm(patience, PATIENCE_MS);
	loop_timer_arm(look, 0);
	assert_int_equal(loop_run(base), 0);
	if (impatient)
		fail_msg("waited in vain: %s", what);
}

#define WAIT(fn) wait_until(fn, #fn)

static void start(struct host *h, const char *name)
{
	const struct db_pool_options o = {
		.base = base,
		.url = url,
		.application = name,
		.connections = 1,
		.connect_timeout_ms = 5000,
		.query_timeout_ms = 5000,
		.max_waiting = 8,
		.statements = statements,
		.statement_count = STATEMENT_MAX,
		.on_state = on_state,
		.self = h,
	};

	*h = (struct host){ .lead = { .hooks = &hooks, .self = h, .partitions = PARTITIONS } };
	snprintf(h->lead.host, sizeof(h->lead.host), "%s", name);
	assert_int_equal(db_pool_new(&o, &h->pool), 0);
	h->lead.pool = h->pool;
	assert_int_equal(lead_start(&h->lead, base), 0);
}

/* As a host that dies: nothing is given away, the connection ends. */
static void stop(struct host *h)
{
	h->lead.up = false;
	lead_stop(&h->lead);
	db_pool_free(h->pool);
	h->pool = NULL;
}

static unsigned count(const struct host *h)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PARTITIONS; i++)
		n += lead_holds(&h->lead, i);
	return n;
}

static bool first_has_all(struct host *h)
{
	return count(&h[0]) == PARTITIONS;
}

static bool second_has_all(struct host *h)
{
	return count(&h[1]) == PARTITIONS;
}

static bool both_have_half(struct host *h)
{
	return count(&h[0]) == PARTITIONS / 2 && count(&h[1]) == PARTITIONS / 2;
}

static bool first_knows_second(struct host *h)
{
	return h[0].lead.others == 1;
}

static struct db *session;

static int make_schema(const char *server)
{
	const struct db_options o = { .url = server };
	struct db *db;
	struct errbuf err;
	int r = db_open(&o, &db, &err);

	if (r < 0)
		return r;
	snprintf(url, sizeof(url), "%s%coptions=-csearch_path%%3Dfraudd_lead", server,
	         strchr(server, '?') ? '&' : '?');
	r = db_exec(db, "drop schema if exists fraudd_lead cascade; create schema fraudd_lead",
	            &err);
	db_close(db);
	return r;
}

static int setup(void **unused)
{
	const struct migrate_options m = { .files = embedded_migrations,
		                           .count = embedded_migration_count };
	const struct db_options o = { .url = url };
	const char *server = getenv("FRAUDD_TEST_DATABASE_URL");
	struct errbuf err = { "" };

	(void)unused;
	if (!server)
		return 0;
	if (make_schema(server) < 0 || db_open(&o, &session, &err) < 0 ||
	    migrate_run(session, &m, &err) < 0 ||
	    db_exec(session,
	            "insert into scheduler_state (partition, host, planned_at, batches, "
	            "retrain_due)"
	            " values (2, 'before', now() - interval '90 s', 7, true)",
	            &err) < 0)
		print_message("%s\n", err.text);
	impatient = false;
	return loop_new(&base) || loop_timer_new(base, on_patience, NULL, &patience) ||
	       loop_timer_new(base, on_look, NULL, &look);
}

static int teardown(void **unused)
{
	(void)unused;
	if (!session)
		return 0;
	for (unsigned i = 0; i < 2; i++)
		if (hosts[i].pool)
			stop(&hosts[i]);
	loop_timer_free(patience);
	loop_timer_free(look);
	loop_free(base);
	(void)db_exec(session, "drop schema fraudd_lead cascade", NULL);
	db_close(session);
	session = NULL;
	return 0;
}

static void need_server(void)
{
	if (session)
		return;
	print_message("FRAUDD_TEST_DATABASE_URL is not set\n");
	skip();
}

static void test_history_is_told(void **unused)
{
	(void)unused;
	need_server();
	start(&hosts[0], "one");
	WAIT(first_has_all);
	assert_int_equal(hosts[0].history[0].age_ms, -1);
	assert_true(hosts[0].history[2].age_ms >= 90000);
	assert_int_equal(hosts[0].history[2].count, 7);
	assert_true(hosts[0].history[2].retrain_due);
}

static void test_shared_and_inherited(void **unused)
{
	(void)unused;
	need_server();
	start(&hosts[0], "one");
	WAIT(first_has_all);
	start(&hosts[1], "two");
	WAIT(both_have_half);
	/* the first ones stay where they were */
	assert_true(lead_holds(&hosts[0].lead, 0) && lead_holds(&hosts[0].lead, 1));
	assert_int_equal(hosts[0].lost, PARTITIONS / 2);
	stop(&hosts[0]);
	WAIT(second_has_all);
	assert_int_equal(hosts[1].lost, 0);
}

static void test_what_runs_is_not_given_away(void **unused)
{
	(void)unused;
	need_server();
	start(&hosts[0], "one");
	hosts[0].busy = true;
	WAIT(first_has_all);
	start(&hosts[1], "two");
	WAIT(first_knows_second);
	assert_int_equal(count(&hosts[0]), PARTITIONS);
	hosts[0].busy = false;
	WAIT(both_have_half);
}

static bool first_lost_all(struct host *h)
{
	return h[0].lost == PARTITIONS;
}

static void test_lost_connection_is_a_lost_lead(void **unused)
{
	struct errbuf err;

	(void)unused;
	need_server();
	start(&hosts[0], "one");
	WAIT(first_has_all);
	assert_int_equal(db_exec(session,
	                         "select pg_terminate_backend(pid) from pg_stat_activity"
	                         " where application_name = 'one'",
	                         &err),
	                 0);
	WAIT(first_lost_all);
	WAIT(first_has_all);
	assert_int_equal(hosts[0].gained, 2 * PARTITIONS);
}

/* A partition that no other test has. */
#define STILL "3"

static void test_a_leader_that_stands_still_is_ended(void **unused)
{
	const struct db_options o = { .url = url };
	struct db *leader, *batch;
	struct errbuf err;

	(void)unused;
	need_server();
	assert_int_equal(db_open(&o, &leader, &err), 0);
	assert_int_equal(db_open(&o, &batch, &err), 0);
	assert_int_equal(db_exec(leader, "select pg_advisory_lock(1718772085, " STILL ")", &err),
	                 0);
	assert_int_equal(db_exec(batch, "select pg_advisory_lock(1718772066, " STILL ")", &err), 0);
	start(&hosts[0], "one");
	WAIT(first_has_all);
	assert_int_not_equal(db_exec(leader, "select 1", &err), 0);
	assert_int_not_equal(db_exec(batch, "select 1", &err), 0);
	db_close(leader);
	db_close(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share),
		cmocka_unit_test_setup_teardown(test_history_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shared_and_inherited, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_runs_is_not_given_away, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_connection_is_a_lost_lead, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_a_leader_that_stands_still_is_ended, setup,
		                                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
