/*
 * The layout of a tree image: what forest_image_build() writes, forest_open() checks and the
 * kernels read. Everything is found by offsets from the image's first byte, in native byte order;
 * every section begins on 64 bytes. An image never leaves the machine that built it: another
 * layout is another FOREST_ABI, and the model is compiled anew.
 *
 *   header | trees | nodes | shares | category sets | quadrature rules
 *
 * The nodes of a tree lie in preorder: a left child follows its parent, a right child lies
 * `right` nodes further on. So every child is behind its parent and a walk must end. Only what a
 * walk needs is in the 16 bytes of a node; what only an explanation needs (the share of the cover
 * that went left) lies beside, under the same index: 24 bytes a node in all.
 */
#ifndef FOREST_IMAGE_H
#define FOREST_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define FOREST_MAGIC "FRDTREES"
#define FOREST_ABI 1u
#define FOREST_ALIGN 64u
/* Splits on a path. A row of the rules table is as long as half of it. */
#define FOREST_MAX_DEPTH 64u
#define FOREST_MAX_POINTS (FOREST_MAX_DEPTH / 2)
#define FOREST_NO_ANCESTOR 255u
/* XGBoost's first invalid category: beyond it a float32 cannot count by ones. */
#define FOREST_MAX_CATEGORY 16777216

struct forest_header {
	char magic[8];
	uint32_t abi;
	uint32_t objective; /* enum forest_objective */
	uint64_t size;      /* of the whole image */
	uint64_t trees_at, nodes_at, shares_at, categories_at, points_at;
	uint32_t tree_count;
	uint32_t node_count; /* in all trees */
	uint32_t category_words;
	uint32_t feature_count;
	uint32_t max_depth;  /* splits on the longest path */
	uint32_t max_points; /* of any tree's rule */
	float base_score, base_margin;
	double bias;
	uint8_t zero[24];
};

struct forest_tree {
	uint32_t first;  /* node */
	uint32_t count;  /* of nodes */
	uint16_t depth;  /* splits on the longest path */
	uint16_t points; /* of the rule that is exact for this tree; 0: a single leaf */
	uint32_t zero;
};

enum forest_node_flags {
	FOREST_DEFAULT_LEFT = 1, /* a missing value goes left */
	FOREST_CATEGORICAL = 2,
};

struct forest_node {
	union {
		float value;  /* the threshold: left if x < value; of a leaf, what it adds */
		uint32_t set; /* categorical: where the number of words stands, then the words */
	};
	uint32_t feature;
	uint32_t right;   /* nodes from here to the right child; 0: a leaf */
	uint8_t ancestor; /* depth of the nearest split above on the same feature, or none */
	uint8_t flags;
	uint16_t zero;
};

/* One node of a Gauss-Legendre rule on [0, 1]. The rule of q points begins at q (q - 1) / 2. */
struct forest_point {
	double t, weight;
};

_Static_assert(sizeof(struct forest_header) == 128, "the header is part of the layout");
_Static_assert(sizeof(struct forest_tree) == 16, "trees are part of the layout");
_Static_assert(sizeof(struct forest_node) == 16, "nodes are part of the layout");

static inline size_t forest_rule_at(size_t points)
{
	return points * (points - 1) / 2;
}

/* Fills in the offsets and the size that follow from the header's counts. */
void forest_layout(struct forest_header *h);

#endif
