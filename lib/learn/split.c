/*
 * The split out of time. Called by fraud-train. Invariant: every row of a later part is newer than
 * every row of an earlier part; comparison of versions rests on that ("rows at or after the later
 * cutoff" are rows that neither model has seen).
 */
#include "learn/split.h"

#include <errno.h>
#include <stdlib.h>

/* First row of the part that has the newest `share` of rows [0, end); 0 if there is no border. */
static size_t border(const int64_t *times, size_t end, double share)
{
	size_t at = end - (size_t)((double)end * share);
	size_t older, newer;

	if (at == 0 || at >= end)
		at = at ? end - 1 : 1;
	for (older = at; older > 0 && times[older - 1] == times[at]; older--)
		;
	if (older > 0)
		return older;
	for (newer = at; newer < end && times[newer] == times[at]; newer++)
		;
	return newer < end ? newer : 0;
}

int split_by_time(const int64_t *times, size_t count, double test_ratio, double validation_ratio,
                  struct split *ret)
{
	struct split s = { .row_count = count };

	if (count < 2)
		return -ENODATA;
	s.holdout = border(times, count, test_ratio);
	if (s.holdout == 0)
		return -ENODATA;
	s.cutoff_us = times[s.holdout];
	s.validation = s.holdout < 2 ? 0 : border(times, s.holdout, validation_ratio);
	if (s.validation == 0)
		s.validation = s.holdout;
	*ret = s;
	return 0;
}

struct timed {
	int64_t time;
	size_t row;
};

static int by_time(const void *a, const void *b)
{
	const struct timed *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

int split_order(const int64_t *times, size_t count, size_t *ret)
{
	struct timed *rows = calloc(count ? count : 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		rows[i] = (struct timed){ times[i], i };
	qsort(rows, count, sizeof(*rows), by_time);
	for (size_t i = 0; i < count; i++)
		ret[i] = rows[i].row;
	free(rows);
	return 0;
}
