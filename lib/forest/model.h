/*
 * A checked tree between import and image: nodes, shares and category sets as image.h lays them
 * out, but of one tree alone (sets are counted from the tree's own first word).
 */
#ifndef FOREST_MODEL_H
#define FOREST_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "forest/build.h"
#include "forest/image.h"

struct forest_model_tree {
	struct forest_node *nodes; /* preorder, reachable ones only */
	double *shares;            /* of each split: cover of the left child / cover of both */
	uint32_t *categories;
	uint32_t node_count, category_words;
	uint32_t depth;       /* splits on the longest path */
	uint32_t unique;      /* different features on the path that has most of them */
	uint32_t max_feature; /* the highest feature that a split asks for, and the file's number */
	uint32_t max_feature_node; /* of such a split */
};

/* Cover-weighted mean of the leaves: the tree's part of the bias. */
double forest_model_mean(const struct forest_node *nodes, const double *shares, uint32_t count);

#endif
