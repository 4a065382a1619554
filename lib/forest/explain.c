/*
 * Exact path-dependent SHAP values of one row, in double: the reference for faster kernels.
 *
 * Let every feature be known with probability t. At a split on a known feature a walk follows the
 * row, else it goes left with the share of the training cover that did. The expected leaf is a
 * polynomial in t and a feature's Shapley value is the integral of its derivative, which a short
 * Gauss-Legendre rule gives exactly (see quadrature.c). So, at each point q of the rule:
 *
 *   p   probability that a walk which reached the split goes left
 *   A   probability of reaching the split, times the point's weight   (top-down)
 *   B   expected leaf below the split                                 (bottom-up)
 *   contribution of the split = +-share * A * c * (B left - B right)
 *
 * Where a feature was asked before on the path, with W the product of the shares taken there: if
 * the row took the same way each time, the feature's factor so far is G = t + (1 - t) W, which
 * turns 1 - t into a = (1 - t) W / G and adds c = W / G^2; if not, the feature is known not to
 * matter here: p is the share and the contribution nothing. No cover divides, so zero covers are
 * harmless. Depth first with one frame a level: memory and time are bounded by the image, no
 * recursion. Sums run in one fixed order: the same row gives the same bits.
 */
#include <string.h>

#include "forest/decide.h"
#include "forest/forest.h"
#include "forest/image.h"

/* A split on the path. */
struct frame {
	const struct forest_node *node;
	double share;    /* of the cover, to the left */
	double before;   /* product of the shares taken at earlier splits on the feature; 1: none */
	double row;      /* 1: the row goes left, 0: right. A number, for no branch predicts it */
	bool agrees;     /* at all earlier splits on the feature the path took the row's way */
	bool went_right; /* the left child is done */
	double p[FOREST_MAX_POINTS];
	double gain[FOREST_MAX_POINTS]; /* share * A * c, signed */
	double left[FOREST_MAX_POINTS]; /* B of the left child, once it is done */
};

struct scratch {
	double reach[FOREST_MAX_DEPTH + 1][FOREST_MAX_POINTS]; /* A */
	double below[FOREST_MAX_POINTS];                       /* B of what was left last */
	struct frame path[FOREST_MAX_DEPTH];
};

/* The tree at hand. */
struct walk {
	const struct forest *forest;
	const float *row;
	const struct forest_node *first; /* of the whole forest */
	const struct forest_point *rule;
	unsigned points;
	struct scratch *scratch;
	double *contributions;
};

/* What earlier splits on the same feature say. */
static void enter_repeated(const struct walk *w, struct frame *f)
{
	const struct frame *above = &w->scratch->path[f->node->ancestor];

	f->before = above->before * (above->went_right ? 1 - above->share : above->share);
	f->agrees = above->agrees && (above->row != 0) == !above->went_right;
}

static void weigh_first(const struct walk *w, struct frame *f, const double *reach)
{
	double row = f->row;
	double share = f->share;

	for (unsigned q = 0; q < w->points; q++) {
		double t = w->rule[q].t;

		f->p[q] = share * (1 - t) + row * t;
		f->gain[q] = (row - share) * reach[q];
	}
}

static void weigh_repeated(const struct walk *w, struct frame *f, const double *reach)
{
	double row = f->row;
	double share = f->share;

	for (unsigned q = 0; q < w->points; q++) {
		double t = w->rule[q].t;
		double inverse = 1 / (t + (1 - t) * f->before);
		double a = (1 - t) * f->before * inverse;

		f->p[q] = share * a + row * (1 - a);
		f->gain[q] = (row - share) * reach[q] * f->before * inverse * inverse;
	}
}

static void weigh_disagreeing(const struct walk *w, struct frame *f)
{
	for (unsigned q = 0; q < w->points; q++) {
		f->p[q] = f->share;
		f->gain[q] = 0;
	}
}

static void enter(const struct walk *w, const struct forest_node *n, unsigned depth)
{
	struct frame *f = &w->scratch->path[depth];
	const double *reach = w->scratch->reach[depth];

	f->node = n;
	f->share = w->forest->shares[n - w->first];
	f->row = goes_left(n, w->forest->categories, w->row[n->feature]);
	f->before = 1;
	f->agrees = true;
	f->went_right = false;
	if (n->ancestor == FOREST_NO_ANCESTOR) {
		weigh_first(w, f, reach);
		return;
	}
	enter_repeated(w, f);
	if (f->agrees)
		weigh_repeated(w, f, reach);
	else
		weigh_disagreeing(w, f);
}

/* From the split at `depth` down its left sides to a leaf. Returns the leaf's depth. */
static unsigned descend(const struct walk *w, const struct forest_node *n, unsigned depth)
{
	struct scratch *s = w->scratch;

	for (; n->right; n++, depth++) {
		enter(w, n, depth);
		for (unsigned q = 0; q < w->points; q++)
			s->reach[depth + 1][q] = s->reach[depth][q] * s->path[depth].p[q];
	}
	for (unsigned q = 0; q < w->points; q++)
		s->below[q] = n->value;
	return depth;
}

/* The left child is done: keep what it gave, aim at the right one. */
static const struct forest_node *turn_right(const struct walk *w, unsigned depth)
{
	struct scratch *s = w->scratch;
	struct frame *f = &s->path[depth];

	f->went_right = true;
	for (unsigned q = 0; q < w->points; q++) {
		f->left[q] = s->below[q];
		s->reach[depth + 1][q] = s->reach[depth][q] - s->reach[depth][q] * f->p[q];
	}
	return f->node + f->node->right;
}

/* Both children are done: the split's own contribution, and what it hands up. */
static void leave(const struct walk *w, const struct frame *f)
{
	double *below = w->scratch->below;
	double sum = 0;

	for (unsigned q = 0; q < w->points; q++) {
		double difference = f->left[q] - below[q];

		sum += f->gain[q] * difference;
		below[q] += f->p[q] * difference;
	}
	w->contributions[f->node->feature] += sum;
}

static void explain_tree(const struct walk *w, const struct forest_node *root)
{
	struct scratch *s = w->scratch;
	unsigned depth;

	for (unsigned q = 0; q < w->points; q++)
		s->reach[0][q] = w->rule[q].weight;
	depth = descend(w, root, 0);
	while (depth > 0) {
		struct frame *f = &s->path[depth - 1];

		if (!f->went_right) {
			depth = descend(w, turn_right(w, depth - 1), depth);
		} else {
			leave(w, f);
			depth--;
		}
	}
}

size_t forest_scratch_size(const struct forest *f)
{
	(void)f;
	return (sizeof(struct scratch) + FOREST_ALIGN - 1) / FOREST_ALIGN * FOREST_ALIGN;
}

void forest_explain(const struct forest *f, const float *row, void *scratch,
                    double *ret_contributions)
{
	struct walk w = { .forest = f,
		          .row = row,
		          .first = f->nodes,
		          .scratch = scratch,
		          .contributions = ret_contributions };

	memset(ret_contributions, 0, f->feature_count * sizeof(*ret_contributions));
	for (uint32_t t = 0; t < f->tree_count; t++) {
		const struct forest_tree *tree = &f->trees[t];

		if (!tree->points)
			continue;
		w.points = tree->points;
		w.rule = f->points + forest_rule_at(tree->points);
		explain_tree(&w, f->nodes + tree->first);
	}
	ret_contributions[f->feature_count] = f->bias;
}
