/*
 * The library as trainer and as oracle: what it trains our importer reads, in both spellings, and
 * margins agree bit for bit, contributions within 1e-5. And what it says when something is wrong.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "forest/build.h"
#include "forest/forest.h"
#include "xgb/xgb.h"

#define ROWS 600
#define FEATURES 7

static float features[ROWS * FEATURES];
static float labels[ROWS];
static const struct str names[FEATURES] = { { "a", 1 }, { "b", 1 }, { "c", 1 }, { "d", 1 },
	                                    { "e", 1 }, { "f", 1 }, { "g", 1 } };

static const struct xgb_param params[] = {
	{ "objective", "binary:logistic" },
	{ "tree_method", "exact" },
	{ "max_depth", "5" },
	{ "eta", "0.3" },
	{ "seed", "1" },
	{ "nthread", "1" },
};

static int make_rows(void **state)
{
	struct random random;

	(void)state;
	random_seed(&random, 5);
	for (size_t i = 0; i < ROWS; i++) {
		float *row = features + i * FEATURES;

		for (size_t k = 0; k < FEATURES; k++)
			row[k] = random_unit(&random) < 0.1 ? NAN : (float)random_normal(&random);
		labels[i] = row[0] * row[1] + (float)random_normal(&random) > 0.5f ? 1.0f : 0.0f;
	}
	return 0;
}

static struct xgb_data *data_of(size_t from, size_t until)
{
	struct xgb_rows rows = {
		.features = features + from * FEATURES,
		.labels = labels + from,
		.row_count = until - from,
		.feature_count = FEATURES,
		.names = names,
		.threads = 1,
	};
	struct xgb_data *d;
	struct errbuf err;

	if (xgb_data_new(&rows, &d, &err) < 0)
		fail_msg("%s", err.text);
	return d;
}

static uint32_t rounds_seen;

static struct xgb_round last_round;

static int on_round(void *self, const struct xgb_round *round)
{
	const uint32_t *last = self;

	assert_int_equal(round->round, ++rounds_seen);
	last_round = *round;
	return last && round->round == *last ? -1 : 0;
}

static uint32_t stop_after = 5;

static struct xgb_model *train(uint32_t rounds, const struct xgb_data *validation,
                               uint32_t *ret_rounds)
{
	struct xgb_training t = {
		.params = params,
		.param_count = sizeof(params) / sizeof(params[0]),
		.rounds = rounds,
		.validation = validation,
		.early_stopping_rounds = stop_after,
		.training_figures = true,
		.on_round = on_round,
	};
	struct xgb_data *d = data_of(0, 400);
	struct xgb_model *m;
	struct errbuf err;

	rounds_seen = 0;
	if (xgb_train(d, &t, &m, ret_rounds, &err) < 0)
		fail_msg("%s", err.text);
	xgb_data_free(d);
	return m;
}

/* The document's forest, opened; the image is the caller's. */
static void *open_forest(struct str document, struct arena *a, struct forest *ret)
{
	struct forest_model *model;
	struct errbuf err;
	void *image;

	if (forest_import(document, FOREST_TREES_BEST, NULL, a, &model, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(model->feature_count, FEATURES);
	assert_non_null(model->feature_names);
	assert_true(str_is(model->feature_names[6], "g"));
	image = aligned_alloc(64, forest_image_size(model));
	assert_non_null(image);
	if (forest_image_build(model, image, &err) < 0 ||
	    forest_open(image, forest_image_size(model), ret, &err) < 0)
		fail_msg("%s", err.text);
	return image;
}

static void test_oracle(void **state)
{
	static float margins[ROWS], contributions[ROWS * (FEATURES + 1)];
	static const char *const formats[] = { "ubj", "json" };
	struct xgb_data *all = data_of(0, ROWS);
	uint32_t rounds;
	struct xgb_model *m = train(20, NULL, &rounds);
	struct errbuf err;

	(void)state;
	assert_int_equal(rounds, 20);
	assert_int_equal(xgb_predict_margins(m, all, margins, &err), 0);
	assert_int_equal(xgb_predict_contributions(m, all, contributions, &err), 0);
	for (unsigned k = 0; k < 2; k++) {
		struct strbuf document = { 0 };
		double ours[FEATURES + 1];
		struct arena a = { 0 };
		struct forest f;
		void *image, *scratch;

		assert_int_equal(xgb_model_save(m, formats[k], &document, &err), 0);
		image = open_forest(strbuf_str(&document), &a, &f);
		scratch = aligned_alloc(64, (forest_scratch_size(&f) + 63) / 64 * 64);
		for (size_t i = 0; i < ROWS; i++) {
			float margin = forest_margin(&f, features + i * FEATURES);

			if (margin != margins[i])
				fail_msg("%s, row %zu: %.9g, XGBoost says %.9g", formats[k], i,
				         (double)margin, (double)margins[i]);
			forest_explain(&f, features + i * FEATURES, scratch, ours);
			for (size_t c = 0; c <= FEATURES; c++) {
				double theirs = (double)contributions[i * (FEATURES + 1) + c];

				if (fabs(ours[c] - theirs) > 1e-5 * fmax(1.0, fabs((double)margin)))
					fail_msg(
					        "%s, row %zu, feature %zu: %.9g, XGBoost says %.9g",
					        formats[k], i, c, ours[c], theirs);
			}
		}
		free(scratch);
		free(image);
		arena_done(&a);
		strbuf_done(&document);
	}
	xgb_model_free(m);
	xgb_data_free(all);
}

/* Fewer trees than were trained: those up to the best round, with the same bits. */
static void test_early_stopping(void **state)
{
	static float stopped[ROWS], plain[ROWS];
	struct xgb_data *validation = data_of(400, ROWS);
	struct xgb_data *all = data_of(0, ROWS);
	struct xgb_model *m, *same;
	uint32_t rounds, again;
	struct errbuf err;

	(void)state;
	m = train(200, validation, &rounds);
	assert_int_equal(rounds_seen, rounds + 5);
	same = train(rounds, NULL, &again);
	assert_int_equal(again, rounds);
	assert_int_equal(xgb_predict_margins(m, all, stopped, &err), 0);
	assert_int_equal(xgb_predict_margins(same, all, plain, &err), 0);
	assert_memory_equal(stopped, plain, sizeof(plain));
	xgb_model_free(m);
	xgb_model_free(same);
	stop_after = 0;
	m = train(200, validation, &rounds);
	stop_after = 5;
	assert_int_equal(rounds, 200);
	xgb_model_free(m);
	xgb_data_free(validation);
	xgb_data_free(all);
}

static double log_loss(const float *margins, size_t from, size_t until)
{
	double sum = 0;

	for (size_t i = from; i < until; i++)
		sum += log1p(exp(labels[i] > 0.5f ? (double)-margins[i] : (double)margins[i]));
	return sum / (double)(until - from);
}

/* Two rows behind each other that are of one class. */
static size_t one_class(void)
{
	size_t i = 400;

	while (labels[i] > 0.5f || labels[i + 1] > 0.5f)
		i++;
	return i;
}

/* What is told of a round is what its model does. */
static void test_figures(void **state)
{
	static float margins[ROWS];
	struct xgb_data *validation = data_of(400, ROWS);
	struct xgb_data *all = data_of(0, ROWS);
	uint32_t rounds;
	struct xgb_model *m = train(4, validation, &rounds);
	struct errbuf err;

	(void)state;
	assert_int_equal(rounds, 4);
	assert_int_equal(xgb_predict_margins(m, all, margins, &err), 0);
	assert_true(fabs(last_round.training.loss - log_loss(margins, 0, 400)) < 1e-5);
	assert_true(fabs(last_round.validation.loss - log_loss(margins, 400, ROWS)) < 1e-5);
	assert_true(last_round.training.aucpr > last_round.validation.aucpr);
	assert_true(last_round.validation.aucpr > 0.3 && last_round.training.aucpr <= 1);
	xgb_model_free(m);
	m = train(4, NULL, &rounds);
	assert_true(isnan(last_round.validation.loss) && isnan(last_round.validation.aucpr));
	assert_true(last_round.training.loss > 0);
	xgb_model_free(m);
	xgb_data_free(validation);
	validation = data_of(one_class(), one_class() + 2);
	m = train(4, validation, &rounds);
	assert_true(last_round.validation.loss > 0 && isnan(last_round.validation.aucpr));
	xgb_model_free(m);
	xgb_data_free(validation);
	xgb_data_free(all);
}

static void test_load(void **state)
{
	static float before[ROWS], after[ROWS];
	struct xgb_data *all = data_of(0, ROWS);
	struct strbuf document = { 0 };
	struct xgb_model *m, *loaded;
	struct errbuf err;
	uint32_t rounds;

	(void)state;
	m = train(5, NULL, &rounds);
	assert_int_equal(xgb_model_save(m, "ubj", &document, &err), 0);
	assert_int_equal(xgb_model_load(strbuf_str(&document), &loaded, &err), 0);
	assert_int_equal(xgb_predict_margins(m, all, before, &err), 0);
	assert_int_equal(xgb_predict_margins(loaded, all, after, &err), 0);
	assert_memory_equal(before, after, sizeof(before));
	xgb_model_free(loaded);
	xgb_model_free(m);
	xgb_data_free(all);
	strbuf_done(&document);
}

static void test_errors(void **state)
{
	const struct xgb_param wrong[] = { { "objective", "no:such" } };
	struct xgb_training t = { .params = wrong, .param_count = 1, .rounds = 1 };
	struct xgb_rows rows = { .features = features, .row_count = 2, .feature_count = FEATURES };
	struct xgb_data *d = data_of(0, 10), *refused;
	uint32_t stop_at = 3, rounds;
	struct xgb_model *m;
	struct errbuf err = { "" };
	float kept = features[3];

	(void)state;
	assert_true(xgb_train(d, &t, &m, &rounds, &err) < 0);
	assert_non_null(strstr(err.text, "no:such"));
	assert_null(strchr(err.text, '\n'));
	t = (struct xgb_training){ .params = params,
		                   .param_count = 3,
		                   .rounds = 9,
		                   .on_round = on_round,
		                   .self = &stop_at };
	rounds_seen = 0;
	assert_int_equal(xgb_train(d, &t, &m, &rounds, &err), -ECANCELED);
	assert_true(isnan(last_round.training.loss) && isnan(last_round.training.aucpr));
	features[3] = INFINITY;
	assert_true(xgb_data_new(&rows, &refused, &err) < 0);
	assert_non_null(strstr(err.text, "inf"));
	features[3] = kept;
	assert_true(xgb_model_load(STR("{\"L"), &m, &err) < 0);
	xgb_data_free(d);
}

static void test_version(void **state)
{
	char version[24];
	unsigned major, minor, patch;

	(void)state;
	xgb_version(version);
	assert_int_equal(sscanf(version, "%u.%u.%u", &major, &minor, &patch), 3);
	assert_true(major >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oracle),  cmocka_unit_test(test_early_stopping),
		cmocka_unit_test(test_figures), cmocka_unit_test(test_load),
		cmocka_unit_test(test_errors),  cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests(tests, make_rows, NULL);
}
