/* Margins against a naive walk over the document's arrays, bit for bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "grown.h"

static uint32_t bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static const struct grow_options forests[] = {
	{ .trees = 1, .features = 1, .depth = 0 },
	{ .trees = 1, .features = 1, .depth = 1 },
	{ .trees = 50, .features = 4, .depth = 6 },
	{ .trees = 50, .features = 4, .depth = 6, .odd_values = true },
	{ .trees = 50, .features = 6, .depth = 6, .categorical = true },
	{ .trees = 20, .features = 6, .depth = 9, .categorical = true, .odd_values = true },
	{ .trees = 10, .features = 40, .depth = 64, .one_path = true, .odd_values = true },
};

static void test_random_forests(void **state)
{
	struct grown *g = *state;

	for (size_t i = 0; i < sizeof(forests) / sizeof(forests[0]); i++) {
		const struct grow_options *o = &forests[i];
		struct random r;
		float row[64];

		random_seed(&r, i + 1);
		if (grown_forest(g, i + 100, o) < 0)
			fail_msg("forest %zu: %s", i, g->err.text);
		if (o->one_path && g->forest.max_depth != o->depth)
			fail_msg("forest %zu: depth %u", i, g->forest.max_depth);
		for (int n = 0; n < 3000; n++) {
			grown_row(&r, o, row);
			if (bits(forest_margin(&g->forest, row)) != bits(grown_margin(g, row)))
				fail_msg("forest %zu, row %d: %.9g, not %.9g", i, n,
				         (double)forest_margin(&g->forest, row),
				         (double)grown_margin(g, row));
		}
		grown_done(g);
	}
}

/* A tree of one split; what goes left gives 1, right 2. */
static void plant(struct grown *g, float threshold, bool default_left, const int64_t *categories)
{
	struct raw_tree *t = &g->raw[0];

	raw_tree_reset(t);
	for (int i = 0; i < 3; i++)
		grown_add_node(t);
	t->left.v[0] = 1;
	t->right.v[0] = 2;
	t->default_left.v[0] = default_left;
	t->value.v[0] = threshold;
	t->value.v[1] = 1;
	t->value.v[2] = 2;
	t->cover.v[1] = 3;
	t->cover.v[2] = 1;
	if (categories) {
		t->split_type.v[0] = 1;
		grown_add_int(&t->category_nodes, 0);
		grown_add_int(&t->category_segments, 0);
		for (; *categories >= 0; categories++)
			grown_add_int(&t->categories, *categories);
		grown_add_int(&t->category_sizes, (int64_t)t->categories.n);
	}
	if (grown_build(g, 1, 1) < 0)
		fail_msg("%s", g->err.text);
}

static void test_one_split(void **state)
{
	static const int64_t set[] = { 0, 2, 31, 32, 16777215, -1 };
	static const struct {
		float threshold;
		bool default_left;
		const int64_t *categories;
		float x;
		float leaf;
	} cases[] = {
		{ 1.5f, false, NULL, 1.5f, 2 },
		{ 1.5f, false, NULL, 1.4999999f, 1 },
		{ 1.5f, true, NULL, 2, 2 },
		{ 1.5f, true, NULL, NAN, 1 },
		{ 1.5f, false, NULL, NAN, 2 },
		{ 1.5f, false, NULL, -INFINITY, 1 },
		{ 1.5f, true, NULL, INFINITY, 2 },
		{ 0.0f, false, NULL, -0.0f, 2 },
		{ -0.0f, false, NULL, 0.0f, 2 },
		{ 1e-45f, false, NULL, 0.0f, 1 },
		{ 0.0f, false, NULL, -1e-45f, 1 },
		{ -INFINITY, true, NULL, -INFINITY, 2 },
		{ -INFINITY, true, NULL, -3e38f, 2 },
		{ -INFINITY, true, NULL, NAN, 1 },
		{ INFINITY, false, NULL, 3e38f, 1 },
		{ INFINITY, false, NULL, INFINITY, 2 },
		{ NAN, false, set, 0, 2 },
		{ NAN, false, set, -0.0f, 2 },
		{ NAN, false, set, 1, 1 },
		{ NAN, false, set, 2, 2 },
		{ NAN, false, set, 2.9f, 2 },
		{ NAN, false, set, 31, 2 },
		{ NAN, false, set, 32, 2 },
		{ NAN, false, set, 33, 1 },
		{ NAN, false, set, 16777215, 2 },
		{ NAN, false, set, 16777216, 1 },
		{ NAN, false, set, 3e38f, 1 },
		{ NAN, false, set, INFINITY, 1 },
		{ NAN, false, set, -0.1f, 1 },
		{ NAN, false, set, -INFINITY, 1 },
		{ NAN, false, set, NAN, 2 },
		{ NAN, true, set, NAN, 1 },
	};
	struct grown *g = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		float margin;

		plant(g, cases[i].threshold, cases[i].default_left, cases[i].categories);
		margin = forest_margin(&g->forest, &cases[i].x);
		if (bits(margin) != bits(cases[i].leaf))
			fail_msg("case %zu: x = %g gives %g", i, (double)cases[i].x,
			         (double)margin);
		grown_done(g);
	}
}

/* Beyond the last word of a small set there is nothing to read: it goes left. */
static void test_category_beyond_the_set(void **state)
{
	static const int64_t set[] = { 3, -1 };
	struct grown *g = *state;
	float x = 40;

	plant(g, 0, false, set);
	assert_true(forest_margin(&g->forest, &x) == 1.0f);
	grown_done(g);
}

/* float32, one add a tree, in file order: another order or a wider sum gives other bits. */
static void test_sum_is_float32_in_file_order(void **state)
{
	static const float leaves[] = { 1e8f, 1.0f, -1e8f, 0.1f, 0.2f, 0.3f };
	struct grown *g = *state;
	float expected = 0.7f;
	float x = 0;

	for (unsigned t = 0; t < 6; t++) {
		grown_add_node(&g->raw[t]);
		g->raw[t].value.v[0] = leaves[t];
		expected += leaves[t];
	}
	g->model.base_margin = 0.7f;
	if (grown_build(g, 6, 1) < 0)
		fail_msg("%s", g->err.text);
	assert_int_equal(bits(forest_margin(&g->forest, &x)), bits(expected));
	grown_done(g);
}

static void test_sigmoid(void **state)
{
	static const struct {
		float margin, score;
	} cases[] = {
		{ 0, 0.5f }, { INFINITY, 1 }, { 20, 1 }, { 2, 0.880797f }, { -2, 0.11920292f },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (fabsf(forest_sigmoid(cases[i].margin) - cases[i].score) > 1e-7f)
			fail_msg("case %zu: %.9g", i, (double)forest_sigmoid(cases[i].margin));
	assert_true(forest_sigmoid(-INFINITY) > 0);
	assert_int_equal(bits(forest_sigmoid(-INFINITY)), bits(forest_sigmoid(-88.7f)));
}

int main(void)
{
	static struct grown grown;
	void *state = &grown;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_random_forests, state),
		cmocka_unit_test_prestate(test_one_split, state),
		cmocka_unit_test_prestate(test_category_beyond_the_set, state),
		cmocka_unit_test_prestate(test_sum_is_float32_in_file_order, state),
		cmocka_unit_test(test_sigmoid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
