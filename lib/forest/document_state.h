/* What the readers of a model document have gathered so far, and where they are. The table of
 * members (members.c) says which field takes which content. */
#ifndef FOREST_DOCUMENT_STATE_H
#define FOREST_DOCUMENT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/str.h"
#include "forest/build.h"
#include "forest/members.h"
#include "forest/number.h"
#include "forest/tree.h"

#define DOCUMENT_MAX_LEVELS 16

struct strings {
	struct str *v; /* heap; the texts are in the arena */
	size_t n, room;
};

/* A container that is being read. */
struct level {
	enum place place;            /* of an object: which rows of the table hold its members */
	const struct member *member; /* of a list: its row; NULL: an object */
};

struct document {
	/* what was read; a text that did not come has p == NULL */
	struct ints version;
	struct str objective, booster;
	struct str base_score, num_class, num_feature, num_target;
	struct str num_trees, num_parallel_tree;
	struct str best_iteration, best_ntree_limit;
	struct strings feature_names, feature_types;
	struct ints tree_group, iterations; /* tree_info, iteration_indptr */
	struct floats weights;              /* dart */
	struct forest_model_tree *trees;    /* heap */
	size_t tree_count, tree_room;
	uint32_t encodings; /* features whose training categories are listed */
	int64_t recoded;    /* the first of them whose codes are not its categories; -1: none */

	/* the tree, and the list of categories, that is being read */
	struct raw_tree tree;
	struct str inner_booster;
	struct ints encoding_offsets, encoding_values;

	/* where we are */
	struct level levels[DOCUMENT_MAX_LEVELS];
	unsigned depth;
	unsigned skipped;            /* containers open within a value that nobody asked for */
	const struct member *member; /* whose value comes next; NULL: unknown */

	struct tree_budget budget;
	struct forest_limits limits;
	struct arena *arena;
	struct errbuf *err;
	bool refused; /* err has the words */
};

#endif
