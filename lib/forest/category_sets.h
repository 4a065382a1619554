/* From the lists of categories in a tree to the bit sets of its splits. */
#ifndef FOREST_CATEGORY_SETS_H
#define FOREST_CATEGORY_SETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "forest/raw_tree.h"

struct category_sets {
	const struct raw_tree *raw;
	uint32_t index; /* of the tree, for messages */
	struct errbuf *err;
	size_t *budget;  /* words that all trees may still take */
	uint32_t *words; /* heap, the caller's */
	size_t n, room;
};

/* -EBADMSG if the lists do not fit together. */
int category_sets_check(const struct category_sets *s);

/* Appends the set of a split; ret is where it begins. -EBADMSG, -E2BIG, -ENOMEM. */
int category_sets_add(struct category_sets *s, uint32_t node, uint32_t *ret);

#endif
