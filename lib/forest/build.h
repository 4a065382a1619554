/*
 * XGBoost's JSON or UBJSON document to a tree image, in two steps with a checked model between
 * them. Own strict importer: Debian's libxgboost 1.7.4 misreads newer files silently. Every size is
 * checked before it is used; messages name tree and node. No I/O.
 */
#ifndef FOREST_BUILD_H
#define FOREST_BUILD_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/str.h"

enum forest_objective {
	FOREST_BINARY_LOGISTIC,
	FOREST_BINARY_LOGITRAW,
	FOREST_REG_LOGISTIC,
	FOREST_OBJECTIVE_MAX
};
/* Which trees are served when the document says best_iteration. */
enum forest_trees { FOREST_TREES_BEST, FOREST_TREES_ALL };

/* Hard limits on what a document may claim; 0 = the default in brackets. */
struct forest_limits {
	size_t max_nodes;          /* in all trees (64 Mi) */
	size_t max_trees;          /* (100,000) */
	size_t max_features;       /* (65,536) */
	unsigned max_depth;        /* (64) */
	size_t max_category_words; /* 32-bit words of all category sets (16 Mi) */
};

struct forest_model_tree; /* forest/model.h */

/* What was read, in the arena. */
struct forest_model {
	unsigned version[3]; /* of the XGBoost that wrote it */
	enum forest_objective objective;
	float base_score; /* as stored: response space */
	float base_margin;
	uint32_t feature_count;
	struct str *feature_names;       /* feature_count of them, or NULL */
	struct str *feature_types;       /* "float", "int", "i", "q", "c", …, or NULL */
	struct forest_model_tree *trees; /* those to serve */
	uint32_t tree_count;
	uint32_t trees_in_file;
	int best_iteration; /* -1: none */
	int dart;
};

/* Format is found by its first bytes. -EBADMSG (broken), -EOPNOTSUPP (sound, but a booster,
 * objective or feature that is not served; named), -E2BIG (a limit), -ENOMEM. */
int forest_import(struct str document, enum forest_trees which, const struct forest_limits *limits,
                  struct arena *a, struct forest_model **ret, struct errbuf *err);

/* Size in bytes of the image (a multiple of 64), then the image itself written to `ret`, which has
 * that size and is 64-byte aligned. */
size_t forest_image_size(const struct forest_model *m);
int forest_image_build(const struct forest_model *m, void *ret, struct errbuf *err);

#endif
