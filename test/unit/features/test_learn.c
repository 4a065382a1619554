/*
 * What is learned: levels, quartiles as numpy has them, moments that do not depend on the order of
 * rows; and the artifacts, written, read back and refused.
 */
#include <errno.h>
#include <float.h>
#include <math.h>

#include "base/random.h"
#include "base/strbuf.h"
#include "features/learned_values.h"
#include "features/moments.h"
#include "fixture.h"

#define PROGRAM                                                                                    \
	"version: 1\n"                                                                             \
	"inputs:\n"                                                                                \
	"  - { name: k, type: integer, required: true, role: key }\n"                              \
	"  - { name: t, type: datetime, required: true, role: time }\n"                            \
	"  - { name: x, type: number }\n"                                                          \
	"  - { name: c, type: category }\n"                                                        \
	"features:\n"                                                                              \
	"  - { name: x, op: number, of: x, clip: iqr }\n"                                          \
	"  - { name: m, op: number, of: k, missing: median }\n"                                    \
	"  - { name: c, op: category, of: c }\n"                                                   \
	"  - { name: h, op: date_part, of: t, part: hour }\n"

static struct learner *start(struct fixture *f)
{
	struct learner *l;
	struct errbuf err = { "" };

	json_setup();
	fixture_declare(f, STR(PROGRAM));
	assert_int_equal(learner_new(f->d, &f->a, &l, &err), 0);
	return l;
}

static struct cell number_cell(double v)
{
	return (struct cell){ .present = true, .v.number = v };
}

static void quartiles(void **unused)
{
	/* Wanted: numpy 2.4, numpy.quantile(values, q). */
	static const struct {
		double values[12];
		size_t count;
		double lo, hi;
	} cases[] = {
		{ { 3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8.5 }, 12, 0, 9 },
		{ { 0.1, 0.2, 0.7, 100.3, 1e6 }, 5, 0, 250.45 },
		{ { -50, -40, -10, -5.5, -1 }, 5, 0, 46.25 },
		{ { 7 }, 1, 7, 7 },
		{ { 100, 101 }, 2, 99.5, 101.5 },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fixture f = { 0 };
		struct errbuf err = { "" };
		struct learner *l = start(&f);
		struct cell row[4] = { [0] = { .present = true } };

		row[0].v.integer = 1;
		assert_int_equal(learner_add_row(l, row), 0); /* missing: no value */
		for (size_t k = 0; k < cases[i].count; k++) {
			row[2] = number_cell(cases[i].values[k]);
			assert_int_equal(learner_add_row(l, row), 0);
		}
		assert_int_equal(learner_finish_values(l, &f.learned, &err), 0);
		if (fabs(f.learned->features[0].lo - cases[i].lo) > 1e-12 ||
		    fabs(f.learned->features[0].hi - cases[i].hi) > 1e-9)
			fail_msg("case %zu: %.17g %.17g", i, f.learned->features[0].lo,
			         f.learned->features[0].hi);
		fixture_done(&f);
	}
}

static void add_rows(struct learner *l, const int *order, size_t count)
{
	static const char *const levels[] = { "KR", "CN", "", "US", "KR", "\xC3\x89" };

	for (size_t i = 0; i < count; i++) {
		struct cell row[4] = { 0 };
		int k = order[i];

		row[0] = (struct cell){ .present = true, .v.integer = (int64_t)k * 10 };
		row[2] = number_cell(k * 0.1);
		if (levels[k % 6][0])
			row[3] = (struct cell){ .present = true, .v.text = str_of(levels[k % 6]) };
		assert_int_equal(learner_add_row(l, row), 0);
	}
}

static void levels_and_order(void **unused)
{
	static const char *const want[] = { "CN", "KR", "US", "Unknown", "\xC3\x89" };
	struct strbuf texts[2] = { { 0 } };
	struct random rng;
	int order[100];

	(void)unused;
	random_seed(&rng, 1);
	for (int i = 0; i < 100; i++)
		order[i] = i;
	for (int round = 0; round < 2; round++) {
		struct fixture f = { 0 };
		struct errbuf err = { "" };
		struct learner *l = start(&f);

		add_rows(l, order, 100);
		assert_int_equal(learner_finish_values(l, &f.learned, &err), 0);
		assert_int_equal(f.learned->features[2].level_count, COUNT(want));
		for (size_t i = 0; i < COUNT(want); i++)
			assert_true(str_is(f.learned->features[2].levels[i], want[i]));
		assert_true(f.learned->features[1].median == 495);
		for (size_t i = 0; i < 100; i++) {
			float row[4] = { (float)order[i] * 1e30F, (float)order[i] / 3, 0, NAN };

			learner_add_features(l, row);
		}
		assert_int_equal(learner_finish_features(l, f.learned), 0);
		assert_int_equal(learned_write_medians(f.learned, f.d, &texts[round]), 0);
		fixture_done(&f);
		for (size_t i = 99; i > 0; i--) {
			size_t k = random_below(&rng, i + 1);
			int swap = order[i];

			order[i] = order[k];
			order[k] = swap;
		}
	}
	assert_string_equal(texts[0].p, texts[1].p);
	strbuf_done(&texts[0]);
	strbuf_done(&texts[1]);
}

static void moments(void **unused)
{
	static const struct {
		float values[6];
		size_t count;
		double mean, sd;
	} cases[] = {
		{ { 1, 2, 3, 4 }, 4, 2.5, 1.1180339887498949 },
		{ { 5 }, 1, 5, 0 },
		{ { 2026, 2026, 2027 }, 3, 2026.3333333333333, 0.47140452079103168 },
		{ { -1, 1 }, 2, 0, 1 },
		{ { 16777215, 16777216 }, 2, 16777215.5, 0.5 },
		{ { 1, NAN, 3 }, 3, 2, 1 },
		{ { FLT_MAX, -FLT_MAX }, 2, 0, (double)FLT_MAX },
		{ { 0x1p-149F, 0x3p-149F }, 2, 0x1p-148, 0x1p-149 },
		{ { 1e30F, 1, -1e30F, 1 }, 4, 0.5, 7.0710678118654752e29 },
	};
	double mean, sd;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct moments m = { 0 };

		for (size_t k = 0; k < cases[i].count; k++)
			moments_add(&m, cases[i].values[k]);
		assert_true(moments_result(&m, &mean, &sd));
		if (fabs(mean - cases[i].mean) > 1e-15 * fabs(cases[i].mean) ||
		    fabs(sd - cases[i].sd) > 1e-7 * cases[i].sd)
			fail_msg("case %zu: %.17g %.17g", i, mean, sd);
	}
	assert_false(moments_result(&(struct moments){ 0 }, &mean, &sd));
}

static void empty_column(void **unused)
{
	struct fixture f = { 0 };
	struct errbuf err = { "" };
	struct learner *l = start(&f);
	struct cell row[4] = { 0 };

	(void)unused;
	assert_int_equal(learner_add_row(l, row), 0);
	assert_int_equal(learner_finish_values(l, &f.learned, &err), -ENODATA);
	assert_string_equal(err.text, "feature \"x\": no training row has a value for its input");
	fixture_done(&f);
}

static void too_many_levels(void **unused)
{
	struct fixture f = { 0 };
	struct learner *l = start(&f);
	int r = 0, i;

	(void)unused;
	for (i = 0; r == 0 && i <= PROGRAM_MAX_LEVELS; i++) {
		struct cell row[4] = { 0 };
		char text[16];

		snprintf(text, sizeof(text), "%d", i);
		row[3] = (struct cell){ .present = true, .v.text = str_of(text) };
		r = learner_add_row(l, row);
	}
	assert_int_equal(r, -E2BIG);
	assert_int_equal(i - 1, PROGRAM_MAX_LEVELS);
	fixture_done(&f);
}

/* learned -> text -> learned: the same numbers, the same text. */
static void round_trip(void **unused)
{
	struct fixture f = { 0 };
	struct errbuf err = { "" };
	struct learner *l = start(&f);
	struct strbuf encoders = { 0 }, medians = { 0 }, again = { 0 };
	struct learned *back;
	const int order[] = { 0, 1, 2, 3, 4, 5, 77 };
	const float features[] = { 0.1F, 2, 3, 17 }, others[] = { 0.3F, 2, 1, NAN };
	double mean, sd;

	(void)unused;
	add_rows(l, order, COUNT(order));
	assert_int_equal(learner_finish_values(l, &f.learned, &err), 0);
	learner_add_features(l, features);
	learner_add_features(l, others);
	assert_int_equal(learner_finish_features(l, f.learned), 0);
	assert_int_equal(learned_write_encoders(f.learned, f.d, &encoders), 0);
	assert_string_equal(encoders.p,
	                    "{\"c\":[\"CN\",\"KR\",\"US\",\"Unknown\",\"\xC3\x89\"]}\n");
	assert_int_equal(learned_write_medians(f.learned, f.d, &medians), 0);
	if (learned_read(f.d, strbuf_str(&encoders), strbuf_str(&medians), &f.a, &back, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(learned_write_medians(back, f.d, &again), 0);
	assert_string_equal(medians.p, again.p);
	assert_true(learned_feature_stats(back, 0, &mean, &sd));
	assert_true(mean == f.learned->features[0].mean && sd == f.learned->features[0].sd);
	assert_false(learned_feature_stats(back, 1, &mean, &sd)); /* always 2: no deviation */
	assert_false(learned_feature_stats(back, 2, &mean, &sd)); /* a category */
	strbuf_done(&encoders);
	strbuf_done(&medians);
	strbuf_done(&again);
	fixture_done(&f);
}

#define COLUMNS "\"feature_columns\": [\"x\", \"m\", \"c\", \"h\"]"

static void refused_artifacts(void **unused)
{
	static const struct {
		const char *encoders, *medians, *words;
	} cases[] = {
		{ "[]", "{" COLUMNS "}", "encoders.json: it must be an object" },
		{ "{\"y\": []}", "{" COLUMNS "}",
		  "encoders.json: \"y\" is no feature of the program" },
		{ "{\"x\": [\"a\"]}", "{" COLUMNS "}",
		  "encoders.json: \"x\" is no category of the program" },
		{ "{\"c\": \"a\"}", "{" COLUMNS "}",
		  "encoders.json: \"c\" must be a list of levels" },
		{ "{\"c\": []}", "{" COLUMNS "}", "encoders.json: \"c\" has no level or too many" },
		{ "{\"c\": [1]}", "{" COLUMNS "}",
		  "encoders.json: \"c\" has a level that is no text" },
		{ "{\"c\": [\"b\", \"a\"]}", "{" COLUMNS "}",
		  "encoders.json: \"c\" has levels that are not in sorted order" },
		{ "{\"c\": [\"a\", \"a\"]}", "{" COLUMNS "}",
		  "encoders.json: \"c\" has levels that are not in sorted order" },
		{ "{}", "{}", "medians.json: \"feature_columns\" is missing" },
		{ "{}", "{\"feature_columns\": [\"x\"]}",
		  "medians.json: \"feature_columns\" must list the program's 4 features" },
		{ "{}", "{\"feature_columns\": [\"x\", \"c\", \"m\", \"h\"]}",
		  "medians.json: in \"feature_columns\" number 2 is not \"m\"" },
		{ "{}", "{" COLUMNS ", \"modes\": {}}",
		  "medians.json: \"modes\" is not known here" },
		{ "{}", "{" COLUMNS ", \"means\": []}",
		  "medians.json: \"means\" must be an object" },
		{ "{}", "{" COLUMNS ", \"means\": {\"y\": 1}}",
		  "medians.json: \"y\" is no feature of the program" },
		{ "{}", "{" COLUMNS ", \"means\": {\"x\": \"1\"}}",
		  "medians.json: \"x\" must be a finite number" },
		{ "{}", "{" COLUMNS ", \"medians\": {\"x\": 1e999}}",
		  "medians.json: \"x\" must be a finite number" },
		{ "{}", "{" COLUMNS ", \"clipping_bounds\": {\"x\": [1]}}",
		  "medians.json: \"x\" must be [low, high]" },
		{ "{}", "{" COLUMNS ", \"clipping_bounds\": {\"x\": [2, 1]}}",
		  "medians.json: \"x\" has a low bound above the high one" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fixture f = { 0 };
		struct errbuf err = { "" };
		int r;

		start(&f);
		r = learned_read(f.d, str_of(cases[i].encoders), str_of(cases[i].medians), &f.a,
		                 &f.learned, &err);
		if (r != -EBADMSG || strcmp(err.text, cases[i].words) != 0)
			fail_msg("case %zu: %d %s", i, r, err.text);
		fixture_done(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quartiles),         cmocka_unit_test(levels_and_order),
		cmocka_unit_test(moments),           cmocka_unit_test(empty_column),
		cmocka_unit_test(too_many_levels),   cmocka_unit_test(round_trip),
		cmocka_unit_test(refused_artifacts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
