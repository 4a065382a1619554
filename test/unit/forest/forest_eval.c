/*
 * A test tool: what lib/forest makes of a model file and a file of rows, as raw numbers for a test
 * in another language to compare. Rows are feature_count float32 each; margins and
 * their sigmoids are written as float32, contributions of the first N rows as float64,
 * feature_count + 1 each.
 *
 *   forest_eval MODEL best|all ROWS MARGINS SCORES N CONTRIBUTIONS
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "forest/build.h"
#include "forest/check.h"
#include "forest/forest.h"

#define MAX_FILE ((size_t)4 << 30)

struct eval {
	struct arena arena;
	void *image, *scratch;
	struct forest forest;
	struct errbuf err;
};

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	return 1;
}

static int load(struct eval *e, const char *path, enum forest_trees which)
{
	CLEANUP(free_p) char *text = NULL;
	struct forest_model *m;
	size_t n;
	int r = file_read(AT_FDCWD, path, MAX_FILE, &text, &n);

	if (r < 0)
		return fail(path, strerror(-r));
	r = forest_import((struct str){ text, n }, which, NULL, &e->arena, &m, &e->err);
	if (r < 0)
		return fail(path, e->err.text);
	n = forest_image_size(m);
	e->image = aligned_alloc(64, n);
	if (!e->image || forest_image_build(m, e->image, &e->err) < 0 ||
	    forest_open(e->image, n, &e->forest, &e->err) < 0)
		return fail(path, e->err.text);
	printf("trees %u of %u, features %u, image %zu bytes\n", m->tree_count, m->trees_in_file,
	       m->feature_count, n);
	return 0;
}

static float margin_of(const struct forest *f, const float *row)
{
	return forest_margin(f, row);
}

static float score_of(const struct forest *f, const float *row)
{
	return forest_sigmoid(forest_margin(f, row));
}

static int write_values(const struct eval *e, const float *rows, size_t count,
                        float (*value_of)(const struct forest *f, const float *row),
                        const char *path)
{
	CLEANUP(fclose_p) FILE *out = fopen(path, "wb");

	if (!out)
		return fail(path, strerror(errno));
	for (size_t i = 0; i < count; i++) {
		float value = value_of(&e->forest, rows + i * e->forest.feature_count);

		if (fwrite(&value, sizeof(value), 1, out) != 1)
			return fail(path, strerror(errno));
	}
	return 0;
}

static int write_contributions(struct eval *e, const float *rows, size_t count, const char *path)
{
	size_t width = e->forest.feature_count;
	CLEANUP(fclose_p) FILE *out = fopen(path, "wb");
	double *contributions = arena_calloc(&e->arena, width + 1, sizeof(double));

	e->scratch = aligned_alloc(64, forest_scratch_size(&e->forest));
	if (!out || !e->scratch || !contributions)
		return fail(path, strerror(errno));
	for (size_t i = 0; i < count; i++) {
		forest_explain(&e->forest, rows + i * width, e->scratch, contributions);
		if (fwrite(contributions, sizeof(double), width + 1, out) != width + 1)
			return fail(path, strerror(errno));
	}
	return 0;
}

static int evaluate(struct eval *e, char **argv)
{
	CLEANUP(free_p) char *text = NULL;
	size_t explained = strtoul(argv[6], NULL, 10);
	const float *rows;
	size_t count;
	size_t n;
	int r = file_read(AT_FDCWD, argv[3], MAX_FILE, &text, &n);

	if (r < 0)
		return fail(argv[3], strerror(-r));
	rows = (const float *)(const void *)text;
	count = n / sizeof(float) / e->forest.feature_count;
	if (count * e->forest.feature_count * sizeof(float) != n || explained > count)
		return fail(argv[3], "not the rows of this model");
	if (forest_self_check(&e->forest, &e->arena, &e->err) < 0)
		return fail(argv[1], e->err.text);
	r = write_values(e, rows, count, margin_of, argv[4]);
	r = r ? r : write_values(e, rows, count, score_of, argv[5]);
	return r ? r : write_contributions(e, rows, explained, argv[7]);
}

int main(int argc, char **argv)
{
	struct eval e = { 0 };
	int r;

	if (argc != 8)
		return fail("usage",
		            "forest_eval MODEL best|all ROWS MARGINS SCORES N CONTRIBUTIONS");
	r = load(&e, argv[1], strcmp(argv[2], "all") ? FOREST_TREES_BEST : FOREST_TREES_ALL);
	r = r ? r : evaluate(&e, argv);
	free(e.image);
	free(e.scratch);
	arena_done(&e.arena);
	return r;
}
