/*
 * For tests: random forests in the document's own arrays, with a walk over just these arrays to
 * compare with, and their way through tree_import() and forest_image_build().
 */
#ifndef TEST_FOREST_GROWN_H
#define TEST_FOREST_GROWN_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "forest/build.h"
#include "forest/forest.h"
#include "forest/image.h"
#include "forest/model.h"
#include "forest/tree.h"

#define GROWN_MAX_TREES 64

struct grown {
	struct raw_tree raw[GROWN_MAX_TREES];
	struct forest_model model;
	struct forest_model_tree trees[GROWN_MAX_TREES];
	struct arena arena;
	void *image;
	struct forest forest;
	struct errbuf err;
};

struct grow_options {
	unsigned trees, features, depth;
	bool categorical; /* odd features have categories 0..99 */
	bool odd_values;  /* thresholds and covers that are infinite, denormal, zero */
	bool one_path;    /* each split has a leaf on one side: deep trees stay small */
};

static inline void grown_add_int(struct ints *list, int64_t v)
{
	if (ints_reserve(list, 1, 1 << 20) < 0)
		abort();
	list->v[list->n++] = v;
}

static inline void grown_add_float(struct floats *list, float v)
{
	if (floats_reserve(list, 1, 1 << 20) < 0)
		abort();
	list->v[list->n++] = v;
}

static inline uint32_t grown_add_node(struct raw_tree *t)
{
	grown_add_int(&t->left, -1);
	grown_add_int(&t->right, -1);
	grown_add_int(&t->feature, 0);
	grown_add_int(&t->default_left, 0);
	grown_add_int(&t->split_type, 0);
	grown_add_float(&t->value, 0);
	grown_add_float(&t->cover, 0);
	return (uint32_t)t->left.n - 1;
}

static inline float grown_threshold(struct random *r, const struct grow_options *o)
{
	static const float odd[] = { -INFINITY, INFINITY, 0.0f, -0.0f, 1e-45f, -1e-45f, 3e38f };

	if (o->odd_values && random_below(r, 3) == 0)
		return odd[random_below(r, sizeof(odd) / sizeof(odd[0]))];
	return (float)((double)random_below(r, 13) / 4 - 1.5);
}

static inline void grown_add_categories(struct raw_tree *t, uint32_t node, struct random *r)
{
	int64_t n = 1 + (int64_t)random_below(r, 12);

	grown_add_int(&t->category_nodes, node);
	grown_add_int(&t->category_segments, (int64_t)t->categories.n);
	grown_add_int(&t->category_sizes, n);
	for (int64_t i = 0; i < n; i++)
		grown_add_int(&t->categories, (int64_t)random_below(r, 100));
	t->split_type.v[node] = 1;
}

/* Splits the node or makes it a leaf; its children come later, in order of their numbers. */
static inline void grown_settle(struct raw_tree *t, uint32_t node, unsigned depth, struct random *r,
                                const struct grow_options *o)
{
	double cover = (double)t->cover.v[node];
	double left = cover * random_unit(r);
	uint32_t child;

	if (depth >= o->depth || (depth > 0 && !o->one_path && random_below(r, 8) == 0)) {
		t->value.v[node] = (float)random_normal(r);
		return;
	}
	if (o->odd_values && random_below(r, 5) == 0)
		left = random_below(r, 2) ? 0 : cover;
	child = grown_add_node(t);
	grown_add_node(t);
	t->left.v[node] = child;
	t->right.v[node] = child + 1;
	t->feature.v[node] = (int64_t)random_below(r, o->features);
	t->default_left.v[node] = (int64_t)random_below(r, 2);
	t->value.v[node] = grown_threshold(r, o);
	t->cover.v[child] = (float)left;
	t->cover.v[child + 1] = (float)(cover - left);
	if (o->categorical && t->feature.v[node] % 2)
		grown_add_categories(t, node, r);
}

static inline void grown_tree(struct raw_tree *t, struct random *r, const struct grow_options *o)
{
	unsigned *depths = calloc(1 << 20, sizeof(*depths));

	if (!depths)
		abort();
	raw_tree_reset(t);
	grown_add_node(t);
	t->cover.v[0] = 1000;
	for (uint32_t i = 0; i < t->left.n; i++) {
		grown_settle(t, i, depths[i], r, o);
		if (t->left.v[i] < 0)
			continue;
		depths[t->left.v[i]] = depths[i] + 1;
		depths[t->right.v[i]] = depths[i] + 1;
		if (o->one_path)
			depths[t->left.v[i] + (int64_t)random_below(r, 2)] = o->depth;
	}
	free(depths);
}

static inline int grown_build(struct grown *g, unsigned trees, unsigned features)
{
	struct tree_budget budget = { 1 << 24, 1 << 24, FOREST_MAX_DEPTH };
	size_t size;
	int r = 0;

	g->model.trees = g->trees;
	g->model.tree_count = trees;
	g->model.feature_count = features;
	for (uint32_t t = 0; t < trees && r == 0; t++)
		r = tree_import(&g->raw[t], t, &budget, &g->arena, &g->trees[t], &g->err);
	if (r < 0)
		return r;
	size = forest_image_size(&g->model);
	g->image = aligned_alloc(64, size);
	r = forest_image_build(&g->model, g->image, &g->err);
	return r ? r : forest_open(g->image, size, &g->forest, &g->err);
}

static inline int grown_forest(struct grown *g, uint64_t seed, const struct grow_options *o)
{
	struct random r;

	random_seed(&r, seed);
	for (unsigned t = 0; t < o->trees; t++)
		grown_tree(&g->raw[t], &r, o);
	g->model.base_margin = 0.25f;
	return grown_build(g, o->trees, o->features);
}

static inline void grown_done(struct grown *g)
{
	for (unsigned t = 0; t < GROWN_MAX_TREES; t++)
		raw_tree_done(&g->raw[t]);
	arena_done(&g->arena);
	free(g->image);
	memset(g, 0, sizeof(*g));
}

static inline void grown_row(struct random *r, const struct grow_options *o, float *ret)
{
	static const float odd[] = { NAN, -INFINITY, INFINITY, -0.0f, 0.0f, 1e-45f, 2e7f, -0.5f };

	for (unsigned f = 0; f < o->features; f++) {
		ret[f] = (float)((double)random_below(r, 13) / 4 - 1.5);
		if (o->categorical && f % 2)
			ret[f] = (float)random_below(r, 110) + (random_below(r, 9) ? 0.0f : 0.75f);
		if (random_below(r, 5) == 0)
			ret[f] = odd[random_below(r, sizeof(odd) / sizeof(odd[0]))];
	}
}

/* ---- the naive walk ---- */

static inline bool grown_in_set(const struct raw_tree *t, uint32_t node, float x)
{
	for (size_t k = 0; k < t->category_nodes.n; k++) {
		if (t->category_nodes.v[k] != node)
			continue;
		for (int64_t i = 0; i < t->category_sizes.v[k]; i++)
			if ((float)t->categories.v[t->category_segments.v[k] + i] == truncf(x))
				return true;
	}
	return false;
}

static inline bool grown_left(const struct raw_tree *t, uint32_t node, const float *row)
{
	float x = row[t->feature.v[node]];

	if (isnan(x))
		return t->default_left.v[node];
	if (t->split_type.n && t->split_type.v[node])
		return x < 0 || x >= 16777216.0f || !grown_in_set(t, node, x);
	return x < t->value.v[node];
}

static inline float grown_leaf(const struct raw_tree *t, const float *row)
{
	uint32_t node = 0;

	while (t->left.v[node] != -1)
		node = (uint32_t)(grown_left(t, node, row) ? t->left.v[node] : t->right.v[node]);
	return t->value.v[node];
}

static inline float grown_margin(const struct grown *g, const float *row)
{
	float sum = g->model.base_margin;

	for (uint32_t t = 0; t < g->model.tree_count; t++)
		sum += grown_leaf(&g->raw[t], row);
	return sum;
}

#endif
