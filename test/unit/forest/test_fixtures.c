/*
 * Small models that XGBoost 1.7.4, 3.2.0 and 3.4.1 wrote (test/data/forest), with rows and what
 * the same XGBoost said of them: four values, margin, five contributions a line, in hexadecimal.
 */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "forest/build.h"
#include "forest/check.h"
#include "forest/forest.h"

#define FOLDER FRAUDD_SOURCE_DIR "/test/data/forest/"
#define WIDTH 4

static const char *const models[] = {
	"plain_1.7.4",       "plain_3.2.0",       "plain_3.4.1",  "categorical_1.7.4",
	"categorical_3.2.0", "categorical_3.4.1", "dart_1.7.4",   "dart_3.2.0",
	"dart_3.4.1",        "forest_1.7.4",      "forest_3.2.0", "forest_3.4.1",
};

struct fixture {
	struct arena arena;
	struct forest_model *model;
	struct forest forest;
	void *image;
	size_t size;
};

static void load(struct fixture *x, const char *name, const char *suffix)
{
	char path[256];
	char *text;
	size_t n;
	struct errbuf err;

	*x = (struct fixture){ 0 };
	snprintf(path, sizeof(path), FOLDER "%s.%s", name, suffix);
	if (file_read(AT_FDCWD, path, 1 << 20, &text, &n) < 0)
		fail_msg("could not read %s", path);
	if (forest_import((struct str){ text, n }, FOREST_TREES_BEST, NULL, &x->arena, &x->model,
	                  &err) < 0)
		fail_msg("%s: %s", path, err.text);
	free(text);
	x->size = forest_image_size(x->model);
	x->image = aligned_alloc(64, x->size);
	if (forest_image_build(x->model, x->image, &err) < 0 ||
	    forest_open(x->image, x->size, &x->forest, &err) < 0 ||
	    forest_self_check(&x->forest, &x->arena, &err) < 0)
		fail_msg("%s: %s", path, err.text);
}

static void done(struct fixture *x)
{
	arena_done(&x->arena);
	free(x->image);
}

static uint32_t bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static void compare_row(const struct fixture *x, const char *name, unsigned line, const double *v)
{
	double phi[WIDTH + 1];
	float row[WIDTH] = { 0 };
	float expected = (float)v[WIDTH];
	float margin;
	void *scratch = aligned_alloc(64, forest_scratch_size(&x->forest));

	for (int i = 0; i < WIDTH; i++)
		row[i] = (float)v[i];
	margin = forest_margin(&x->forest, row);
	if (bits(margin) != bits(expected))
		fail_msg("%s, line %u: margin %.9g, not %.9g", name, line, (double)margin,
		         (double)expected);
	forest_explain(&x->forest, row, scratch, phi);
	for (int i = 0; i <= WIDTH; i++)
		if (!(fabs(phi[i] - v[WIDTH + 1 + i]) <= 1e-5 * fmax(1, fabs(v[WIDTH]))))
			fail_msg("%s, line %u, feature %d: %.9g, not %.9g", name, line, i, phi[i],
			         v[WIDTH + 1 + i]);
	free(scratch);
}

static bool read_values(const char *line, double *ret)
{
	char *end;

	for (int i = 0; i < 2 * WIDTH + 2; i++) {
		ret[i] = strtod(line, &end);
		if (end == line)
			return false;
		line = end;
	}
	return true;
}

static void test_same_as_xgboost(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		char path[256];
		char line[1024];
		double v[2 * WIDTH + 2] = { 0 };
		unsigned lines = 0;
		struct fixture x;
		FILE *f;

		load(&x, models[i], "ubj");
		snprintf(path, sizeof(path), FOLDER "%s.rows", models[i]);
		f = fopen(path, "r");
		assert_non_null(f);
		while (fgets(line, sizeof(line), f)) {
			lines++;
			assert_true(read_values(line, v));
			compare_row(&x, models[i], lines, v);
		}
		fclose(f);
		if (lines < 20)
			fail_msg("%s: only %u rows", models[i], lines);
		done(&x);
	}
}

/* Both spellings of a model give the same image, byte for byte. */
static void test_ubj_is_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		struct fixture json;
		struct fixture ubj;

		load(&json, models[i], "json");
		load(&ubj, models[i], "ubj");
		if (json.size != ubj.size || memcmp(json.image, ubj.image, json.size) != 0)
			fail_msg("%s: the images differ", models[i]);
		done(&json);
		done(&ubj);
	}
}

static void test_what_the_documents_say(void **state)
{
	static const struct {
		const char *name;
		unsigned major, minor;
		int dart;
		enum forest_objective objective;
		unsigned trees;
	} cases[] = {
		{ "plain_1.7.4", 1, 7, 0, FOREST_BINARY_LOGISTIC, 3 },
		{ "dart_1.7.4", 1, 7, 1, FOREST_BINARY_LOGISTIC, 4 },
		{ "dart_3.2.0", 3, 2, 1, FOREST_BINARY_LOGISTIC, 4 },
		{ "dart_3.4.1", 3, 4, 1, FOREST_BINARY_LOGISTIC, 4 },
		{ "forest_3.4.1", 3, 4, 0, FOREST_REG_LOGISTIC, 6 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture x;

		load(&x, cases[i].name, "ubj");
		assert_int_equal(x.model->version[0], cases[i].major);
		assert_int_equal(x.model->version[1], cases[i].minor);
		assert_int_equal(x.model->dart, cases[i].dart);
		assert_int_equal(x.model->objective, cases[i].objective);
		assert_int_equal(x.model->trees_in_file, cases[i].trees);
		assert_int_equal(x.model->feature_count, WIDTH);
		done(&x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_xgboost),
		cmocka_unit_test(test_ubj_is_json),
		cmocka_unit_test(test_what_the_documents_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
