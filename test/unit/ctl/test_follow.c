/* A row that is moved to another instant keeps all its distances; what is no date stays none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/civil.h"
#include "tools/ctl/demo_calendar.h"
#include "tools/ctl/demo_follow.h"

#define UNTIL_US (INT64_C(20779) * CIVIL_DAY_US) /* 2026-11-22 */
#define ROWS 3000

static int32_t distance(const struct demo_row *row, int32_t date)
{
	bool none = date == DEMO_NO_DATE || date == DEMO_YEAR_9999;

	return none ? date : demo_day(row->create_us) - date;
}

static bool same_distances(const struct demo_row *a, const struct demo_row *b)
{
	return distance(a, a->register_date) == distance(b, b->register_date) &&
	       distance(a, a->first_transaction_date) == distance(b, b->first_transaction_date) &&
	       distance(a, a->birth_date) == distance(b, b->birth_date) &&
	       distance(a, a->recheck_date) == distance(b, b->recheck_date) &&
	       distance(a, a->face_pin_date) == distance(b, b->face_pin_date) &&
	       distance(a, a->visa_expire_date) == distance(b, b->visa_expire_date);
}

/* Later than the row, by the same order as in the year it is from, and within two minutes. */
static bool is_found_out_soon(const struct demo_row *from, const struct demo_row *moved)
{
	int64_t us = moved->known_us - moved->create_us;

	return us > 0 && us <= 120 * INT64_C(1000000) &&
	       us == (from->known_us - from->create_us) / 64800;
}

static void test_move(void **unused)
{
	static const int64_t days[] = { 0, 1, 364, -7 };
	const struct demo_options o = { .rows = ROWS, .seed = 2, .until_us = UNTIL_US };
	struct demo *d = NULL;
	struct demo_row row, moved;

	(void)unused;
	assert_int_equal(demo_new(&o, &d), 0);
	for (unsigned i = 0; i < ROWS; i++) {
		int64_t us = UNTIL_US + days[i % 4] * CIVIL_DAY_US + i;

		assert_int_equal(demo_next(d, &row), 1);
		moved = row;
		demo_follow_move(&moved, us);
		if (moved.create_us != us || !same_distances(&row, &moved) ||
		    !is_found_out_soon(&row, &moved))
			fail_msg("row %u", i);
	}
	demo_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_move) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
