/*
 * SHAP values by their definition, tree by tree and leaf by leaf. On the path to a leaf each
 * different feature k has z, the product of its cover shares, and o, whether the row takes the
 * path's way at all its splits. With S the features of the path that are known, the leaf counts
 * with the product of o over S and z over the rest; a feature's value is the difference that
 * knowing it makes, averaged with the weight |S|! (u - |S| - 1)! / u! of each subset. Subsets of
 * one size are summed as the coefficients of the product of (o + z y). Only positive numbers are
 * added, so this is accurate for every depth; it costs u^3 a leaf. Used by check.c and the tests.
 */
#include "forest/reference.h"

#include <stdbool.h>
#include <string.h>

#include "forest/image.h"

struct step {
	const struct forest_node *node;
	bool right;
};

/* The path to a leaf, as the row and the covers see it: one element a feature. */
struct element {
	uint32_t feature;
	double z;
	double o;
};

struct path {
	struct step steps[FOREST_MAX_DEPTH];
	unsigned depth;
};

static bool in_set(const uint32_t *set, long long category)
{
	return category < 32 * (long long)set[0] &&
	       (set[1 + category / 32] & ((uint32_t)1 << (category & 31)));
}

static bool row_goes_right(const struct forest *f, const struct forest_node *n, const float *row)
{
	double x = (double)row[n->feature];

	if (x != x)
		return !(n->flags & FOREST_DEFAULT_LEFT);
	if (!(n->flags & FOREST_CATEGORICAL))
		return x >= (double)n->value;
	return x >= 0 && x < FOREST_MAX_CATEGORY && in_set(f->categories + n->set, (long long)x);
}

float reference_margin(const struct forest *f, const float *row, double *ret_sum)
{
	float sum = f->header->base_margin;

	*ret_sum = (double)sum;
	for (uint32_t t = 0; t < f->tree_count; t++) {
		uint32_t i = f->trees[t].first;

		while (f->nodes[i].right)
			i += row_goes_right(f, &f->nodes[i], row) ? f->nodes[i].right : 1;
		sum = sum + f->nodes[i].value;
		*ret_sum += (double)f->nodes[i].value;
	}
	return sum;
}

/* From a node down its left children; the steps are added to the path. */
static const struct forest_node *to_leaf(struct path *p, const struct forest_node *n)
{
	while (n->right) {
		p->steps[p->depth++] = (struct step){ n, false };
		n++;
	}
	return n;
}

/* The next leaf of the tree after the one that the path leads to; NULL after the last. */
static const struct forest_node *next_leaf(struct path *p)
{
	struct step *last;

	while (p->depth > 0 && p->steps[p->depth - 1].right)
		p->depth--;
	if (p->depth == 0)
		return NULL;
	last = &p->steps[p->depth - 1];
	last->right = true;
	return to_leaf(p, last->node + last->node->right);
}

static unsigned gather(const struct forest *f, const struct path *p, const float *row,
                       struct element *ret)
{
	unsigned u = 0;

	for (unsigned i = 0; i < p->depth; i++) {
		const struct forest_node *n = p->steps[i].node;
		double left = f->shares[n - f->nodes];
		unsigned k = 0;

		while (k < u && ret[k].feature != n->feature)
			k++;
		if (k == u)
			ret[u++] = (struct element){ n->feature, 1, 1 };
		ret[k].z *= p->steps[i].right ? 1 - left : left;
		if (row_goes_right(f, n, row) != p->steps[i].right)
			ret[k].o = 0;
	}
	return u;
}

/* Sum over all subsets of the features but j, by the number of unknown ones. */
static double weighted_subsets(const struct element *e, unsigned u, unsigned j)
{
	double c[FOREST_MAX_DEPTH + 1] = { 1 };
	unsigned degree = 0;
	double weight = 1.0 / u;
	double sum = 0;

	for (unsigned k = 0; k < u; k++) {
		if (k == j)
			continue;
		degree++;
		for (unsigned i = degree; i > 0; i--)
			c[i] = c[i] * e[k].o + c[i - 1] * e[k].z;
		c[0] *= e[k].o;
	}
	for (unsigned unknown = 0; unknown < u; unknown++) {
		sum += weight * c[unknown];
		if (unknown + 1 < u)
			weight *= (unknown + 1.0) / (u - 1.0 - unknown);
	}
	return sum;
}

static double explain_leaf(const struct element *e, unsigned u, double value, double *ret)
{
	double mean = value;

	for (unsigned j = 0; j < u; j++) {
		ret[e[j].feature] += weighted_subsets(e, u, j) * (e[j].o - e[j].z) * value;
		mean *= e[j].z;
	}
	return mean;
}

void reference_explain(const struct forest *f, const float *row, double *ret_contributions)
{
	double *bias = &ret_contributions[f->feature_count];

	memset(ret_contributions, 0, (f->feature_count + (size_t)1) * sizeof(double));
	*bias = (double)f->header->base_margin;
	for (uint32_t t = 0; t < f->tree_count; t++) {
		struct path p = { .depth = 0 };
		struct element e[FOREST_MAX_DEPTH];
		const struct forest_node *leaf = to_leaf(&p, f->nodes + f->trees[t].first);

		for (; leaf; leaf = next_leaf(&p)) {
			unsigned u = gather(f, &p, row, e);

			*bias += explain_leaf(e, u, (double)leaf->value, ret_contributions);
		}
	}
}

double reference_work(const struct forest *f)
{
	double work = 0;

	for (uint32_t t = 0; t < f->tree_count; t++) {
		struct path p = { .depth = 0 };
		const struct forest_node *leaf = to_leaf(&p, f->nodes + f->trees[t].first);

		for (; leaf; leaf = next_leaf(&p)) {
			double u = p.depth;

			work += u * u * u / 2 + u * u + 1;
		}
	}
	return work;
}
