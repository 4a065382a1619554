/* A tree as the document spells it, and the step from there to a checked one. */
#ifndef FOREST_TREE_H
#define FOREST_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/str.h"
#include "forest/build.h"
#include "forest/model.h"
#include "forest/number.h"

/* One object of "trees". Its lists are used again for the next one. */
struct raw_tree {
	struct ints left, right, feature, default_left, split_type;
	struct floats value, cover; /* split_conditions, sum_hessian */
	struct ints categories, category_nodes, category_segments, category_sizes;
	struct str node_count, leaf_size; /* of tree_param */
	uint8_t *seen; /* a byte a node: reached from the root */
	size_t seen_room;
};

/* Empties it for the next tree. */
void raw_tree_reset(struct raw_tree *raw);
void raw_tree_done(struct raw_tree *raw);

/* What all trees together may still take. */
struct tree_budget {
	size_t nodes;
	size_t category_words;
	unsigned max_depth;
};

/*
 * Walks from the root and keeps what it reaches; what is not reachable (pruned nodes stay in the
 * arrays, with garbage in them) is not looked at. Messages name `index` and the file's node.
 */
int tree_import(struct raw_tree *raw, uint32_t index, struct tree_budget *budget, struct arena *a,
		struct forest_model_tree *ret, struct errbuf *err);

#endif
