/*
 * An XGBoost model document while it is read. Two readers (JSON, UBJSON) call the same few
 * functions, one for each thing they meet; a table says which members matter and where their
 * content goes. Trees are checked and made compact one by one as they end, so that memory follows
 * the model and not the document. What no table row names is skipped.
 */
#ifndef FOREST_DOCUMENT_H
#define FOREST_DOCUMENT_H

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

void document_init(struct document *d, const struct forest_limits *limits, struct arena *a,
                   struct errbuf *err);
void document_done(struct document *d);

/* What a reader met. 0, or -errno with words in err (-ENOMEM has none). */
int document_begin(struct document *d, bool list);
int document_end(struct document *d);
int document_key(struct document *d, struct str name);
int document_string(struct document *d, struct str text);
int document_number(struct document *d, const struct number *n);
int document_bool(struct document *d, bool value);
int document_null(struct document *d);
/* A whole list of `count` UBJSON numbers of one type. */
int document_numbers(struct document *d, char type, const uint8_t *p, size_t count);

/* Records the words of a refusal that a reader found itself. */
int document_refuse(struct document *d, int r, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
