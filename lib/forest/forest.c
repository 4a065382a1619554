/*
 * One row through all trees, plainly: the reference that every faster kernel must equal bit for
 * bit. The sum is float32, begins with the base margin and takes the trees in file order, one add
 * a tree, because that is what XGBoost does; so the compiler must neither reorder nor fuse it
 * (-ffp-contract=off for the whole house). Called for every scored row.
 */
#include "forest/forest.h"

#include <math.h>

#include "forest/decide.h"
#include "forest/image.h"

static float leaf_of(const struct forest_node *n, const uint32_t *categories, const float *row)
{
	while (n->right)
		n += goes_left(n, categories, row[n->feature]) ? 1 : n->right;
	return n->value;
}

float forest_margin(const struct forest *f, const float *row)
{
	float sum = f->header->base_margin;

	for (uint32_t t = 0; t < f->tree_count; t++)
		sum += leaf_of(f->nodes + f->trees[t].first, f->categories, row);
	return sum;
}

/* 88.7 keeps expf finite and 1e-16 is XGBoost's own guard: both are part of the bits. */
float forest_sigmoid(float margin)
{
	float z = fminf(-margin, 88.7f);

	return 1.0f / (expf(z) + 1.0f + 1e-16f);
}
