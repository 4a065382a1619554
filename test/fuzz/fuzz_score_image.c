/*
 * A good model image with some bytes changed, as the checksum would not let through: refused, or
 * opened and used within its bounds. The input is a list of changes: three bytes of offset (modulo
 * the size), one byte of new value. A list reaches what lies behind the first check; a corpus of
 * images would go stale with the layout.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/bundle/small_version.h"
#include "score/build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const void *original(size_t *ret_size)
{
	static void *image;
	static size_t image_size;
	struct small_version v = { 0 };

	if (!image) {
		json_setup();
		small_fill(&v);
		if (small_image(&v, &image, &image_size, NULL) < 0)
			abort();
		small_done(&v);
	}
	*ret_size = image_size;
	return image;
}

static void score(const struct score_model *m)
{
	const struct score_options all = { DECISION_ALLOW, SCORE_MAX_REASONS };
	struct cell *row = calloc(m->program.input_count + 1, sizeof(*row));
	struct strbuf out = { 0 };
	struct json_writer w = { .out = &out };
	struct score_scratch s = { 0 };
	struct score_result r;

	if (row && score_scratch_init(&s, m) == 0) {
		program_row_reset(&m->program, row);
		score_row(m, row, &all, &s, &r);
		score_write_json(&w, m, row, &r, true);
		score_write_csv(&out, m, row, &r, 3);
	}
	score_scratch_done(&s);
	strbuf_done(&out);
	free(row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { .limit = 64 << 20 };
	struct score_model m;
	size_t image_size;
	const void *image = original(&image_size);
	uint8_t *copy = aligned_alloc(64, image_size);

	if (!copy)
		return 0;
	memcpy(copy, image, image_size);
	for (size_t i = 0; i + 4 <= size; i += 4) {
		size_t at = (size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2];

		copy[at % image_size] = data[i + 3];
	}
	if (score_open(copy, image_size, false, &a, &m, NULL) == 0)
		score(&m);
	arena_done(&a);
	free(copy);
	return 0;
}
