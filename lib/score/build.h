/* Puts a model image together from its parts: the inverse of score_open(). */
#ifndef SCORE_BUILD_H
#define SCORE_BUILD_H

#include "base/arena.h"
#include "base/errbuf.h"
#include "features/learn.h"
#include "features/program.h"
#include "forest/build.h"
#include "score/score.h"

struct score_parts {
	const struct forest_model *forest;
	const struct declaration *declaration;
	const struct learned *learned; /* may be NULL: no z-scores */
	struct str name, version;
	float threshold_low, threshold_high;
	struct str reasons_yaml;  /* empty: no texts */
	uint8_t model_sha256[32]; /* of model.ubj / model.json */
	enum score_verified verified;
};

/* The image in heap memory, 64-byte aligned, owned by the caller. The forest's features must be the
 * program's, by number and, where the model has names, by name and order; else -EBADMSG. */
int score_image_build(const struct score_parts *p, void **ret, size_t *ret_size,
                      struct errbuf *err);

/* What verification found: the loader writes it and then the checksum anew. */
void score_image_set_verified(void *image, size_t size, enum score_verified v);

#endif
