/*
 * The lists of the tree that is being read. They are kept from tree to tree, so that a document of
 * ten thousand trees allocates as often as its largest one. Called by document.c.
 */
#include "forest/raw_tree.h"

#include <stdlib.h>

void raw_tree_reset(struct raw_tree *raw)
{
	struct ints *ints[] = { &raw->left,           &raw->right,
		                &raw->feature,        &raw->default_left,
		                &raw->split_type,     &raw->categories,
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
