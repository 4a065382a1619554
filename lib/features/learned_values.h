/*
 * What training found, feature by feature, as the compiler and the artifacts' reader and writer see
 * it. Private to lib/features; others use learned.h. Lives in the arena of who made it.
 */
#ifndef FEATURES_LEARNED_VALUES_H
#define FEATURES_LEARNED_VALUES_H

#include "features/declare.h"

struct learned_feature {
	struct str *levels; /* category: sorted by bytes, no two equal; NULL: none known */
	uint32_t level_count;
	double median;   /* NaN: not learned */
	double lo, hi;   /* NaN: not learned */
	double mean, sd; /* NaN: not learned */
};

struct learned {
	uint32_t count; /* of the declaration's features */
	struct learned_feature *features;
	bool *is_category;
};

/* All values unknown. */
int learned_new(const struct declaration *d, struct arena *a, struct learned **ret);

/* The level of a missing category. */
#define LEVEL_MISSING "Unknown"

#endif
