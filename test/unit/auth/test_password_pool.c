/* Jobs beside a loop: answers come on it, the queue ends, what is forgotten is not told, and the
 * pool may end with work in every place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/password_pool.h"
#include "daemon/loop.h"

#define COST 1
#define QUEUE 4

struct world {
	struct event_base *base;
	struct password_pool *pool;
	unsigned told, wanted;
	enum password_verdict verdict;
	uint64_t hold_ns;
	int result;
	char hash[PASSWORD_HASH_SIZE];
};

static void on_verified(void *self, enum password_verdict verdict, uint64_t hold_ns)
{
	struct world *w = self;

	w->verdict = verdict;
	w->hold_ns = hold_ns;
	if (++w->told == w->wanted)
		loop_break(w->base);
}

static void on_hashed(void *self, int r, const char *hash)
{
	struct world *w = self;

	w->result = r;
	if (r == 0)
		snprintf(w->hash, sizeof(w->hash), "%s", hash);
	if (++w->told == w->wanted)
		loop_break(w->base);
}

static void begin(struct world *w, uint32_t threads)
{
	struct password_pool_options o = { .threads = threads, .queue = QUEUE, .cost = COST };

	*w = (struct world){ 0 };
	assert_int_equal(loop_new(&w->base), 0);
	o.base = w->base;
	assert_int_equal(password_pool_new(&o, &w->pool), 0);
}

static void end(struct world *w)
{
	password_pool_free(w->pool);
	loop_free(w->base);
}

static void run(struct world *w, unsigned wanted)
{
	w->told = 0;
	w->wanted = wanted;
	loop_run(w->base);
	assert_int_equal(w->told, wanted);
}

static void hash_then_verify(void **unused)
{
	struct password_job *j;
	struct world w;

	(void)unused;
	begin(&w, 2);
	assert_int_equal(password_pool_hash(w.pool, STR("correct horse"), on_hashed, &w, &j), 0);
	run(&w, 1);
	assert_int_equal(w.result, 0);
	assert_int_equal(
	        password_pool_verify(w.pool, STR("correct horse"), w.hash, on_verified, &w, &j), 0);
	run(&w, 1);
	assert_int_equal(w.verdict, PASSWORD_RIGHT);
	assert_int_equal(
	        password_pool_verify(w.pool, STR("wrong horse"), w.hash, on_verified, &w, &j), 0);
	run(&w, 1);
	assert_int_equal(w.verdict, PASSWORD_WRONG);
	w.verdict = PASSWORD_RIGHT;
	assert_int_equal(password_pool_verify(w.pool, STR("any"), NULL, on_verified, &w, &j), 0);
	run(&w, 1);
	assert_int_equal(w.verdict, PASSWORD_WRONG);
	/* The cheapest yescrypt is through long before bcrypt of cost 12 would be. */
	assert_true(w.hold_ns > UINT64_C(10000000));
	end(&w);
}

static void too_long_is_wrong_or_refused(void **unused)
{
	char long_one[200];
	const struct str password = { long_one, sizeof(long_one) };
	struct password_job *j;
	struct world w;

	(void)unused;
	memset(long_one, 'x', sizeof(long_one));
	begin(&w, 1);
	w.verdict = PASSWORD_RIGHT;
	assert_int_equal(password_pool_verify(w.pool, password, NULL, on_verified, &w, &j), 0);
	run(&w, 1);
	assert_int_equal(w.verdict, PASSWORD_WRONG);
	assert_int_equal(password_pool_hash(w.pool, password, on_hashed, &w, &j), -EINVAL);
	end(&w);
}

/* Fills the queue (one more may be with the thread) and returns how many were taken. */
static unsigned fill(struct world *w, struct password_job *jobs[2 * QUEUE])
{
	unsigned taken = 0;
	int r = 0;

	while (taken < 2 * QUEUE && r == 0) {
		r = password_pool_verify(w->pool, STR("any"), NULL, on_verified, w, &jobs[taken]);
		taken += r == 0;
	}
	assert_int_equal(r, -EAGAIN);
	return taken;
}

static void the_queue_is_bounded(void **unused)
{
	struct password_job *jobs[2 * QUEUE];
	struct world w;
	unsigned taken;

	(void)unused;
	begin(&w, 1);
	taken = fill(&w, jobs);
	assert_true(taken >= QUEUE);
	run(&w, taken);
	end(&w);
}

static void forgotten_jobs_are_not_told(void **unused)
{
	struct password_job *jobs[2 * QUEUE];
	struct world w;
	unsigned taken;

	(void)unused;
	begin(&w, 1);
	taken = fill(&w, jobs);
	for (unsigned i = 0; i < taken; i++)
		password_job_forget(jobs[i]);
	password_job_forget(NULL);
	assert_int_equal(password_pool_verify(w.pool, STR("any"), NULL, on_verified, &w, &jobs[0]),
	                 0);
	run(&w, 1);
	end(&w);
}

static void ends_with_work_in_every_place(void **unused)
{
	struct password_job *jobs[2 * QUEUE];
	struct world w;

	(void)unused;
	begin(&w, 2);
	fill(&w, jobs);
	password_job_forget(jobs[0]);
	end(&w);
	assert_int_equal(w.told, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_then_verify),
		cmocka_unit_test(too_long_is_wrong_or_refused),
		cmocka_unit_test(the_queue_is_bounded),
		cmocka_unit_test(forgotten_jobs_are_not_told),
		cmocka_unit_test(ends_with_work_in_every_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
