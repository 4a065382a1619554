/* The self-check passes what is right and finds what is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forest/check.h"
#include "grown.h"

static const struct grow_options o = {
	.trees = 20, .features = 7, .depth = 6, .categorical = true
};

static struct forest_header *header(const struct grown *g)
{
	return g->image;
}

/* What forest_open() cannot see: values that are possible but not this model's. */
static void wrong_bias(struct grown *g)
{
	g->forest.bias += 1e-4;
}

static void wrong_point(struct grown *g)
{
	struct forest_point *p = (void *)((char *)g->image + header(g)->points_at);

	for (size_t i = 0; i < forest_rule_at(header(g)->max_points + (size_t)1); i++)
		p[i].t *= 0.999;
}

static void wrong_weight(struct grown *g)
{
	struct forest_point *p = (void *)((char *)g->image + header(g)->points_at);

	for (size_t i = 0; i < forest_rule_at(header(g)->max_points + (size_t)1); i++)
		p[i].weight *= 0.999;
}

static void nothing_wrong(struct grown *g)
{
	(void)g;
}

static void test_self_check(void **state)
{
	static const struct {
		void (*change)(struct grown *g);
		int r;
		const char *words;
	} cases[] = {
		{ nothing_wrong, 0, "" },
		{ wrong_bias, -EBADMSG, "check row 0, feature 7: contribution" },
		{ wrong_point, -EBADMSG, "contribution" },
		{ wrong_weight, -EBADMSG, "contribution" },
	};
	struct grown *g = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct errbuf err = { "" };
		int r;

		assert_int_equal(grown_forest(g, 3, &o), 0);
		cases[i].change(g);
		r = forest_self_check(&g->forest, &g->arena, &err);
		if (r != cases[i].r || !strstr(err.text, cases[i].words))
			fail_msg("case %zu: %d (%s)", i, r, err.text);
		grown_done(g);
	}
}

/* The rows are where the model decides: on thresholds, beside them, missing, of both ways. */
static void test_rows(void **state)
{
	struct grown *g = *state;
	size_t missing = 0;
	size_t exact = 0;
	size_t sides[2] = { 0 };
	const float *rows;
	const float *again;

	assert_int_equal(grown_forest(g, 3, &o), 0);
	rows = forest_check_rows(&g->forest, &g->arena);
	again = forest_check_rows(&g->forest, &g->arena);
	assert_memory_equal(rows, again, (size_t)FOREST_CHECK_ROWS * o.features * sizeof(*rows));
	for (size_t i = 0; i < (size_t)FOREST_CHECK_ROWS * o.features; i++)
		missing += rows[i] != rows[i];
	for (size_t i = 0; i < FOREST_CHECK_ROWS; i++) {
		const float *row = rows + i * o.features;

		for (unsigned t = 0; t < o.trees; t++)
			for (uint32_t n = 0; n < g->raw[t].left.n; n++) {
				if (g->raw[t].left.v[n] < 0)
					continue;
				sides[grown_left(&g->raw[t], n, row)]++;
				exact += row[g->raw[t].feature.v[n]] == g->raw[t].value.v[n];
			}
	}
	assert_in_range(missing, 5, (size_t)FOREST_CHECK_ROWS * o.features / 4);
	assert_true(exact > 500);
	assert_true(sides[0] > 1000 && sides[1] > 1000);
	grown_done(g);
}

static void test_out_of_memory(void **state)
{
	struct grown *g = *state;
	struct arena a = { .limit = 128 };
	struct errbuf err;

	assert_int_equal(grown_forest(g, 3, &o), 0);
	assert_int_equal(forest_self_check(&g->forest, &a, &err), -ENOMEM);
	arena_done(&a);
	grown_done(g);
}

int main(void)
{
	static struct grown grown;
	void *state = &grown;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_self_check, state),
		cmocka_unit_test_prestate(test_rows, state),
		cmocka_unit_test_prestate(test_out_of_memory, state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
