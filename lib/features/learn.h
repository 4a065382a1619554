/*
 * What a program learns from training rows: category levels, clipping bounds, medians, and the mean
 * and standard deviation of each feature for z-scores. learned.h keeps it and reads it back.
 */
#ifndef FEATURES_LEARN_H
#define FEATURES_LEARN_H

#include "features/learned.h"
#include "features/program.h"

struct learner;

/* Rows are given in two passes over the same data: PASS_VALUES collects levels and quantiles,
 * then program_compile() with learner_result() gives a program; PASS_FEATURES is fed with its
 * output for means and standard deviations. */
int learner_new(const struct declaration *d, struct arena *a, struct learner **ret,
                struct errbuf *err);
int learner_add_row(struct learner *l, const struct cell *row); /* 0, -ENOMEM, -E2BIG (levels) */
/* Ends the first pass; the result is in the arena and valid as long as it. */
int learner_finish_values(struct learner *l, struct learned **ret, struct errbuf *err);
int learner_add_features(struct learner *l, const float *features);
int learner_finish_features(struct learner *l, struct learned *into);

#endif
