/*
 * What a program learns from training rows: category levels, clipping bounds, medians, and the mean
 * and standard deviation of each feature for z-scores. Kept in a bundle as encoders.json and
 * medians.json; read back from there by the compiler.
 */
#ifndef FEATURES_LEARN_H
#define FEATURES_LEARN_H

#include "features/program.h"

struct strbuf;

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

/* The artifacts' texts. */
int learned_write_encoders(const struct learned *l, const struct declaration *d,
                           struct strbuf *out);
int learned_write_medians(const struct learned *l, const struct declaration *d, struct strbuf *out);
int learned_read(const struct declaration *d, struct str encoders_json, struct str medians_json,
                 struct arena *a, struct learned **ret, struct errbuf *err);

/* Mean and standard deviation of one feature; false for a category or where none was learned. */
bool learned_feature_stats(const struct learned *l, uint32_t feature, double *ret_mean,
                           double *ret_sd);

#endif
