/*
 * A tree image taken into use. The bytes come from a sealed memory file, but may have been damaged
 * on disk or made by another build: here every offset, child, feature, category set, share and
 * rule is checked once, so that margin and explanation need not check anything. What passes can
 * never be read out of bounds nor walked without end. Called once per process and generation, and
 * by the builder on its own work.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "forest/build.h"
#include "forest/forest.h"
#include "forest/image.h"
#include "forest/quadrature.h"

static uint64_t align(uint64_t offset)
{
	return (offset + FOREST_ALIGN - 1) / FOREST_ALIGN * FOREST_ALIGN;
}

/* Counts are 32 bit and no element is above 16 bytes: the sums stay far below 64 bit. */
void forest_layout(struct forest_header *h)
{
	uint64_t points = h->max_points ? forest_rule_at(h->max_points + (size_t)1) : 0;

	h->trees_at = align(sizeof(*h));
	h->nodes_at = align(h->trees_at + h->tree_count * (uint64_t)sizeof(struct forest_tree));
	h->shares_at = align(h->nodes_at + h->node_count * (uint64_t)sizeof(struct forest_node));
	h->categories_at = align(h->shares_at + h->node_count * (uint64_t)sizeof(double));
	h->points_at = align(h->categories_at + h->category_words * (uint64_t)sizeof(uint32_t));
	h->size = align(h->points_at + points * sizeof(struct forest_point));
}

static bool same_layout(const struct forest_header *h, uint64_t size)
{
	struct forest_header expected = *h;

	forest_layout(&expected);
	return size == expected.size && h->size == expected.size &&
	       h->trees_at == expected.trees_at && h->nodes_at == expected.nodes_at &&
	       h->shares_at == expected.shares_at && h->categories_at == expected.categories_at &&
	       h->points_at == expected.points_at;
}

static int check_header(const struct forest_header *h, size_t size, struct errbuf *err)
{
	static const uint8_t zero[sizeof(h->zero)];

	if (memcmp(h->magic, FOREST_MAGIC, sizeof(h->magic)) != 0)
		return errbuf_set(err, -EBADMSG, "not a tree image");
	if (h->abi != FOREST_ABI)
		return errbuf_set(err, -EPROTONOSUPPORT,
		                  "tree image of layout %u, this program reads layout %u", h->abi,
		                  FOREST_ABI);
	if (h->max_points > FOREST_MAX_POINTS || h->max_depth > FOREST_MAX_DEPTH)
		return errbuf_set(err, -EBADMSG, "tree image of depth %u with rules of %u points",
		                  h->max_depth, h->max_points);
	if (!same_layout(h, size))
		return errbuf_set(err, -EBADMSG,
		                  "tree image of %zu bytes does not hold what its "
		                  "header says",
		                  size);
	if (!h->tree_count || !h->feature_count || h->objective >= FOREST_OBJECTIVE_MAX ||
	    memcmp(h->zero, zero, sizeof(zero)) != 0)
		return errbuf_set(err, -EBADMSG, "tree image with an impossible header");
	if (!isfinite(h->base_margin) || !isfinite(h->bias))
		return errbuf_set(err, -EBADMSG, "tree image with a bias that is not finite");
	return 0;
}

static int check_rules(const struct forest_header *h, const struct forest_point *points,
                       struct errbuf *err)
{
	size_t count = h->max_points ? forest_rule_at(h->max_points + (size_t)1) : 0;

	for (size_t i = 0; i < count; i++) {
		const struct forest_point *p = &points[i];

		if (!(p->t > 0 && p->t < 1 && p->weight > 0 && p->weight <= 1))
			return errbuf_set(err, -EBADMSG, "quadrature point %zu is (%g, %g)", i,
			                  p->t, p->weight);
	}
	return 0;
}

/* The walk that checks one tree: where each open right child must begin. */
struct visit {
	const struct forest *forest;
	uint32_t tree, node; /* the node at hand, within its tree */
	struct errbuf *err;
	unsigned depth;
	unsigned repeated; /* splits on the path whose feature stood above already */
	unsigned deepest, most_unique;
	struct {
		uint32_t feature;
		uint32_t right; /* node where its right child must stand */
		bool repeats;
		uint64_t seen; /* a bit for each feature from the root to here */
	} path[FOREST_MAX_DEPTH];
};

static int bad(const struct visit *v, const char *what)
{
	return errbuf_set(v->err, -EBADMSG, "tree image: tree %u, node %u: %s", v->tree, v->node,
	                  what);
}

/* One bit of 64 for a feature: most that are not above are known not to be at a glance. */
static uint64_t bit_of(uint32_t feature)
{
	return UINT64_C(1) << feature % 64;
}

static uint64_t seen_above(const struct visit *v)
{
	return v->depth > 0 ? v->path[v->depth - 1].seen : 0;
}

static unsigned nearest_above(const struct visit *v, uint32_t feature)
{
	if (!(seen_above(v) & bit_of(feature)))
		return FOREST_NO_ANCESTOR;
	for (unsigned d = v->depth; d > 0; d--)
		if (v->path[d - 1].feature == feature)
			return d - 1;
	return FOREST_NO_ANCESTOR;
}

static int check_set(const struct visit *v, uint32_t set)
{
	const struct forest *f = v->forest;
	uint32_t words = f->header->category_words;

	if (set >= words || !f->categories[set] || f->categories[set] > words - set - 1)
		return bad(v, "category set outside its section");
	return 0;
}

/* Where a split on the path hands over from left to right, its right child must follow at once;
 * what is complete leaves the path. */
static int close_finished(struct visit *v, uint32_t next, uint32_t count)
{
	while (v->depth > 0) {
		uint32_t right = v->path[v->depth - 1].right;

		if (right == next) {
			v->path[v->depth - 1].right = 0;
			return 0;
		}
		if (right)
			return bad(v, "its parent's right child stands elsewhere");
		v->repeated -= v->path[v->depth - 1].repeats;
		v->depth--;
	}
	return next == count ? 0 : bad(v, "the tree is complete, yet nodes follow");
}

static int check_split(struct visit *v, const struct forest_node *n, uint32_t count)
{
	double share = v->forest->shares[v->forest->trees[v->tree].first + v->node];
	unsigned above = nearest_above(v, n->feature);

	if (v->depth == FOREST_MAX_DEPTH)
		return bad(v, "too deep");
	if (n->right < 2 || n->right >= count - v->node)
		return bad(v, "right child outside the tree");
	if (n->feature >= v->forest->feature_count)
		return bad(v, "feature outside the row");
	if (n->flags & ~(FOREST_DEFAULT_LEFT | FOREST_CATEGORICAL) || n->zero)
		return bad(v, "unknown flags");
	if (!(share >= 0 && share <= 1))
		return bad(v, "share of the cover outside 0..1");
	if (n->ancestor != above)
		return bad(v, "wrong ancestor");
	if (!(n->flags & FOREST_CATEGORICAL) && isnan(n->value))
		return bad(v, "threshold is not a number");
	v->path[v->depth].seen = seen_above(v) | bit_of(n->feature);
	v->path[v->depth].feature = n->feature;
	v->path[v->depth].right = v->node + n->right;
	v->path[v->depth].repeats = above != FOREST_NO_ANCESTOR;
	v->repeated += v->path[v->depth].repeats;
	v->depth++;
	return n->flags & FOREST_CATEGORICAL ? check_set(v, n->set) : 0;
}

static int check_leaf(struct visit *v, const struct forest_node *n, uint32_t count)
{
	unsigned unique = v->depth - v->repeated;

	if (!isfinite(n->value) || n->feature || n->flags || n->zero)
		return bad(v, "impossible leaf");
	v->deepest = v->depth > v->deepest ? v->depth : v->deepest;
	v->most_unique = unique > v->most_unique ? unique : v->most_unique;
	return close_finished(v, v->node + 1, count);
}

static int check_nodes(struct visit *v, const struct forest_tree *tree)
{
	const struct forest_node *nodes = v->forest->nodes + tree->first;
	int r = 0;

	for (; v->node < tree->count && r == 0; v->node++) {
		const struct forest_node *n = &nodes[v->node];

		r = n->right ? check_split(v, n, tree->count) : check_leaf(v, n, tree->count);
	}
	if (r == 0 && v->depth > 0)
		return bad(v, "the tree ends here, yet children are missing");
	return r;
}

static int check_tree(const struct forest *f, uint32_t index, struct errbuf *err)
{
	const struct forest_tree *tree = &f->trees[index];
	struct visit v = { .forest = f, .tree = index, .err = err };
	int r = check_nodes(&v, tree);

	if (r < 0)
		return r;
	if (tree->depth != v.deepest || tree->points != quadrature_points(v.most_unique) ||
	    tree->points > f->header->max_points || tree->depth > f->max_depth || tree->zero)
		return errbuf_set(
		        err, -EBADMSG,
		        "tree image: tree %u says depth %u and %u points, it has %u and %u", index,
		        tree->depth, tree->points, v.deepest, quadrature_points(v.most_unique));
	return 0;
}

/* Trees lie one after another and fill the nodes exactly. */
static int check_trees(const struct forest *f, struct errbuf *err)
{
	uint32_t next = 0;

	for (uint32_t t = 0; t < f->tree_count; t++) {
		const struct forest_tree *tree = &f->trees[t];
		int r;

		if (tree->first != next || !tree->count ||
		    tree->count > f->header->node_count - next)
			return errbuf_set(err, -EBADMSG,
			                  "tree image: tree %u with %u nodes at %u does not fit", t,
			                  tree->count, tree->first);
		r = check_tree(f, t, err);
		if (r < 0)
			return r;
		next += tree->count;
	}
	if (next != f->header->node_count)
		return errbuf_set(err, -EBADMSG, "tree image: %u nodes belong to no tree",
		                  f->header->node_count - next);
	return 0;
}

static void view(const void *image, struct forest *ret)
{
	const struct forest_header *h = image;
	const char *base = image;

	*ret = (struct forest){
		.header = h,
		.trees = (const void *)(base + h->trees_at),
		.nodes = (const void *)(base + h->nodes_at),
		.shares = (const void *)(base + h->shares_at),
		.categories = (const void *)(base + h->categories_at),
		.points = (const void *)(base + h->points_at),
		.tree_count = h->tree_count,
		.feature_count = h->feature_count,
		.max_depth = h->max_depth,
		.bias = h->bias,
	};
}

int forest_recognise(const void *image, size_t size, struct errbuf *err)
{
	if (size < sizeof(struct forest_header) || (uintptr_t)image % FOREST_ALIGN != 0)
		return errbuf_set(err, -EBADMSG,
		                  "tree image of %zu bytes: too small or not on a 64-byte border",
		                  size);
	return check_header(image, size, err);
}

int forest_open(const void *image, size_t size, struct forest *ret, struct errbuf *err)
{
	struct forest f;
	int r = forest_recognise(image, size, err);

	if (r < 0)
		return r;
	view(image, &f);
	r = check_rules(f.header, f.points, err);
	if (r == 0)
		r = check_trees(&f, err);
	if (r < 0)
		return r;
	*ret = f;
	return 0;
}
