/* When an input counts as dead: never by chance, never because it always was, always when its
 * column has stopped to say anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/train/variety.h"

enum { KEY, TIME, NUMBER, TEXT, SECRET, DATE, INPUTS };

static struct program_input inputs[INPUTS] = {
	[KEY] = { .name = STR_INIT("key"), .type = INPUT_INTEGER, .role = ROLE_KEY },
	[TIME] = { .name = STR_INIT("time"), .type = INPUT_DATETIME, .role = ROLE_TIME },
	[NUMBER] = { .name = STR_INIT("number"), .type = INPUT_NUMBER },
	[TEXT] = { .name = STR_INIT("text"), .type = INPUT_CATEGORY },
	[SECRET] = { .name = STR_INIT("secret"), .type = INPUT_TEXT, .private = true },
	[DATE] = { .name = STR_INIT("date"), .type = INPUT_DATE },
};

static const struct program program = {
	.inputs = inputs, .input_count = INPUTS, .key = KEY, .time = TIME
};

/* All inputs vary; the key and the time are the same in each row, as they never are. */
static void usual(struct cell *row, unsigned i)
{
	static const char *const texts[] = { "a", "b", "c" };
	static const char *const letters[] = { "A", "B" };

	for (unsigned k = 0; k < INPUTS; k++)
		row[k] = (struct cell){ .present = true };
	row[NUMBER].v.number = i % 7;
	row[TEXT].v.text = str_of(texts[i % 3]);
	row[SECRET].v.text = str_of(letters[i % 2]);
	row[SECRET].present = i % 5 != 0;
	row[DATE].v.time_us = i % 11;
}

struct variety_case {
	unsigned new_rows, old_rows;
	int input;       /* which is changed; -1: none */
	bool missing;    /* in the new rows; else it is constant */
	unsigned old_of; /* one old row in so many has what all new rows have; 0: none */
	int dead;
};

static void change(struct cell *row, const struct variety_case *c)
{
	static const struct cell one = { .present = true };

	row[c->input] = one;
	row[c->input].present = !c->missing;
	if (c->input == TEXT || c->input == SECRET)
		row[c->input].v.text = STR("only");
}

static int find(const struct variety_case *c)
{
	struct variety *v;
	struct arena a = { 0 };
	struct cell row[INPUTS];
	int dead;

	assert_int_equal(variety_new(&program, &a, &v), 0);
	for (unsigned i = 0; i < c->new_rows; i++) {
		usual(row, i);
		if (c->input >= 0)
			change(row, c);
		variety_add_new(v, row);
	}
	for (unsigned i = 0; i < c->old_rows; i++) {
		usual(row, i);
		if (c->input >= 0 && c->old_of && i % c->old_of == 0)
			change(row, c);
		variety_add_old(v, row);
	}
	dead = variety_find_dead(v);
	arena_done(&a);
	return dead;
}

static void test_cases(void **state)
{
	static const struct variety_case cases[] = {
		{ 1000, 1000, -1, false, 0, -1 },
		{ 1000, 1000, NUMBER, false, 2, NUMBER },
		{ 1000, 1000, NUMBER, true, 2, NUMBER },
		{ 1000, 1000, TEXT, false, 3, TEXT },
		{ 1000, 1000, TEXT, true, 0, TEXT },
		{ 1000, 1000, DATE, false, 2, DATE },
		/* of a private text only whether it is there is known */
		{ 1000, 1000, SECRET, true, 2, SECRET },
		{ 1000, 1000, SECRET, false, 2, SECRET },
		/* it always was like that */
		{ 1000, 1000, NUMBER, false, 1, -1 },
		{ 1000, 1000, TEXT, true, 1, -1 },
		/* so few rows may be alike by chance */
		{ 19, 1000, NUMBER, false, 2, -1 },
		{ 40, 1000, NUMBER, false, 2, NUMBER },
		{ 1, 1000, TEXT, true, 0, -1 },
		{ 1, 1000, NUMBER, false, 0, -1 },
		/* nothing to compare with */
		{ 1000, 0, NUMBER, false, 0, -1 },
		{ 0, 1000, NUMBER, false, 0, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int dead = find(&cases[i]);

		if (dead != cases[i].dead)
			fail_msg("case %zu: %d", i, dead);
	}
}

/* A flag that one row in two hundred sets, and a holdout that happens not to hold one. */
static void test_a_rare_flag_is_alive(void **state)
{
	struct variety *v;
	struct arena a = { 0 };
	struct cell row[INPUTS];

	(void)state;
	assert_int_equal(variety_new(&program, &a, &v), 0);
	for (unsigned i = 0; i < 1000; i++) {
		usual(row, i);
		row[NUMBER].v.number = 0;
		variety_add_new(v, row);
	}
	for (unsigned i = 0; i < 1000; i++) {
		usual(row, i);
		row[NUMBER].v.number = i % 200 == 0;
		variety_add_old(v, row);
	}
	assert_int_equal(variety_find_dead(v), -1);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_a_rare_flag_is_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
