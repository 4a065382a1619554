/*
 * A tree image in use: row in, margin and exact SHAP contributions out. The image is flat and
 * position-independent (offsets only), built once by forest/build.h and evaluated from shared,
 * write-sealed memory. Pure: no I/O, no allocation, no state.
 *
 * This is the clear scalar reference. Faster kernels stand beside it behind the same calls and must
 * give the same margin bits.
 */
#ifndef FOREST_FOREST_H
#define FOREST_FOREST_H

#include <stddef.h>
#include <stdint.h>

#include "base/errbuf.h"

struct forest_header; /* forest/image.h */
struct forest_tree;
struct forest_node;
struct forest_point;

/* A view; the image must outlive it. */
struct forest {
	const struct forest_header *header;
	const struct forest_tree *trees;
	const struct forest_node *nodes;
	const double *shares;              /* of each node: share of the cover that went left */
	const uint32_t *categories;        /* bit sets of categorical splits */
	const struct forest_point *points; /* quadrature rules */
	uint32_t tree_count;
	uint32_t feature_count;
	uint32_t max_depth;
	double bias; /* base margin + sum over trees of the cover-weighted mean leaf */
};

/*
 * Checks the header and, once, every offset, child, feature index and depth, so that evaluation
 * need not. The image must be 64-byte aligned. -EBADMSG with words that name tree and node;
 * -EPROTONOSUPPORT for another layout version.
 */
int forest_open(const void *image, size_t size, struct forest *ret, struct errbuf *err);

/* The header alone: is this an image of this layout and of that size? Errors as forest_open(). */
int forest_recognise(const void *image, size_t size, struct errbuf *err);

/*
 * Log-odds (or the regression value) of one row of feature_count float32; NaN is missing.
 * float32 sum in file order from the base margin: the bits of XGBoost's DMatrix prediction.
 */
float forest_margin(const struct forest *f, const float *row);

/* Bytes that forest_explain() needs for this forest, 64-byte aligned, owned by the caller. */
size_t forest_scratch_size(const struct forest *f);

/*
 * Path-dependent SHAP values in units of the margin: feature_count contributions, then the bias.
 * Their sum is the margin but for rounding. Method: the multilinear form with Gauss-Legendre
 * nodes; exact for every depth (forest.md 2.3). Order of summation is fixed: same row, same bits.
 */
void forest_explain(const struct forest *f, const float *row, void *scratch,
                    double *ret_contributions);

/* XGBoost's own float32 sigmoid, bit for bit. */
float forest_sigmoid(float margin);

#endif
