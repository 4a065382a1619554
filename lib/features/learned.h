/*
 * What training found, as others see it: written to a bundle as encoders.json and medians.json, and
 * read back from there for the compiler.
 */
#ifndef FEATURES_LEARNED_H
#define FEATURES_LEARNED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/str.h"

struct declaration;
struct learned;
struct strbuf;

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
