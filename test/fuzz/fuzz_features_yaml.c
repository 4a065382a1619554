/* Feature programs that people write: any bytes give a program that compiles and runs, or a
 * message. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "features/learned_values.h"
#include "features/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Something for every feature that must learn. */
static int learn(const struct declaration *d, struct arena *a, struct learned **ret)
{
	static struct str levels[] = { { "KR", 2 }, { "Unknown", 7 } };
	int r = learned_new(d, a, ret);

	for (uint32_t i = 0; r == 0 && i < d->feature_count; i++) {
		(*ret)->features[i].levels = levels;
		(*ret)->features[i].level_count = 2;
		(*ret)->features[i].median = (*ret)->features[i].lo = (*ret)->features[i].hi = 1;
	}
	return r;
}

static void run(const struct declaration *d, struct arena *a)
{
	struct learned *l;
	struct errbuf err = { "" };
	struct program p;
	struct cell *row;
	float *features;
	void *image, *scratch;
	size_t n;

	if (learn(d, a, &l) < 0 || program_compile(d, l, a, &image, &n, &err) < 0)
		return;
	if (program_open(image, n, a, &p, &err) < 0)
		abort(); /* what the compiler writes is what the check accepts */
	row = arena_calloc(a, p.input_count, sizeof(*row));
	features = arena_calloc(a, p.feature_count, sizeof(*features));
	scratch = arena_alloc(a, program_scratch_size(&p));
	if (!row || !features || !scratch)
		return;
	program_row_reset(&p, row);
	program_run(&p, row, scratch, features);
	for (uint32_t i = 0; i < p.feature_count; i++) {
		if (isinf(features[i]))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena a = { .limit = (size_t)64 << 20 };
	struct errbuf err = { "" };
	struct declaration *d;
	int r = program_declare(text, "fuzz.yaml", &a, &d, &err);

	if (r == 0)
		run(d, &a);
	else if (err.text[0] == '\0')
		abort();
	arena_done(&a);
	return 0;
}
