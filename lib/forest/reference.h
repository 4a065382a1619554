/*
 * An independent evaluation of an image, for checks only: straightforward, in float64, slow. It
 * shares the layout with the kernels and no code.
 */
#ifndef FOREST_REFERENCE_H
#define FOREST_REFERENCE_H

#include "forest/forest.h"

/* The margin as XGBoost sums it (float32), and the same leaves summed in float64. */
float reference_margin(const struct forest *f, const float *row, double *ret_sum);

/* SHAP values leaf by leaf, by the weights of subsets; feature_count of them, then the bias. */
void reference_explain(const struct forest *f, const float *row, double *ret_contributions);

/* About how many multiplications reference_explain() takes. */
double reference_work(const struct forest *f);

#endif
