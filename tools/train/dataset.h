/*
 * The training window in memory: features and labels in the order of time, and what was learned on
 * the way. Rows are read twice: dataset_scan() learns values and times, dataset_fill() computes the
 * features of each row into its place.
 */
#ifndef TRAIN_DATASET_H
#define TRAIN_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/strbuf.h"
#include "features/learn.h"
#include "features/program.h"
#include "learn/split.h"
#include "source.h"

#define DATASET_GOLDEN_ROWS 64

struct dataset {
	const struct declaration *declaration;
	struct learned *learned;
	struct program program; /* compiled with what was learned */

	size_t count; /* rows that can be used; all arrays are in the order of time */
	size_t positives;
	double sample_non_fraud; /* share of the other rows that the source gave */
	uint64_t bad_rows;
	int64_t *times;
	uint8_t *labels;
	float *targets;  /* labels as XGBoost takes them */
	float *features; /* count * program.feature_count */
	struct split split;

	/* Inputs as text (specimen.h): the header line and the rows that were chosen. */
	struct strbuf golden;
	size_t golden_count;
	size_t golden_ends[DATASET_GOLDEN_ROWS + 1]; /* of each line, the header's first */
	int holdout_fd; /* holdout_raw.csv, an unnamed file; -1: none */

	struct learner *learner;
	size_t *position; /* of the i-th usable row of the source in the order of time */
	size_t room;
	struct arena arena;
};

struct dataset_options {
	const struct declaration *declaration;
	double test_ratio, validation_ratio;
	double sample_non_fraud; /* kept for the manifest */
	/* For the first bad rows; the rest is counted. */
	void (*on_bad_row)(void *self, uint64_t line, const char *what);
	void *self;
};

/* The inputs as a program, in the arena: rows must be read before there is anything to compile
 * with. Its features mean nothing. */
int dataset_open_inputs(const struct declaration *d, struct arena *a, struct program *ret,
                        struct errbuf *err);

/* First pass. -ENODATA with the words: nothing to learn from (no positive, one class in the
 * holdout or before it, times that cannot be parted): training is skipped. */
int dataset_scan(struct dataset *d, const struct row_source *source,
                 const struct dataset_options *o, struct errbuf *err);
/* Second pass, with the compiled program. folder: where the unnamed holdout file goes. */
int dataset_fill(struct dataset *d, const struct row_source *source, const char *folder,
                 struct errbuf *err);
/* Safe on { .holdout_fd = -1 } and half-built ones. */
void dataset_done(struct dataset *d);

static inline size_t dataset_positives(const struct dataset *d, size_t from, size_t until)
{
	size_t n = 0;

	for (size_t i = from; i < until; i++)
		n += d->labels[i];
	return n;
}

#endif
