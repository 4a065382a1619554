/*
 * The rows that two versions are compared on: those of both holdouts that neither model has seen,
 * each once, with the score of either. What is seen on the way (inputs that have gone dead) is
 * kept.
 */
#ifndef TRAIN_SLICE_H
#define TRAIN_SLICE_H

#include "contender.h"
#include "learn/compare.h"

struct slice_row {
	int64_t key;
	float scores[COMPARE_SIDES];
	uint32_t weight; /* how many rows of the window it stands for (sampling) */
	uint8_t label;
	uint8_t side; /* whose holdout */
};

struct slice {
	int64_t from_us;        /* the later cutoff, UTC */
	struct slice_row *rows; /* by key */
	size_t count, room;
	uint64_t unreadable; /* rows that one of the programs cannot read */
	uint64_t duplicates; /* left out */
	struct errbuf note;  /* why a whole holdout could not be used; "" if both were */
	char dead_input[PROGRAM_MAX_NAME + 1]; /* of the candidate; "" for none */
};

/* Of a row in both holdouts the one of the later cutoff counts: its label is known for longer.
 * -EINVAL: the programs have different time zones. An empty slice is no failure. */
int slice_read(struct slice *s, struct contender *const contenders[COMPARE_SIDES],
               struct errbuf *err);
/* { 0 } is fine. */
void slice_done(struct slice *s);

#endif
