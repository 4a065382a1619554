/* The step from a tree as the document spells it to a checked one. */
#ifndef FOREST_TREE_H
#define FOREST_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "forest/model.h"
#include "forest/raw_tree.h"

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
