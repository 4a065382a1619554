/*
 * Histograms for reference.json. Edges come from the data, so that every bin has something to lose;
 * few-valued features (flags, codes, hours) get a bin a value. Called once a feature in training.
 */
#include "learn/histogram.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define DECILES 10

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return x < y ? -1 : x > y;
}

/* The different values in order, if there are few enough; else 0. */
static unsigned list_values(const float *sorted, size_t n, float *ret)
{
	unsigned found = 0;

	for (size_t i = 0; i < n; i++) {
		if (i > 0 && sorted[i] == sorted[i - 1])
			continue;
		if (found == HISTOGRAM_MAX_EDGES)
			return 0;
		ret[found++] = sorted[i];
	}
	return found;
}

static unsigned list_deciles(const float *sorted, size_t n, float *ret)
{
	unsigned found = 0;

	for (size_t i = 1; i < DECILES; i++) {
		float edge = sorted[n * i / DECILES];

		if (found == 0 || edge > ret[found - 1])
			ret[found++] = edge;
	}
	return found;
}

void histogram_add(struct histogram *h, float value)
{
	unsigned low = 0, high = h->edge_count;

	if (isnan(value)) {
		h->missing++;
		return;
	}
	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (value >= h->edges[middle])
			low = middle + 1;
		else
			high = middle;
	}
	h->counts[low]++;
}

int histogram_learn(struct histogram *h, const float *values, size_t count, size_t stride)
{
	CLEANUP(free_p) float *sorted = calloc(count ? count : 1, sizeof(*sorted));
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	*h = (struct histogram){ 0 };
	for (size_t i = 0; i < count; i++) {
		if (!isnan(values[i * stride]))
			sorted[n++] = values[i * stride];
	}
	qsort(sorted, n, sizeof(*sorted), by_value);
	h->edge_count = list_values(sorted, n, h->edges);
	if (h->edge_count == 0 && n > 0)
		h->edge_count = list_deciles(sorted, n, h->edges);
	for (size_t i = 0; i < count; i++)
		histogram_add(h, values[i * stride]);
	return 0;
}
