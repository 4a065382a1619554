/*
 * The demo generator's promises: same seed, same bytes; sorted; window columns that follow from the
 * rows; about one per cent of fraud of five kinds; labels that come late; no rule of two splits
 * that comes near the ceiling.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "tools/ctl/demo_calendar.h"
#include "tools/ctl/demo_ceiling.h"
#include "tools/ctl/demo_csv.h"
#include "tools/ctl/demo_generate.h"

#define UNTIL_US (INT64_C(20779) * CIVIL_DAY_US) /* 2026-11-22 */
#define DAY_US CIVIL_DAY_US

static struct demo *start(uint64_t rows, uint64_t seed)
{
	const struct demo_options o = { .rows = rows, .seed = seed, .until_us = UNTIL_US };
	struct demo *d = NULL;

	assert_int_equal(demo_new(&o, &d), 0);
	return d;
}

/* All rows; count of them is `rows`. */
static struct demo_row *generate(uint64_t rows, uint64_t seed)
{
	struct demo_row *all = calloc(rows, sizeof(*all));
	struct demo *d = start(rows, seed);
	struct demo_row extra;

	assert_non_null(all);
	for (uint64_t i = 0; i < rows; i++)
		assert_int_equal(demo_next(d, &all[i]), 1);
	assert_int_equal(demo_next(d, &extra), 0);
	assert_int_equal(demo_next(d, &extra), 0);
	demo_free(d);
	return all;
}

static struct strbuf text_of(uint64_t rows, uint64_t seed)
{
	struct demo_row *all = generate(rows, seed);
	struct strbuf text = { 0 };

	demo_csv_header(&text);
	for (uint64_t i = 0; i < rows; i++)
		demo_csv_row(&text, &all[i]);
	assert_int_equal(strbuf_error(&text), 0);
	free(all);
	return text;
}

static void test_same_seed_same_bytes(void **state)
{
	struct strbuf a = text_of(3000, 7), b = text_of(3000, 7), c = text_of(3000, 8);

	(void)state;
	assert_true(str_equal(strbuf_str(&a), strbuf_str(&b)));
	assert_false(str_equal(strbuf_str(&a), strbuf_str(&c)));
	strbuf_done(&a);
	strbuf_done(&b);
	strbuf_done(&c);
}

static void test_options(void **state)
{
	struct demo_options o = { .rows = 0, .until_us = UNTIL_US };
	struct demo *d;

	(void)state;
	assert_int_equal(demo_new(&o, &d), -EINVAL);
	o.rows = DEMO_MAX_ROWS + 1;
	assert_int_equal(demo_new(&o, &d), -EINVAL);
	free(generate(1, 1));
	demo_free(NULL);
}

static void check_row(const struct demo_row *row, const struct demo_row *before, size_t i)
{
	if (row->transaction_seq != (int64_t)i + 1)
		fail_msg("row %zu: number %jd", i, (intmax_t)row->transaction_seq);
	if (before && row->create_us < before->create_us)
		fail_msg("row %zu: earlier than the one before", i);
	if (row->create_us < UNTIL_US - DEMO_DAYS * DAY_US || row->create_us >= UNTIL_US)
		fail_msg("row %zu: outside the year", i);
	if (row->deposit_amount < 10000 || row->deposit_amount > 5000000 ||
	    row->deposit_amount % 1000 != 0)
		fail_msg("row %zu: amount %jd", i, (intmax_t)row->deposit_amount);
	if (!strcmp(row->receiving_country, "KR") || !row->country_code || !row->id_type)
		fail_msg("row %zu: papers", i);
	if (row->first_transaction_date > demo_day(row->create_us) ||
	    row->first_transaction_date == DEMO_NO_DATE)
		fail_msg("row %zu: first transaction lies in the future", i);
	if (row->register_date != DEMO_YEAR_9999 &&
	    row->register_date > row->first_transaction_date)
		fail_msg("row %zu: registered after the first transaction", i);
	if (row->face_pin_date > demo_day(row->create_us) ||
	    row->recheck_date > demo_day(row->create_us))
		fail_msg("row %zu: a date of the future", i);
	if (row->count[0] < 1 || row->count[1] < row->count[0] || row->count[2] < row->count[1] ||
	    row->amount[0] < row->deposit_amount || row->amount[1] < row->amount[0] ||
	    row->amount[2] < row->amount[1])
		fail_msg("row %zu: windows do not nest", i);
	if (row->labelled && row->known_us < row->create_us + DAY_US / 10)
		fail_msg("row %zu: its label is known at once", i);
	if (row->fraud && !row->labelled)
		fail_msg("row %zu: a fraud that nobody finds out", i);
	if (row->risk <= 0 || row->risk >= 1)
		fail_msg("row %zu: risk %g", i, row->risk);
}

static void test_rows(void **state)
{
	const size_t rows = 30000;
	struct demo_row *all = generate(rows, 1);
	size_t kinds[DEMO_KIND_MAX] = { 0 }, frauds[DEMO_KIND_MAX] = { 0 }, total = 0;

	(void)state;
	for (size_t i = 0; i < rows; i++) {
		check_row(&all[i], i ? &all[i - 1] : NULL, i);
		kinds[all[i].kind]++;
		frauds[all[i].kind] += all[i].fraud;
		total += all[i].fraud;
	}
	assert_in_range(total, rows * 6 / 1000, rows * 14 / 1000);
	for (int k = DEMO_TAKE_OVER; k < DEMO_KIND_MAX; k++)
		if (frauds[k] * 5 < kinds[k] || frauds[k] * 5 > kinds[k] * 4)
			fail_msg("%s: %zu of %zu are fraud", demo_kind_names[k], frauds[k],
			         kinds[k]);
	assert_true(all[0].create_us < UNTIL_US - 363 * DAY_US);
	assert_true(all[rows - 1].create_us > UNTIL_US - DAY_US);
	free(all);
}

/* A customer is known by what never changes; few enough customers make that unique here. */
static bool same_customer(const struct demo_row *a, const struct demo_row *b)
{
	return a->birth_date == b->birth_date &&
	       a->first_transaction_date == b->first_transaction_date &&
	       !strcmp(a->user_name, b->user_name) && !strcmp(a->country_code, b->country_code) &&
	       a->register_date == b->register_date;
}

static void check_window(const struct demo_row *all, size_t i, int w, int64_t length_us)
{
	int64_t amount = 0;
	int32_t count = 0;

	for (size_t k = i + 1; k > 0; k--) {
		if (all[k - 1].create_us <= all[i].create_us - length_us)
			break;
		if (!same_customer(&all[k - 1], &all[i]))
			continue;
		count++;
		amount += all[k - 1].deposit_amount;
	}
	if (count != all[i].count[w] || amount != all[i].amount[w])
		fail_msg("row %zu window %d: %d / %jd, from the rows %d / %jd", i, w,
		         all[i].count[w], (intmax_t)all[i].amount[w], count, (intmax_t)amount);
}

static void test_windows_follow_from_rows(void **state)
{
	const size_t rows = 4000;
	struct demo_row *all = generate(rows, 3);

	(void)state;
	for (size_t i = 0; i < rows; i++) {
		check_window(all, i, DEMO_24HOUR, DAY_US);
		check_window(all, i, DEMO_1WEEK, 7 * DAY_US);
		check_window(all, i, DEMO_1MONTH, 30 * DAY_US);
	}
	free(all);
}

/* --- no simple rule --- */

enum { TRAITS = 14 };

/* What a person might look at first, each as a yes or no. */
static unsigned traits_of(const struct demo_row *r)
{
	unsigned hour = demo_hour(r->create_us), i = 0, bits = 0;
	int32_t age = demo_day(r->create_us) - r->register_date;
	int32_t seniority = demo_day(r->create_us) - r->first_transaction_date;
	const bool traits[TRAITS] = {
		hour < 6 || hour > 22,
		strcmp(r->country_code, r->receiving_country) != 0,
		strcmp(r->user_name, r->sender_name) != 0,
		r->deposit_amount >= 3000000,
		r->deposit_amount >= 1000000,
		r->count[DEMO_24HOUR] >= 2,
		r->count[DEMO_24HOUR] >= 4,
		r->amount[DEMO_24HOUR] >= 9500000,
		r->count[DEMO_1WEEK] >= 4,
		age <= 7,
		age > 180 && r->count[DEMO_1MONTH] <= 1,
		seniority <= 1,
		r->payment_method && !strcmp(r->payment_method, "VIRTUAL"),
		!strcmp(r->id_type, "PASSPORT"),
	};

	for (i = 0; i < TRAITS; i++)
		bits |= (unsigned)traits[i] << i;
	return bits;
}

struct leaf {
	double fraud, honest;
};

static int worse(const void *a, const void *b)
{
	const struct leaf *x = a, *y = b;
	double left = x->fraud * (y->fraud + y->honest), right = y->fraud * (x->fraud + x->honest);

	return left < right ? 1 : left > right ? -1 : 0;
}

/* Average precision of four leaves, ranked by their own share of fraud (judged on the rows that
 * made them: more than a tree could reach on others). */
static double average_precision(struct leaf *leaves)
{
	double fraud = 0, all = 0, sum = 0;

	qsort(leaves, 4, sizeof(*leaves), worse);
	for (int i = 0; i < 4; i++) {
		fraud += leaves[i].fraud;
		all += leaves[i].fraud + leaves[i].honest;
		if (leaves[i].fraud > 0)
			sum += leaves[i].fraud * fraud / all;
	}
	return sum / fraud;
}

static double judge_tree(const unsigned *traits, const struct demo_row *all, size_t rows,
                         const int split[3])
{
	struct leaf leaves[4] = { { 0, 0 } };

	for (size_t i = 0; i < rows; i++) {
		unsigned side = traits[i] >> split[0] & 1;
		unsigned leaf = side * 2 + (traits[i] >> split[1 + side] & 1);

		if (all[i].fraud)
			leaves[leaf].fraud++;
		else
			leaves[leaf].honest++;
	}
	return average_precision(leaves);
}

static void test_no_simple_rule(void **state)
{
	const size_t rows = 12000;
	struct demo_row *all = generate(rows, 5);
	unsigned *traits = calloc(rows, sizeof(*traits));
	struct demo_ceiling *ceiling = calloc(1, sizeof(*ceiling));
	double best = 0;

	(void)state;
	assert_non_null(traits);
	assert_non_null(ceiling);
	for (size_t i = 0; i < rows; i++) {
		traits[i] = traits_of(&all[i]);
		demo_ceiling_add(ceiling, all[i].risk, all[i].fraud);
	}
	for (int a = 0; a < TRAITS; a++)
		for (int b = 0; b < TRAITS; b++)
			for (int c = 0; c < TRAITS; c += 1) {
				const int split[3] = { a, b, c };
				double ap = judge_tree(traits, all, rows, split);

				best = ap > best ? ap : best;
			}
	if (!(best < demo_ceiling_average_precision(ceiling) / 2))
		fail_msg("best tree of depth 2: %.3f, ceiling %.3f", best,
		         demo_ceiling_average_precision(ceiling));
	free(ceiling);
	free(traits);
	free(all);
}

static void test_ceiling(void **state)
{
	static struct demo_ceiling c;

	(void)state;
	assert_true(isnan(demo_ceiling_roc_auc(&c)));
	assert_true(isnan(demo_ceiling_average_precision(&c)));
	demo_ceiling_add(&c, 0.9, true);
	demo_ceiling_add(&c, 0.1, false);
	assert_float_equal(demo_ceiling_roc_auc(&c), 1, 1e-12);
	assert_float_equal(demo_ceiling_average_precision(&c), 1, 1e-12);
	demo_ceiling_add(&c, 0.95, false);
	assert_float_equal(demo_ceiling_roc_auc(&c), 0.5, 1e-12);
	assert_float_equal(demo_ceiling_average_precision(&c), 0.5, 1e-12);
	demo_ceiling_add(&c, 0.9, false);
	assert_float_equal(demo_ceiling_roc_auc(&c), 0.5, 1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed_same_bytes),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_windows_follow_from_rows),
		cmocka_unit_test(test_no_simple_rule),
		cmocka_unit_test(test_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
