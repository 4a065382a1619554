/*
 * Which way a value goes at a split: XGBoost's rule, in one place for margin and explanation.
 * float32 against float32, strictly less; NaN is missing; -0 equals 0; infinities are values.
 * A category goes right if it is in the split's set: whatever cannot be one (negative, too large,
 * beyond the set) goes left. A fraction is cut, as XGBoost does.
 */
#ifndef FOREST_DECIDE_H
#define FOREST_DECIDE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "forest/image.h"

static inline bool category_goes_left(const uint32_t *set, float x)
{
	uint32_t category;

	if (x < 0 || x >= (float)FOREST_MAX_CATEGORY)
		return true;
	category = (uint32_t)x;
	if (category / 32 >= set[0])
		return true;
	return !(set[1 + category / 32] >> (category % 32) & 1);
}

static inline bool goes_left(const struct forest_node *n, const uint32_t *categories, float x)
{
	if (isnan(x))
		return n->flags & FOREST_DEFAULT_LEFT;
	if (n->flags & FOREST_CATEGORICAL)
		return category_goes_left(categories + n->set, x);
	return x < n->value;
}

#endif
