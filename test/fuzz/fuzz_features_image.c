/* Images of programs: any bytes are refused or can be run over a row of the types they declare. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "features/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cell cell_of(enum input_type type, uint32_t i)
{
	struct cell c = { .present = i % 5 != 4 };

	if (type == INPUT_CATEGORY || type == INPUT_TEXT)
		c.v.text = i % 2 ? STR("KR") : STR("\xC3\xA9");
	else if (type == INPUT_NUMBER)
		c.v.number = 1e9 / (i + 1);
	else
		c.v.integer = INT64_C(1767225600000000) + i;
	return c;
}

static void run(const struct program *p, struct arena *a)
{
	struct cell *row = arena_calloc(a, p->input_count, sizeof(*row));
	float *features = arena_calloc(a, p->feature_count, sizeof(*features));
	void *scratch = arena_alloc(a, program_scratch_size(p));

	if (!row || !features || !scratch)
		return;
	program_row_reset(p, row);
	program_run(p, row, scratch, features);
	for (uint32_t i = 0; i < p->input_count; i++)
		row[i] = cell_of(p->inputs[i].type, i);
	program_run(p, row, scratch, features);
	for (uint32_t i = 0; i < p->input_count; i++)
		(void)program_find_input(p, p->inputs[i].name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t room = (size + 63) / 64 * 64;
	struct arena a = { 0 };
	struct errbuf err = { "" };
	struct program p;
	void *image = aligned_alloc(64, room ? room : 64);

	if (!image)
		return 0;
	memcpy(image, data, size);
	if (program_open(image, size, &a, &p, &err) == 0)
		run(&p, &a);
	else if (err.text[0] == '\0')
		abort();
	arena_done(&a);
	free(image);
	return 0;
}
