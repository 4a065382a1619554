/*
 * The proof that a model without golden rows gets before it is published: the kernels against an
 * independent float64 reference on 64 rows drawn from the model's own thresholds.
 */
#ifndef FOREST_CHECK_H
#define FOREST_CHECK_H

#include "base/arena.h"
#include "base/errbuf.h"
#include "forest/forest.h"

/* Rows whose margins are compared. */
#define FOREST_CHECK_ROWS 64

/*
 * Margins bit for bit; contributions within 3e-6 * max(1, |margin|) of the reference, and their
 * sum of the margin. The rows are the same at every call: values below, at and above thresholds,
 * categories in and out of sets, infinities, missing values. Of a very large forest fewer rows
 * are explained (at least one), so that the check takes seconds. -EBADMSG names row and feature;
 * -ENOMEM. Memory from the arena.
 */
int forest_self_check(const struct forest *f, struct arena *a, struct errbuf *err);

/* The rows alone: FOREST_CHECK_ROWS * feature_count float32, or NULL without memory. */
float *forest_check_rows(const struct forest *f, struct arena *a);

#endif
