/*
 * Which rows of a window are trained on, and as what: labels from a list instead of the query's,
 * and of the other rows a share by the hash of their key, so that the same rows come each time.
 */
#ifndef TRAIN_SELECTION_H
#define TRAIN_SELECTION_H

#include "label_set.h"
#include "source.h"

struct selection {
	struct row_source from;
	struct label_set *labels; /* NULL: none */
	bool labels_decide;       /* what is in the list is fraud and nothing else; else the list
	                             is only marked */
	double share;             /* of the rows that are no fraud; 1: all */
};

/* -EINVAL from its reading if the program has no key and one is needed. */
struct row_source selection_source(struct selection *s);

/* The same key is in or out, whatever the window; a larger share holds all of a smaller one. */
bool selection_takes(int64_t key, double share);

#endif
