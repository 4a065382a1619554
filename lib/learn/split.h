/* Rows apart by time: oldest to train on, then validation, the newest as holdout. Never random: a
 * model that has seen tomorrow looks better than it is. */
#ifndef LEARN_SPLIT_H
#define LEARN_SPLIT_H

#include <stddef.h>
#include <stdint.h>

/* Rows [0, validation) train, [validation, holdout) stop early, [holdout, row_count) judge. */
struct split {
	size_t validation, holdout, row_count;
	int64_t cutoff_us; /* time of the oldest holdout row; no other row is as new */
};

/*
 * times: ascending. Rows of one instant stay together, so a part may be larger than its share (a
 * border moves to the older side, or to the newer where nothing would be left to train on).
 * -ENODATA if the times cannot be parted (fewer than two different ones).
 */
int split_by_time(const int64_t *times, size_t count, double test_ratio, double validation_ratio,
                  struct split *ret);

/* The order of the rows by time; rows of one instant keep their order. ret has count entries. */
int split_order(const int64_t *times, size_t count, size_t *ret);

#endif
