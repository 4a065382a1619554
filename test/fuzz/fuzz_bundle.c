/* Any text as each of a bundle's small texts: manifest, thresholds, MLmodel, golden rows, reasons.
 */
#include <stdint.h>
#include <stdlib.h>

#include "../unit/bundle/small_version.h"
#include "bundle/texts.h"
#include "score/build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as_golden(struct str text)
{
	static void *image;
	static size_t image_size;
	struct small_version v = { 0 };
	struct arena a = { 0 };
	struct score_model m;

	small_fill(&v);
	if (!image && small_image(&v, &image, &image_size, NULL) < 0)
		abort();
	if (score_open(image, image_size, false, &a, &m, NULL) < 0)
		abort();
	golden_check(text, &m, NULL);
	arena_done(&a);
	small_done(&v);
}

static void read_as_reasons(struct str text)
{
	struct small_version v = { 0 };
	struct errbuf err;
	size_t size;
	void *image;

	small_fill(&v);
	strbuf_reset(&v.text[SMALL_REASONS]);
	strbuf_add(&v.text[SMALL_REASONS], text.p, text.n);
	if (small_image(&v, &image, &size, &err) == 0)
		free(image);
	small_done(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena a = { 0 };
	struct thresholds thresholds;
	struct manifest manifest;
	struct errbuf err;
	struct str model;

	json_setup();
	manifest_read(text, &a, &manifest, &err);
	thresholds_read(text, &a, &thresholds, &err);
	mlmodel_read(text, &a, &model, &err);
	arena_done(&a);
	read_as_golden(text);
	read_as_reasons(text);
	return 0;
}
