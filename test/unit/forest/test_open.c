/* A damaged image is refused, whatever byte is wrong; a sound one works wherever it lies. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "grown.h"

/* A forest with all there is: numbers, categories, repeated features, a single leaf. */
static void grow(struct grown *g)
{
	static const struct grow_options o = {
		.trees = 6, .features = 3, .depth = 5, .categorical = true
	};

	if (grown_forest(g, 5, &o) < 0)
		fail_msg("%s", g->err.text);
}

static struct forest_header *header(const struct grown *g)
{
	return g->image;
}

static struct forest_node *node(const struct grown *g, uint32_t i)
{
	return (struct forest_node *)(void *)((char *)g->image + header(g)->nodes_at) + i;
}

static struct forest_tree *tree(const struct grown *g, uint32_t i)
{
	return (struct forest_tree *)(void *)((char *)g->image + header(g)->trees_at) + i;
}

static double *shares(const struct grown *g)
{
	return (double *)(void *)((char *)g->image + header(g)->shares_at);
}

static struct forest_point *points(const struct grown *g)
{
	return (struct forest_point *)(void *)((char *)g->image + header(g)->points_at);
}

static uint32_t first_categorical(const struct grown *g)
{
	uint32_t i = 0;

	while (!(node(g, i)->flags & FOREST_CATEGORICAL))
		i++;
	return i;
}

static uint32_t first_number(const struct grown *g)
{
	uint32_t i = 0;

	while (!node(g, i)->right || node(g, i)->flags & FOREST_CATEGORICAL)
		i++;
	return i;
}

static uint32_t first_leaf(const struct grown *g)
{
	uint32_t i = 0;

	while (node(g, i)->right)
		i++;
	return i;
}

static uint32_t first_repeated(const struct grown *g)
{
	uint32_t i = 0;

	while (!node(g, i)->right || node(g, i)->ancestor == FOREST_NO_ANCESTOR)
		i++;
	return i;
}

#define DAMAGES(X)                                                                                 \
	X(magic, header(g)->magic[0] = 'X', -EBADMSG)                                              \
	X(abi, header(g)->abi++, -EPROTONOSUPPORT)                                                 \
	X(objective, header(g)->objective = FOREST_OBJECTIVE_MAX, -EBADMSG)                        \
	X(size, header(g)->size += 64, -EBADMSG)                                                   \
	X(trees_at, header(g)->trees_at += 64, -EBADMSG)                                           \
	X(nodes_at, header(g)->nodes_at = (uint64_t)0 - 64, -EBADMSG)                              \
	X(shares_at, header(g)->shares_at = header(g)->nodes_at, -EBADMSG)                         \
	X(categories_at, header(g)->categories_at += 1, -EBADMSG)                                  \
	X(points_at, header(g)->points_at = header(g)->size, -EBADMSG)                             \
	X(tree_count, header(g)->tree_count--, -EBADMSG)                                           \
	X(no_trees, header(g)->tree_count = 0, -EBADMSG)                                           \
	X(node_count, header(g)->node_count--, -EBADMSG)                                           \
	X(many_nodes, header(g)->node_count = UINT32_MAX, -EBADMSG)                                \
	X(category_words, header(g)->category_words = UINT32_MAX, -EBADMSG)                        \
	X(few_features, header(g)->feature_count = 1, -EBADMSG)                                    \
	X(no_features, header(g)->feature_count = 0, -EBADMSG)                                     \
	X(max_depth, header(g)->max_depth = 1, -EBADMSG)                                           \
	X(huge_depth, header(g)->max_depth = 65, -EBADMSG)                                         \
	X(max_points, header(g)->max_points = 33, -EBADMSG)                                        \
	X(few_points, header(g)->max_points = 0, -EBADMSG)                                         \
	X(base_margin, header(g)->base_margin = NAN, -EBADMSG)                                     \
	X(bias, header(g)->bias = INFINITY, -EBADMSG)                                              \
	X(header_zero, header(g)->zero[3] = 1, -EBADMSG)                                           \
	X(tree_first, tree(g, 1)->first++, -EBADMSG)                                               \
	X(tree_count_less, tree(g, 1)->count--, -EBADMSG)                                          \
	X(tree_count_more, tree(g, 5)->count++, -EBADMSG)                                          \
	X(tree_count_huge, tree(g, 0)->count = UINT32_MAX, -EBADMSG)                               \
	X(tree_empty, tree(g, 0)->count = 0, -EBADMSG)                                             \
	X(tree_depth, tree(g, 2)->depth++, -EBADMSG)                                               \
	X(tree_points, tree(g, 2)->points++, -EBADMSG)                                             \
	X(tree_zero, tree(g, 2)->zero = 1, -EBADMSG)                                               \
	X(right_self, node(g, 0)->right = 1, -EBADMSG)                                             \
	X(right_beyond, node(g, 0)->right = tree(g, 0)->count, -EBADMSG)                           \
	X(right_huge, node(g, 0)->right = UINT32_MAX, -EBADMSG)                                    \
	X(right_early, node(g, 0)->right--, -EBADMSG)                                              \
	X(right_late, node(g, 0)->right++, -EBADMSG)                                               \
	X(split_to_leaf, node(g, 0)->right = 0, -EBADMSG)                                          \
	X(leaf_to_split, node(g, first_leaf(g))->right = 2, -EBADMSG)                              \
	X(last_to_split, node(g, tree(g, 0)->count - 1)->right = 2, -EBADMSG)                      \
	X(feature, node(g, 0)->feature = 3, -EBADMSG)                                              \
	X(ancestor, node(g, 0)->ancestor = 0, -EBADMSG)                                            \
	X(ancestor_lost, node(g, first_repeated(g))->ancestor = 255, -EBADMSG)                     \
	X(ancestor_beyond, node(g, first_repeated(g))->ancestor = 64, -EBADMSG)                    \
	X(flags, node(g, 0)->flags |= 4, -EBADMSG)                                                 \
	X(node_zero, node(g, 0)->zero = 1, -EBADMSG)                                               \
	X(threshold, node(g, first_number(g))->value = NAN, -EBADMSG)                              \
	X(leaf_nan, node(g, first_leaf(g))->value = NAN, -EBADMSG)                                 \
	X(leaf_inf, node(g, first_leaf(g))->value = INFINITY, -EBADMSG)                            \
	X(leaf_feature, node(g, first_leaf(g))->feature = 1, -EBADMSG)                             \
	X(set_beyond, node(g, first_categorical(g))->set = header(g)->category_words, -EBADMSG)    \
	X(set_huge, node(g, first_categorical(g))->set = UINT32_MAX, -EBADMSG)                     \
	X(set_too_long, node(g, first_categorical(g))->set = header(g)->category_words - 1,        \
	  -EBADMSG)                                                                                \
	X(share_negative, shares(g)[0] = -0.1, -EBADMSG)                                           \
	X(share_above, shares(g)[0] = 1.1, -EBADMSG)                                               \
	X(share_nan, shares(g)[0] = NAN, -EBADMSG)                                                 \
	X(point_zero, points(g)[1].t = 0, -EBADMSG)                                                \
	X(point_nan, points(g)[0].t = NAN, -EBADMSG)                                               \
	X(weight, points(g)[0].weight = -1, -EBADMSG)

#define FUNCTION(name, change, r)                                                                  \
	static void damage_##name(struct grown *g)                                                 \
	{                                                                                          \
		change;                                                                            \
	}
DAMAGES(FUNCTION)

static const struct {
	const char *name;
	void (*damage)(struct grown *g);
	int r;
} damages[] = {
#define ROW(name, change, r) { #name, damage_##name, r },
	DAMAGES(ROW)
};

static void test_damaged(void **state)
{
	struct grown *g = *state;

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct forest f = { 0 };
		struct errbuf err = { "" };
		size_t size;
		int r;

		grow(g);
		size = header(g)->size;
		damages[i].damage(g);
		r = forest_open(g->image, size, &f, &err);
		if (r != damages[i].r || err.text[0] == '\0' || f.header)
			fail_msg("%s: %d (%s)", damages[i].name, r, err.text);
		grown_done(g);
	}
}

static void test_wrong_size_or_place(void **state)
{
	struct grown *g = *state;
	struct forest f;
	struct errbuf err;
	size_t size;

	grow(g);
	size = header(g)->size;
	assert_int_equal(forest_open(g->image, size - 1, &f, &err), -EBADMSG);
	assert_int_equal(forest_open(g->image, size - 64, &f, &err), -EBADMSG);
	assert_int_equal(forest_open(g->image, 64, &f, &err), -EBADMSG);
	assert_int_equal(forest_open(g->image, 0, &f, &err), -EBADMSG);
	assert_int_equal(forest_open((char *)g->image + 8, size - 8, &f, &err), -EBADMSG);
	grown_done(g);
}

/* The same bytes elsewhere give the same bits. */
static void test_position_independent(void **state)
{
	struct grown *g = *state;
	float row[3] = { 0.5f, 7, -1 };
	double phi[2][4];
	void *scratch;
	struct forest moved;
	size_t size;
	void *copy;

	grow(g);
	size = header(g)->size;
	copy = aligned_alloc(64, size);
	memcpy(copy, g->image, size);
	assert_int_equal(forest_open(copy, size, &moved, &g->err), 0);
	scratch = aligned_alloc(64, forest_scratch_size(&moved));
	assert_true(forest_margin(&moved, row) == forest_margin(&g->forest, row));
	forest_explain(&g->forest, row, scratch, phi[0]);
	memset(g->image, 0, size);
	forest_explain(&moved, row, scratch, phi[1]);
	assert_memory_equal(phi[0], phi[1], sizeof(phi[0]));
	free(copy);
	free(scratch);
	grown_done(g);
}

/* The same model gives the same bytes: an image can be compared by its digest. */
static void test_reproducible(void **state)
{
	struct grown *g = *state;
	size_t size;
	void *again;

	grow(g);
	size = forest_image_size(&g->model);
	assert_int_equal(size, header(g)->size);
	assert_int_equal(size % 64, 0);
	again = aligned_alloc(64, size);
	memset(again, 0xff, size);
	assert_int_equal(forest_image_build(&g->model, again, &g->err), 0);
	assert_memory_equal(again, g->image, size);
	free(again);
	grown_done(g);
}

int main(void)
{
	static struct grown grown;
	void *state = &grown;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_damaged, state),
		cmocka_unit_test_prestate(test_wrong_size_or_place, state),
		cmocka_unit_test_prestate(test_position_independent, state),
		cmocka_unit_test_prestate(test_reproducible, state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
