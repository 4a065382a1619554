/*
 * A thin, checked layer over XGBoost's C API. Each call's failure becomes a negative errno with
 * XGBoost's own words (their first line: the rest is a stack trace). Result pointers of the API
 * live until the next call of the thread, so they are copied at once.
 */
#include "xgb/xgb.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"

#include <xgboost/c_api.h>

#define TRAINING "training"
#define VALIDATION "validation"

struct xgb_data {
	DMatrixHandle handle;
	size_t row_count;
	uint32_t feature_count;
	bool two_classes;
};

struct xgb_model {
	BoosterHandle handle;
};

void xgb_version(char ret[24])
{
	int major = 0, minor = 0, patch = 0;

	XGBoostVersion(&major, &minor, &patch);
	snprintf(ret, 24, "%u.%u.%u", (unsigned)major % 1000, (unsigned)minor % 1000,
	         (unsigned)patch % 1000);
}

/* "[10:11:12] ../src/data/data.cc:1104: Check failed: …\nStack trace:…" → from "Check failed". */
static int fail(const char *doing, struct errbuf *err)
{
	const char *text = XGBGetLastError();
	const char *words = strstr(text, "Check failed");
	size_t n;

	if (!words)
		words = text;
	n = strcspn(words, "\n");
	return errbuf_set(err, -EIO, "XGBoost could not %s: %.*s", doing, (int)(n < 160 ? n : 160),
	                  words);
}

static int set_names(struct xgb_data *d, const struct str *names, struct errbuf *err)
{
	struct arena a = { 0 };
	const char **list = arena_calloc(&a, d->feature_count, sizeof(*list));
	int r = 0;

	for (uint32_t i = 0; list && i < d->feature_count; i++)
		list[i] = arena_strndup(&a, names[i]);
	if (arena_failed(&a))
		r = errbuf_set(err, -ENOMEM, "no memory for feature names");
	else if (XGDMatrixSetStrFeatureInfo(d->handle, "feature_name", list, d->feature_count) != 0)
		r = fail("take the feature names", err);
	arena_done(&a);
	return r;
}

static int create(struct xgb_data *d, const struct xgb_rows *rows, struct errbuf *err)
{
	char array[160], config[64];

	snprintf(array, sizeof(array),
	         "{\"data\":[%zu,true],\"shape\":[%zu,%u],\"typestr\":\"<f4\",\"version\":3}",
	         (size_t)rows->features, rows->row_count, rows->feature_count);
	snprintf(config, sizeof(config), "{\"missing\":NaN,\"nthread\":%u}", rows->threads);
	if (XGDMatrixCreateFromDense(array, config, &d->handle) != 0)
		return fail("take the rows", err);
	if (rows->labels &&
	    XGDMatrixSetFloatInfo(d->handle, "label", rows->labels, rows->row_count) != 0)
		return fail("take the labels", err);
	return rows->names ? set_names(d, rows->names, err) : 0;
}

static bool has_two_classes(const struct xgb_rows *rows)
{
	bool seen[2] = { false, false };

	for (size_t i = 0; rows->labels && i < rows->row_count; i++)
		seen[rows->labels[i] > 0.5f] = true;
	return seen[0] && seen[1];
}

int xgb_data_new(const struct xgb_rows *rows, struct xgb_data **ret, struct errbuf *err)
{
	struct xgb_data *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return errbuf_set(err, -ENOMEM, "no memory for a data set");
	XGBSetGlobalConfig("{\"verbosity\":0}");
	d->row_count = rows->row_count;
	d->feature_count = rows->feature_count;
	d->two_classes = has_two_classes(rows);
	r = create(d, rows, err);
	if (r < 0) {
		xgb_data_free(d);
		return r;
	}
	*ret = d;
	return 0;
}

void xgb_data_free(struct xgb_data *d)
{
	if (!d)
		return;
	if (d->handle)
		XGDMatrixFree(d->handle);
	free(d);
}

void xgb_model_free(struct xgb_model *m)
{
	if (!m)
		return;
	if (m->handle)
		XGBoosterFree(m->handle);
	free(m);
}

static void model_free_p(struct xgb_model **m)
{
	xgb_model_free(*m);
}

static int model_new(const struct xgb_data *const *data, size_t count, struct xgb_model **ret,
                     struct errbuf *err)
{
	struct xgb_model *m = calloc(1, sizeof(*m));
	DMatrixHandle handles[2] = { NULL, NULL };

	if (!m)
		return errbuf_set(err, -ENOMEM, "no memory for a model");
	for (size_t i = 0; i < count; i++)
		handles[i] = data[i]->handle;
	if (XGBoosterCreate(handles, count, &m->handle) != 0) {
		int r = fail("make a model", err);

		xgb_model_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

/* XGBoost 1.7.4 fails where it cannot tell an area. */
static bool has_area(const struct xgb_data *data, const struct xgb_training *t)
{
	return data->two_classes && (!t->validation || t->validation->two_classes);
}

static int set_params(struct xgb_model *m, const struct xgb_data *data,
                      const struct xgb_training *t, struct errbuf *err)
{
	for (size_t i = 0; i < t->param_count; i++) {
		if (XGBoosterSetParam(m->handle, t->params[i].key, t->params[i].value) != 0)
			return fail("take a parameter", err);
	}
	if (XGBoosterSetParam(m->handle, "eval_metric", "logloss") != 0)
		return fail("take a parameter", err);
	/* a second one is added to the first */
	if (has_area(data, t) && XGBoosterSetParam(m->handle, "eval_metric", "aucpr") != 0)
		return fail("take a parameter", err);
	return 0;
}

/* "[3]\ttraining-logloss:0.0423\ttraining-aucpr:0.61\tvalidation-logloss:…" */
static double figure(const char *text, const char *name)
{
	const char *found = strstr(text, name);

	return found ? strtod(found + strlen(name), NULL) : (double)NAN;
}

static int evaluate(struct xgb_model *m, const struct xgb_data *data, const struct xgb_training *t,
                    struct xgb_round *round, struct errbuf *err)
{
	const char *names[2];
	DMatrixHandle handles[2];
	const char *text = "";
	bst_ulong count = 0;

	if (t->training_figures) {
		names[count] = TRAINING;
		handles[count++] = data->handle;
	}
	if (t->validation) {
		names[count] = VALIDATION;
		handles[count++] = t->validation->handle;
	}
	if (count &&
	    XGBoosterEvalOneIter(m->handle, (int)round->round, handles, names, count, &text) != 0)
		return fail("validate", err);
	if (t->validation && !strstr(text, VALIDATION "-logloss:"))
		return errbuf_set(err, -EIO, "XGBoost told no log loss: %.100s", text);
	round->training = (struct xgb_figures){ figure(text, TRAINING "-logloss:"),
		                                figure(text, TRAINING "-aucpr:") };
	round->validation = (struct xgb_figures){ figure(text, VALIDATION "-logloss:"),
		                                  figure(text, VALIDATION "-aucpr:") };
	return 0;
}

struct best {
	double loss;
	uint32_t rounds;
};

/* Ends with the number of rounds that were done; ret_best: the best of them. */
static int run_rounds(struct xgb_model *m, const struct xgb_data *data,
                      const struct xgb_training *t, struct best *ret_best, struct errbuf *err)
{
	struct best best = { .loss = HUGE_VAL };
	uint32_t done = 0;

	while (done < t->rounds) {
		struct xgb_round round;
		int r;

		if (XGBoosterUpdateOneIter(m->handle, (int)done, data->handle) != 0)
			return fail("train", err);
		round.round = ++done;
		r = evaluate(m, data, t, &round, err);
		if (r == 0 && t->on_round && t->on_round(t->self, &round) < 0)
			r = errbuf_set(err, -ECANCELED, "training was ended after %u rounds", done);
		if (r < 0)
			return r;
		if (!t->validation || !t->early_stopping_rounds ||
		    round.validation.loss < best.loss)
			best = (struct best){ round.validation.loss, done };
		if (t->early_stopping_rounds && done - best.rounds >= t->early_stopping_rounds)
			break;
	}
	*ret_best = best;
	return (int)done;
}

/* The first `rounds` rounds as a model of their own: readers that know nothing of best_iteration
 * then see the same trees as we do. */
static int cut(struct xgb_model *m, uint32_t rounds, struct errbuf *err)
{
	BoosterHandle cut_off;

	if (XGBoosterSlice(m->handle, 0, (int)rounds, 1, &cut_off) != 0)
		return fail("cut the model to its best round", err);
	XGBoosterFree(m->handle);
	m->handle = cut_off;
	return 0;
}

/* Training leaves them with the rows; in the model they let every reader check its columns. */
static int keep_names(struct xgb_model *m, const struct xgb_data *data, struct errbuf *err)
{
	bst_ulong count = 0;
	const char **names;

	if (XGDMatrixGetStrFeatureInfo(data->handle, "feature_name", &count, &names) != 0)
		return fail("tell the feature names", err);
	if (count && XGBoosterSetStrFeatureInfo(m->handle, "feature_name", names, count) != 0)
		return fail("keep the feature names", err);
	return 0;
}

int xgb_train(const struct xgb_data *data, const struct xgb_training *t, struct xgb_model **ret,
              uint32_t *ret_rounds, struct errbuf *err)
{
	const struct xgb_data *cache[2] = { data, t->validation };
	CLEANUP(model_free_p) struct xgb_model *m = NULL;
	struct best best = { 0 };
	int done;
	int r;

	r = model_new(cache, t->validation ? 2 : 1, &m, err);
	if (r == 0)
		r = set_params(m, data, t, err);
	if (r < 0)
		return r;
	done = run_rounds(m, data, t, &best, err);
	if (done < 0)
		return done;
	if (best.rounds == 0)
		return errbuf_set(err, -EDOM, "the validation loss was no number in any round");
	r = best.rounds < (uint32_t)done ? cut(m, best.rounds, err) : 0;
	if (r == 0)
		r = keep_names(m, data, err);
	if (r < 0)
		return r;
	*ret_rounds = best.rounds;
	*ret = take_ptr(&m);
	return 0;
}

int xgb_model_save(struct xgb_model *m, const char *format, struct strbuf *out, struct errbuf *err)
{
	char config[64];
	bst_ulong size = 0;
	const char *bytes;

	snprintf(config, sizeof(config), "{\"format\":\"%s\"}", format);
	if (XGBoosterSaveModelToBuffer(m->handle, config, &size, &bytes) != 0)
		return fail("save the model", err);
	strbuf_add(out, bytes, (size_t)size);
	return strbuf_error(out) ? errbuf_set(err, strbuf_error(out), "no memory for the model")
	                         : 0;
}

int xgb_model_load(struct str document, struct xgb_model **ret, struct errbuf *err)
{
	CLEANUP(model_free_p) struct xgb_model *m = NULL;
	int r = model_new(NULL, 0, &m, err);

	if (r < 0)
		return r;
	if (XGBoosterLoadModelFromBuffer(m->handle, document.p, document.n) != 0)
		return fail("load the model", err);
	*ret = take_ptr(&m);
	return 0;
}

/* type: 1 margins, 2 contributions; per_row values are expected for each row. */
static int predict(struct xgb_model *m, const struct xgb_data *d, int type, size_t per_row,
                   float *ret, struct errbuf *err)
{
	bst_ulong const *shape;
	bst_ulong dimensions;
	float const *values;
	size_t count = 1;
	char config[128];

	snprintf(config, sizeof(config),
	         "{\"type\":%d,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,"
	         "\"strict_shape\":false}",
	         type);
	if (XGBoosterPredictFromDMatrix(m->handle, d->handle, config, &shape, &dimensions,
	                                &values) != 0)
		return fail("predict", err);
	for (bst_ulong i = 0; i < dimensions; i++)
		count *= (size_t)shape[i];
	if (count != d->row_count * per_row)
		return errbuf_set(err, -EIO, "XGBoost predicted %zu values for %zu rows", count,
		                  d->row_count);
	memcpy(ret, values, count * sizeof(*ret));
	return 0;
}

int xgb_predict_margins(struct xgb_model *m, const struct xgb_data *d, float *ret,
                        struct errbuf *err)
{
	return predict(m, d, 1, 1, ret, err);
}

int xgb_predict_contributions(struct xgb_model *m, const struct xgb_data *d, float *ret,
                              struct errbuf *err)
{
	return predict(m, d, 2, (size_t)d->feature_count + 1, ret, err);
}
