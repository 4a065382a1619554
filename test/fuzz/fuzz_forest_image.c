/* Any bytes as a tree image: refused, or evaluated and explained within its bounds. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "forest/forest.h"

#define MAX_FEATURES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void evaluate(const struct forest *f)
{
	static const float values[] = { 0, NAN, INFINITY, -INFINITY, 3, 1e9f, -0.5f, 40 };
	float row[MAX_FEATURES];
	double contributions[MAX_FEATURES + 1];
	void *scratch = aligned_alloc(64, forest_scratch_size(f));

	for (unsigned first = 0; first < 8; first++) {
		for (uint32_t i = 0; i < f->feature_count; i++)
			row[i] = values[(first + i) % 8];
		forest_margin(f, row);
		forest_explain(f, row, scratch, contributions);
	}
	free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *image = aligned_alloc(64, size ? (size + 63) / 64 * 64 : 64);
	struct forest f;

	if (!image)
		return 0;
	memcpy(image, data, size);
	if (forest_open(image, size, &f, NULL) == 0 && f.feature_count <= MAX_FEATURES)
		evaluate(&f);
	free(image);
	return 0;
}
