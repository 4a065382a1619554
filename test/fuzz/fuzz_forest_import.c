/* Any bytes as a model document: refused, or a model whose image opens and evaluates. */
#include <stdint.h>
#include <stdlib.h>

#include "forest/build.h"
#include "forest/forest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void evaluate(const struct forest_model *m)
{
	size_t size = forest_image_size(m);
	void *image = aligned_alloc(64, size);
	float *row = calloc(m->feature_count, sizeof(*row));
	double *contributions = calloc(m->feature_count + (size_t)1, sizeof(*contributions));
	struct forest f;
	void *scratch;

	if (!image || !row || !contributions || forest_image_build(m, image, NULL) < 0 ||
	    forest_open(image, size, &f, NULL) < 0)
		abort();
	scratch = aligned_alloc(64, forest_scratch_size(&f));
	forest_margin(&f, row);
	forest_explain(&f, row, scratch, contributions);
	free(scratch);
	free(contributions);
	free(row);
	free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct forest_limits limits = { .max_nodes = 1 << 16,
		                                     .max_category_words = 1 << 16,
		                                     .max_features = 4096 };
	struct str text = { (const char *)data, size };
	struct arena a = { 0 };
	struct forest_model *m;
	struct errbuf err;

	if (forest_import(text, FOREST_TREES_BEST, &limits, &a, &m, &err) == 0)
		evaluate(m);
	arena_done(&a);
	return 0;
}
