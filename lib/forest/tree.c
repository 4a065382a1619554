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

#include "forest/category_sets.h"

/* A child that waits to be written. */
struct pending {
	uint32_t node;   /* in the file */
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
	struct category_sets sets;
	struct pending stack[FOREST_MAX_DEPTH + 2];
	unsigned waiting;
	uint32_t path[FOREST_MAX_DEPTH]; /* features of the splits above */
	bool repeats[FOREST_MAX_DEPTH];  /* whose feature stood above already */
};

#define BAD_NODE(im, node, format, ...)                                                            \
	errbuf_set((im)->err, -EBADMSG, "tree %u, node %u: " format, (im)->index, (node),          \
	           __VA_ARGS__)

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
		return category_sets_add(&im->sets, node, &out->set);
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
		return BAD_NODE(im, p.node, "reached twice: %s",
		                "a circle, or a child of two splits");
	im->raw->seen[p.node] = 1;
	if (p.right)
		t->nodes[p.parent].right = t->node_count - p.parent;
	*out = (struct forest_node){ 0 };
	t->shares[t->node_count] = 0;
	r = im->raw->left.v[p.node] == -1 ? write_leaf(im, p.node, p.depth, out)
	                                  : write_split(im, p.node, p.depth, out);
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

static int keep_sets(struct import *im, struct arena *a)
{
	struct category_sets *s = &im->sets;

	if (s->n == 0)
		return 0;
	im->tree->category_words = (uint32_t)s->n;
	im->tree->categories = arena_memdup(a, s->words, s->n * sizeof(*s->words));
	return im->tree->categories ? 0 : -ENOMEM;
}

int tree_import(struct raw_tree *raw, uint32_t index, struct tree_budget *budget, struct arena *a,
                struct forest_model_tree *ret, struct errbuf *err)
{
	struct forest_model_tree tree = { 0 };
	struct import im = {
		.raw = raw, .index = index, .budget = budget, .tree = &tree, .err = err
	};
	int r = check_leaf_size(&im);

	im.sets = (struct category_sets){
		.raw = raw, .index = index, .err = err, .budget = &budget->category_words
	};
	r = r ? r : check_lengths(&im);
	r = r ? r : category_sets_check(&im.sets);
	r = r ? r : prepare(&im, a);
	r = r ? r : walk(&im);
	r = r ? r : keep_sets(&im, a);
	free(im.sets.words);
	if (r < 0)
		return r;
	budget->nodes -= raw->left.n;
	*ret = tree;
	return 0;
}
