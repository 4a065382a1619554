/* A tree as the document spells it: one list for each property of a node. */
#ifndef FOREST_RAW_TREE_H
#define FOREST_RAW_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "forest/number.h"

/* One object of "trees". Its lists are used again for the next one. */
struct raw_tree {
	struct ints left, right, feature, default_left, split_type;
	struct floats value, cover; /* split_conditions, sum_hessian */
	struct ints categories, category_nodes, category_segments, category_sizes;
	struct str node_count, leaf_size; /* of tree_param */
	uint8_t *seen;                    /* a byte a node: reached from the root */
	size_t seen_room;
};

/* Empties it for the next tree. */
void raw_tree_reset(struct raw_tree *raw);
void raw_tree_done(struct raw_tree *raw);

#endif
