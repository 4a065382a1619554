/*
 * One tree of a document to a checked one. The arrays come from outside and may say anything:
 * lists of different length, children that do not exist, a child with two parents, a circle, a
 * leaf that is no number. The walk from the root meets every node once or refuses, checks what it
 * meets, and writes the nodes in preorder. Called by document.c at the end of each tree object.
 */
#include "forest/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A child that waits to be written. */
struct pending {
	uint32_t node; /* in the file */
	uint32_t parent; /* where its parent was written */
	uint32_t depth;
	bool right;
};

struct import {
	struct raw_tree *raw;
	uint32_t index;
	struct tree_budget *budget;
	struct forest_model_tree *tree;
	struct errbuf *err;
	size_t category_entry; /* the categorical split looked for last, plus one */
	size_t category_room;
	struct pending stack[FOREST_MAX_DEPTH + 2];
	unsigned waiting;
	uint32_t path[FOREST_MAX_DEPTH]; /* features of the splits above */
	bool repeats[FOREST_MAX_DEPTH]; /* whose feature stood above already */
};

void raw_tree_reset(struct raw_tree *raw)
{
	struct ints *ints[] = { &raw->left,	  &raw->right,		&raw->feature,
				&raw->default_left, &raw->split_type,	&raw->categories,
				&raw->category_nodes, &raw->category_segments,
				&raw->category_sizes };

	for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++)
		ints[i]->n = 0;
	raw->value.n = 0;
	raw->cover.n = 0;
	raw->node_count = (struct str){ 0 };
	raw->leaf_size = (struct str){ 0 };
}

void raw_tree_done(struct raw_tree *raw)
{
	free(raw->left.v);
	free(raw->right.v);
	free(raw->feature.v);
	free(raw->default_left.v);
	free(raw->split_type.v);
	free(raw->categories.v);
	free(raw->category_nodes.v);
	free(raw->category_segments.v);
	free(raw->category_sizes.v);
	free(raw->value.v);
	free(raw->cover.v);
	free(raw->seen);
	*raw = (struct raw_tree){ 0 };
}

#define BAD_NODE(im, node, format, ...)                                                            \
	errbuf_set((im)->err, -EBADMSG, "tree %u, node %u: " format, (im)->index, (node), __VA_ARGS__)

static int check_leaf_size(const struct import *im)
{
	struct str size = im->raw->leaf_size;

	if (!size.p || str_is(size, "0") || str_is(size, "1"))
		return 0;
	return errbuf_set(im->err, -EOPNOTSUPP,
			  "tree %u: leaves are vectors (size_leaf_vector \"%.*s\"); only scalar "
			  "leaves are served",
			  im->index, STR_ARGS(size));
}

static int check_length(const struct import *im, const char *name, size_t n, bool optional)
{
	size_t nodes = im->raw->left.n;

	if (n == nodes || (optional && n == 0))
		return 0;
	return errbuf_set(im->err, -EBADMSG,
			  "tree %u: \"%s\" has %zu elements, \"left_children\" has %zu", im->index,
			  name, n, nodes);
}

static int check_lengths(const struct import *im)
{
	const struct raw_tree *raw = im->raw;
	unsigned long long claimed = raw->left.n;
	int r;

	if (raw->left.n == 0)
		return errbuf_set(im->err, -EBADMSG, "tree %u: no nodes", im->index);
	if (raw->left.n > im->budget->nodes)
		return errbuf_set(im->err, -E2BIG, "tree %u: more nodes than allowed", im->index);
	if (raw->node_count.p &&
	    (str_to_u64(raw->node_count, &claimed) < 0 || claimed != raw->left.n))
		return errbuf_set(im->err, -EBADMSG,
				  "tree %u: \"num_nodes\" is \"%.*s\", \"left_children\" has %zu",
				  im->index, STR_ARGS(raw->node_count), raw->left.n);
	r = check_length(im, "right_children", raw->right.n, false);
	r = r ? r : check_length(im, "split_indices", raw->feature.n, false);
	r = r ? r : check_length(im, "split_conditions", raw->value.n, false);
	r = r ? r : check_length(im, "default_left", raw->default_left.n, false);
	r = r ? r : check_length(im, "sum_hessian", raw->cover.n, false);
	return r ? r : check_length(im, "split_type", raw->split_type.n, true);
}

/* categories_nodes, _segments and _sizes describe one categorical split an element. */
static int check_categories(const struct import *im)
{
	const struct raw_tree *raw = im->raw;
	size_t n = raw->category_nodes.n;

	if (raw->category_segments.n != n || raw->category_sizes.n != n)
		return errbuf_set(im->err, -EBADMSG,
				  "tree %u: \"categories_nodes\", \"categories_segments\" and "
				  "\"categories_sizes\" have %zu, %zu and %zu elements",
				  im->index, n, raw->category_segments.n, raw->category_sizes.n);
	for (size_t i = 1; i < n; i++)
		if (raw->category_nodes.v[i] <= raw->category_nodes.v[i - 1])
			return errbuf_set(im->err, -EBADMSG,
					  "tree %u: \"categories_nodes\" does not rise at element "
					  "%zu",
					  im->index, i);
	return 0;
}

static int compare_int(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The categories of a split that go right: a run of raw->categories. */
static int find_categories(const struct import *im, uint32_t node, const int64_t **ret, size_t *ret_n)
{
	const struct raw_tree *raw = im->raw;
	int64_t key = node;
	const int64_t *hit = NULL;
	int64_t begin;
	int64_t n;

	if (raw->category_nodes.n)
		hit = bsearch(&key, raw->category_nodes.v, raw->category_nodes.n, sizeof(key),
			      compare_int);
	if (!hit)
		return BAD_NODE(im, node, "categorical split without %s", "categories");
	begin = raw->category_segments.v[hit - raw->category_nodes.v];
	n = raw->category_sizes.v[hit - raw->category_nodes.v];
	if (begin < 0 || n < 1 || (uint64_t)begin > raw->categories.n ||
	    (uint64_t)n > raw->categories.n - (uint64_t)begin)
		return BAD_NODE(im, node,
				"categories %" PRId64 "..%" PRId64 "+%" PRId64 " outside 0..%zu",
				begin, begin, n, raw->categories.n);
	*ret = raw->categories.v + begin;
	*ret_n = (size_t)n;
	return 0;
}

/* Room for one more set in the tree's words. */
static int grow_words(struct import *im, size_t more)
{
	struct forest_model_tree *t = im->tree;
	size_t needed = t->category_words + more;
	uint32_t *grown;

	if (more > im->budget->category_words)
		return errbuf_set(im->err, -E2BIG, "tree %u: category sets take too much memory",
				  im->index);
	im->budget->category_words -= more;
	if (needed > im->category_room) {
		size_t room = needed * 2;

		grown = reallocarray(t->categories, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		t->categories = grown;
		im->category_room = room;
	}
	memset(t->categories + t->category_words, 0, more * sizeof(*grown));
	return 0;
}

static int write_set(struct import *im, uint32_t node, struct forest_node *out)
{
	struct forest_model_tree *t = im->tree;
	const int64_t *categories = NULL;
	int64_t highest = 0;
	uint32_t *set;
	size_t n = 0;
	int r = find_categories(im, node, &categories, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (categories[i] < 0 || categories[i] >= FOREST_MAX_CATEGORY)
			return BAD_NODE(im, node, "category %" PRId64 " is outside 0..%d",
					categories[i], FOREST_MAX_CATEGORY - 1);
		highest = categories[i] > highest ? categories[i] : highest;
	}
	r = grow_words(im, (size_t)highest / 32 + 2);
	if (r < 0)
		return r;
	set = t->categories + t->category_words;
	set[0] = (uint32_t)(highest / 32 + 1);
	for (size_t i = 0; i < n; i++)
		set[1 + categories[i] / 32] |= (uint32_t)1 << (categories[i] % 32);
	out->set = t->category_words;
	t->category_words += set[0] + 1;
	return 0;
}

/* Cover of the left child over that of both. Nothing of the training data came to either: half. */
static int share(const struct import *im, uint32_t node, uint32_t left, double *ret)
{
	double l = (double)im->raw->cover.v[left];
	double r = (double)im->raw->cover.v[left + 1];

	if (!(isfinite(l) && isfinite(r) && l >= 0 && r >= 0))
		return BAD_NODE(im, node, "covers of its children are %g and %g", l, r);
	*ret = l + r > 0 ? l / (l + r) : 0.5;
	return 0;
}

static int check_children(const struct import *im, uint32_t node)
{
	const struct raw_tree *raw = im->raw;
	int64_t last = (int64_t)raw->left.n - 1;
	int64_t left = raw->left.v[node];
	int64_t right = raw->right.v[node];

	if (left < 0 || left > last)
		return BAD_NODE(im, node, "left child %" PRId64 " is outside 0..%" PRId64, left,
				last);
	if (right < 0 || right > last)
		return BAD_NODE(im, node, "right child %" PRId64 " is outside 0..%" PRId64, right,
				last);
	if (right != left + 1)
		return BAD_NODE(im, node,
				"right child %" PRId64 " does not follow left child %" PRId64,
				right, left);
	return 0;
}

static int check_feature(struct import *im, uint32_t node)
{
	struct forest_model_tree *t = im->tree;
	int64_t feature = im->raw->feature.v[node];

	if (feature < 0 || feature > INT32_MAX)
		return BAD_NODE(im, node, "feature %" PRId64 " is impossible", feature);
	if (feature >= t->max_feature) {
		t->max_feature = (uint32_t)feature;
		t->max_feature_node = node;
	}
	return 0;
}

/* 0 or 1 of an optional list. */
static int flag(const struct import *im, const struct ints *list, const char *name, uint32_t node,
		bool *ret)
{
	int64_t v = list->n ? list->v[node] : 0;

	if (v != 0 && v != 1)
		return BAD_NODE(im, node, "\"%s\" is %" PRId64 ", not 0 or 1", name, v);
	*ret = v;
	return 0;
}

static uint8_t nearest_above(const struct import *im, uint32_t depth, uint32_t feature)
{
	for (uint32_t d = depth; d > 0; d--)
		if (im->path[d - 1] == feature)
			return (uint8_t)(d - 1);
	return FOREST_NO_ANCESTOR;
}

static void push(struct import *im, uint32_t node, uint32_t parent, uint32_t depth, bool right)
{
	im->stack[im->waiting++] = (struct pending){ node, parent, depth, right };
}

static int write_condition(struct import *im, uint32_t node, struct forest_node *out)
{
	bool categorical = false;
	bool default_left = false;
	int r = flag(im, &im->raw->split_type, "split_type", node, &categorical);

	r = r ? r : flag(im, &im->raw->default_left, "default_left", node, &default_left);
	if (r < 0)
		return r;
	out->flags = (uint8_t)((default_left ? FOREST_DEFAULT_LEFT : 0) |
			       (categorical ? FOREST_CATEGORICAL : 0));
	if (categorical)
		return write_set(im, node, out);
	out->value = im->raw->value.v[node];
	if (isnan(out->value))
		return BAD_NODE(im, node, "threshold is %s", "not a number");
	return 0;
}

static int write_split(struct import *im, uint32_t node, uint32_t depth, struct forest_node *out)
{
	uint32_t here = im->tree->node_count;
	uint32_t left;
	int r;

	if (depth >= im->budget->max_depth)
		return errbuf_set(im->err, -E2BIG, "tree %u, node %u: deeper than %u splits",
				  im->index, node, im->budget->max_depth);
	r = check_children(im, node);
	r = r ? r : check_feature(im, node);
	r = r ? r : write_condition(im, node, out);
	if (r < 0)
		return r;
	left = (uint32_t)im->raw->left.v[node];
	out->feature = (uint32_t)im->raw->feature.v[node];
	out->ancestor = nearest_above(im, depth, out->feature);
	im->path[depth] = out->feature;
	im->repeats[depth] = out->ancestor != FOREST_NO_ANCESTOR;
	push(im, left + 1, here, depth + 1, true);
	push(im, left, here, depth + 1, false);
	return share(im, node, left, &im->tree->shares[here]);
}

static int write_leaf(struct import *im, uint32_t node, uint32_t depth, struct forest_node *out)
{
	struct forest_model_tree *t = im->tree;
	uint32_t unique = depth;

	if (im->raw->right.v[node] != -1)
		return BAD_NODE(im, node, "no left child, but right child %" PRId64,
				im->raw->right.v[node]);
	out->value = im->raw->value.v[node];
	if (!isfinite(out->value))
		return BAD_NODE(im, node, "leaf value %g is not finite", (double)out->value);
	for (uint32_t d = 0; d < depth; d++)
		unique -= im->repeats[d];
	t->unique = unique > t->unique ? unique : t->unique;
	t->depth = depth > t->depth ? depth : t->depth;
	return 0;
}

static int write_node(struct import *im, struct pending p)
{
	struct forest_model_tree *t = im->tree;
	struct forest_node *out = &t->nodes[t->node_count];
	int r;

	if (im->raw->seen[p.node])
		return BAD_NODE(im, p.node, "reached twice: %s", "a circle, or a child of two splits");
	im->raw->seen[p.node] = 1;
	if (p.right)
		t->nodes[p.parent].right = t->node_count - p.parent;
	*out = (struct forest_node){ 0 };
	t->shares[t->node_count] = 0;
	r = im->raw->left.v[p.node] == -1 ? write_leaf(im, p.node, p.depth, out) :
					    write_split(im, p.node, p.depth, out);
	t->node_count++;
	return r;
}

static int walk(struct import *im)
{
	int r = 0;

	push(im, 0, 0, 0, false);
	while (im->waiting > 0 && r == 0)
		r = write_node(im, im->stack[--im->waiting]);
	return r;
}

static int prepare(struct import *im, struct arena *a)
{
	struct raw_tree *raw = im->raw;
	size_t n = raw->left.n;

	if (raw->seen_room < n) {
		free(raw->seen);
		raw->seen_room = 0;
		raw->seen = malloc(n);
		if (!raw->seen)
			return -ENOMEM;
		raw->seen_room = n;
	}
	memset(raw->seen, 0, n);
	im->tree->nodes = arena_alloc(a, n * sizeof(*im->tree->nodes));
	im->tree->shares = arena_alloc(a, n * sizeof(*im->tree->shares));
	return arena_failed(a) ? -ENOMEM : 0;
}

int tree_import(struct raw_tree *raw, uint32_t index, struct tree_budget *budget, struct arena *a,
		struct forest_model_tree *ret, struct errbuf *err)
{
	struct forest_model_tree tree = { 0 };
	struct import im = {
		.raw = raw, .index = index, .budget = budget, .tree = &tree, .err = err
	};
	uint32_t *words;
	int r = check_leaf_size(&im);

	r = r ? r : check_lengths(&im);
	r = r ? r : check_categories(&im);
	r = r ? r : prepare(&im, a);
	r = r ? r : walk(&im);
	words = tree.categories;
	if (r == 0 && tree.category_words) {
		tree.categories = arena_memdup(a, words, tree.category_words * sizeof(*words));
		r = tree.categories ? 0 : -ENOMEM;
	}
	free(words);
	if (r < 0)
		return r;
	budget->nodes -= raw->left.n;
	*ret = tree;
	return 0;
}
