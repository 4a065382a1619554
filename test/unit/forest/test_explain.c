/* SHAP values against their definition (all subsets), the float64 reference, and themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "forest/reference.h"
#include "grown.h"

#define MAX_FEATURES 64

static void *scratch;

/* ---- brute force: the value of a set of known features, by the document's arrays ---- */

static double value_of(const struct raw_tree *t, uint32_t node, const float *row, unsigned known)
{
	int64_t left = t->left.v[node];
	double l;
	double r;

	if (left == -1)
		return (double)t->value.v[node];
	if (known >> t->feature.v[node] & 1)
		return value_of(t, (uint32_t)(grown_left(t, node, row) ? left : left + 1), row,
		                known);
	l = (double)t->cover.v[left];
	r = (double)t->cover.v[left + 1];
	if (l + r == 0)
		l = r = 1;
	return (l * value_of(t, (uint32_t)left, row, known) +
	        r * value_of(t, (uint32_t)left + 1, row, known)) /
	       (l + r);
}

static double weight(unsigned size, unsigned features)
{
	return tgamma(size + 1.0) * tgamma(features - size + 0.0) / tgamma(features + 1.0);
}

static double shapley(const struct grown *g, const float *row, unsigned features, unsigned j)
{
	double sum = 0;

	for (unsigned known = 0; known < 1u << features; known++) {
		double w = weight((unsigned)__builtin_popcount(known), features);

		if (known >> j & 1)
			continue;
		for (uint32_t t = 0; t < g->model.tree_count; t++)
			sum += w * (value_of(&g->raw[t], 0, row, known | 1u << j) -
			            value_of(&g->raw[t], 0, row, known));
	}
	return sum;
}

static void test_definition(void **state)
{
	static const struct grow_options forests[] = {
		{ .trees = 3, .features = 1, .depth = 3 },
		{ .trees = 3, .features = 3, .depth = 5 },
		{ .trees = 3, .features = 6, .depth = 6 },
		{ .trees = 3, .features = 6, .depth = 5, .categorical = true },
		{ .trees = 5, .features = 4, .depth = 6, .odd_values = true },
		{ .trees = 2, .features = 8, .depth = 20, .one_path = true },
	};
	struct grown *g = *state;

	for (size_t i = 0; i < sizeof(forests) / sizeof(forests[0]); i++) {
		const struct grow_options *o = &forests[i];
		double phi[MAX_FEATURES + 1];
		float row[MAX_FEATURES];
		struct random r;

		random_seed(&r, i);
		if (grown_forest(g, i + 7, o) < 0)
			fail_msg("forest %zu: %s", i, g->err.text);
		if (o->one_path && g->forest.max_depth != o->depth)
			fail_msg("forest %zu: depth %u", i, g->forest.max_depth);
		for (int n = 0; n < 10; n++) {
			grown_row(&r, o, row);
			forest_explain(&g->forest, row, scratch, phi);
			for (unsigned j = 0; j < o->features; j++) {
				double expected = shapley(g, row, o->features, j);

				if (!(fabs(phi[j] - expected) <= 1e-6))
					fail_msg("forest %zu, row %d, feature %u: %.9g, not %.9g",
					         i, n, j, phi[j], expected);
			}
		}
		grown_done(g);
	}
}

static void test_reference_and_additivity(void **state)
{
	static const struct grow_options forests[] = {
		{ .trees = 40, .features = 10, .depth = 8 },
		{ .trees = 40, .features = 3, .depth = 8, .odd_values = true },
		{ .trees = 20, .features = 40, .depth = 10, .categorical = true },
		{ .trees = 5, .features = 60, .depth = 64, .one_path = true },
		{ .trees = 5, .features = 2, .depth = 64, .one_path = true, .odd_values = true },
	};
	struct grown *g = *state;

	for (size_t i = 0; i < sizeof(forests) / sizeof(forests[0]); i++) {
		const struct grow_options *o = &forests[i];
		double phi[MAX_FEATURES + 1];
		double expected[MAX_FEATURES + 1];
		float row[MAX_FEATURES];
		struct random r;

		random_seed(&r, i);
		if (grown_forest(g, i + 31, o) < 0)
			fail_msg("forest %zu: %s", i, g->err.text);
		if (o->one_path && g->forest.max_depth != o->depth)
			fail_msg("forest %zu: depth %u", i, g->forest.max_depth);
		for (int n = 0; n < 20; n++) {
			double margin;
			double sum = 0;

			grown_row(&r, o, row);
			reference_margin(&g->forest, row, &margin);
			reference_explain(&g->forest, row, expected);
			forest_explain(&g->forest, row, scratch, phi);
			for (unsigned j = 0; j <= o->features; j++) {
				sum += phi[j];
				if (!(fabs(phi[j] - expected[j]) <= 1e-9 * fmax(1, fabs(margin))))
					fail_msg("forest %zu, row %d, feature %u: %.12g, not %.12g",
					         i, n, j, phi[j], expected[j]);
			}
			if (!(fabs(sum - margin) <= 1e-9 * fmax(1, fabs(margin))))
				fail_msg("forest %zu, row %d: sum %.12g, margin %.12g", i, n, sum,
				         margin);
		}
		grown_done(g);
	}
}

/* The same row gives the same bits whatever the scratch memory held before. */
static void test_scratch_does_not_matter(void **state)
{
	static const struct grow_options o = { .trees = 20, .features = 5, .depth = 7 };
	struct grown *g = *state;
	double once[MAX_FEATURES + 1];
	double again[MAX_FEATURES + 1];
	float row[MAX_FEATURES];
	struct random r;

	random_seed(&r, 1);
	assert_int_equal(grown_forest(g, 1, &o), 0);
	grown_row(&r, &o, row);
	memset(scratch, 0xff, forest_scratch_size(&g->forest));
	forest_explain(&g->forest, row, scratch, once);
	memset(scratch, 0x55, forest_scratch_size(&g->forest));
	forest_explain(&g->forest, row, scratch, again);
	assert_memory_equal(once, again, 6 * sizeof(double));
	grown_done(g);
}

/* A leaf explains nothing; a feature that no split asks for has no part. */
static void test_nothing_to_explain(void **state)
{
	static const struct grow_options o = { .trees = 2, .features = 3, .depth = 0 };
	struct grown *g = *state;
	float row[3] = { 1, NAN, 2 };
	double phi[4];

	assert_int_equal(grown_forest(g, 1, &o), 0);
	forest_explain(&g->forest, row, scratch, phi);
	for (int j = 0; j < 3; j++)
		assert_true(phi[j] == 0);
	assert_true(fabs(phi[3] - (double)forest_margin(&g->forest, row)) < 1e-6);
	grown_done(g);
}

int main(void)
{
	static struct grown grown;
	void *state = &grown;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_definition, state),
		cmocka_unit_test_prestate(test_reference_and_additivity, state),
		cmocka_unit_test_prestate(test_scratch_does_not_matter, state),
		cmocka_unit_test_prestate(test_nothing_to_explain, state),
	};
	int failed;

	scratch = aligned_alloc(64, forest_scratch_size(NULL));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(scratch);
	return failed;
}
