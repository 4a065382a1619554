/* The heap of planned remittances: by instant, equal ones in the order of planning. */
#include "tools/ctl/demo_schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/random.h"

static void test_order(void **state)
{
	struct demo_schedule s = { 0 };
	struct random random;
	int64_t last_us = -1;
	uint64_t last_order = 0;

	(void)state;
	random_seed(&random, 1);
	assert_null(demo_schedule_first(&s));
	for (int i = 0; i < 1000; i++) {
		struct demo_event e = { .us = (int64_t)random_below(&random, 100) };

		assert_int_equal(demo_schedule_push(&s, &e), 0);
	}
	for (int i = 0; i < 1000; i++) {
		int64_t first_us = demo_schedule_first(&s)->us;
		struct demo_event e = demo_schedule_pop(&s);

		assert_int_equal(e.us, first_us);
		if (e.us < last_us || (e.us == last_us && e.order < last_order))
			fail_msg("pop %d: %jd/%ju after %jd/%ju", i, (intmax_t)e.us,
			         (uintmax_t)e.order, (intmax_t)last_us, (uintmax_t)last_order);
		last_us = e.us;
		last_order = e.order;
	}
	assert_null(demo_schedule_first(&s));
	demo_schedule_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
