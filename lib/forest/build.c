/*
 * The image of a checked model: trees copied one behind the other, category sets moved to one
 * section, the quadrature rules and the bias worked out. Nothing is decided here that import has
 * not checked; the result is opened once before it is handed out, so that an image which leaves
 * this function is one that forest_open() accepts. Called by the loader's compile child and by
 * fraud-train.
 */
#include "forest/build.h"

#include <errno.h>
#include <string.h>

#include "forest/forest.h"
#include "forest/image.h"
#include "forest/model.h"
#include "forest/quadrature.h"

static void count(const struct forest_model *m, struct forest_header *h)
{
	unsigned unique = 0;

	*h = (struct forest_header){
		.abi = FOREST_ABI,
		.objective = m->objective,
		.tree_count = m->tree_count,
		.feature_count = m->feature_count,
		.base_score = m->base_score,
		.base_margin = m->base_margin,
		.bias = m->base_margin,
	};
	memcpy(h->magic, FOREST_MAGIC, sizeof(h->magic));
	for (uint32_t t = 0; t < m->tree_count; t++) {
		const struct forest_model_tree *tree = &m->trees[t];

		h->node_count += tree->node_count;
		h->category_words += tree->category_words;
		h->max_depth = tree->depth > h->max_depth ? tree->depth : h->max_depth;
		unique = tree->unique > unique ? tree->unique : unique;
	}
	h->max_points = quadrature_points(unique);
	forest_layout(h);
}

size_t forest_image_size(const struct forest_model *m)
{
	struct forest_header h;

	count(m, &h);
	return h.size;
}

/* Walks backwards, so that both children of a split lie finished on the stack, the left one on
 * top. Preorder leaves at most one waiting child a level. */
double forest_model_mean(const struct forest_node *nodes, const double *shares, uint32_t n)
{
	double stack[FOREST_MAX_DEPTH + 1] = { 0 };
	unsigned top = 0;

	for (uint32_t i = n; i-- > 0;) {
		if (nodes[i].right) {
			double left = stack[top - 1];
			double right = stack[top - 2];

			top--;
			stack[top - 1] = shares[i] * left + (1 - shares[i]) * right;
		} else {
			stack[top++] = nodes[i].value;
		}
	}
	return stack[0];
}

/* Where the next tree goes. */
struct fill {
	struct forest_tree *tree;
	struct forest_node *nodes;
	double *shares;
	uint32_t *categories;
	uint32_t node, word;
};

static void copy_tree(struct fill *f, const struct forest_model_tree *t)
{
	struct forest_node *nodes = f->nodes + f->node;

	*f->tree++ = (struct forest_tree){ .first = f->node,
		                           .count = t->node_count,
		                           .depth = (uint16_t)t->depth,
		                           .points = (uint16_t)quadrature_points(t->unique) };
	memcpy(nodes, t->nodes, t->node_count * sizeof(*nodes));
	memcpy(f->shares + f->node, t->shares, t->node_count * sizeof(*f->shares));
	for (uint32_t i = 0; i < t->node_count; i++)
		if (nodes[i].flags & FOREST_CATEGORICAL)
			nodes[i].set += f->word;
	if (t->category_words)
		memcpy(f->categories + f->word, t->categories,
		       t->category_words * sizeof(*f->categories));
	f->node += t->node_count;
	f->word += t->category_words;
}

int forest_image_build(const struct forest_model *m, void *ret, struct errbuf *err)
{
	struct forest_header *h = ret;
	char *base = ret;
	struct forest unused;
	struct fill f;
	struct forest_header counted;

	count(m, &counted);
	memset(ret, 0, counted.size);
	*h = counted;
	f = (struct fill){ .tree = (void *)(base + h->trees_at),
		           .nodes = (void *)(base + h->nodes_at),
		           .shares = (void *)(base + h->shares_at),
		           .categories = (void *)(base + h->categories_at) };
	for (uint32_t t = 0; t < m->tree_count; t++) {
		const struct forest_model_tree *tree = &m->trees[t];

		copy_tree(&f, tree);
		h->bias += forest_model_mean(tree->nodes, tree->shares, tree->node_count);
	}
	for (unsigned q = 1; q <= h->max_points; q++)
		quadrature_rule(q, (struct forest_point *)(void *)(base + h->points_at) +
		                           forest_rule_at(q));
	return forest_open(ret, h->size, &unused, err);
}
