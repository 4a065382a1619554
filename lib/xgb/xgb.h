/*
 * XGBoost through its C API: the only folder that includes xgboost/c_api.h. Used by fraud-train and
 * by tests; never by a worker or the loader (libgomp deadlocks after fork, and 1.7.4 silently
 * misreads models of newer versions). Blocks for as long as training takes.
 *
 * The process must have been exec'd with OMP_WAIT_POLICY=PASSIVE: libgomp reads it when it is
 * loaded. One thread at a time uses a data set or a booster.
 */
#ifndef XGB_XGB_H
#define XGB_XGB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "base/str.h"
#include "base/strbuf.h"

/* "1.7.4" of the library that is loaded (at most 23 bytes). */
void xgb_version(char ret[24]);

struct xgb_data;

/* Rows lie one behind the other, feature_count float32 each, NaN is missing; infinite values are
 * refused by XGBoost. Everything is copied. labels may be NULL for prediction only. names:
 * feature_count texts without NUL, kept in the model. */
struct xgb_rows {
	const float *features;
	const float *labels;
	size_t row_count;
	uint32_t feature_count;
	const struct str *names;
	unsigned threads; /* 0: all cores */
};
int xgb_data_new(const struct xgb_rows *rows, struct xgb_data **ret, struct errbuf *err);
void xgb_data_free(struct xgb_data *d);

struct xgb_model;

/* XGBoost's own names and spellings: { "eta", "0.1" }. */
struct xgb_param {
	const char *key, *value;
};

/* Log loss and area under the precision-recall curve; NaN: not asked for, or cannot be said (the
 * area, where the rows to train on or those of the validation are of one class). */
struct xgb_figures {
	double loss, aucpr;
};
struct xgb_round {
	uint32_t round; /* from 1 */
	struct xgb_figures training, validation;
};

struct xgb_training {
	const struct xgb_param *params;
	size_t param_count;
	uint32_t rounds;
	/* With validation: its figures are asked for after each round, and training ends when the
	 * log loss has not become smaller for this many rounds; the model keeps the best round's
	 * trees. 0: it never ends early and keeps all. */
	const struct xgb_data *validation;
	uint32_t early_stopping_rounds;
	bool training_figures; /* also those of the rows that it trains on */
	/* After each round. Negative ends it (-ECANCELED). */
	int (*on_round)(void *self, const struct xgb_round *round);
	void *self;
};
/* ret_rounds: how many rounds the model has. */
int xgb_train(const struct xgb_data *data, const struct xgb_training *t, struct xgb_model **ret,
              uint32_t *ret_rounds, struct errbuf *err);
void xgb_model_free(struct xgb_model *m);

/* The document of XGBoost's model file. format: "ubj" or "json". */
int xgb_model_save(struct xgb_model *m, const char *format, struct strbuf *out, struct errbuf *err);
/* A model of this very library's version; foreign ones go to forest_import(). */
int xgb_model_load(struct str document, struct xgb_model **ret, struct errbuf *err);

/* Log-odds, one a row. */
int xgb_predict_margins(struct xgb_model *m, const struct xgb_data *d, float *ret,
                        struct errbuf *err);
/* Path-dependent SHAP, (feature_count + 1) a row: the bias comes last. */
int xgb_predict_contributions(struct xgb_model *m, const struct xgb_data *d, float *ret,
                              struct errbuf *err);

#endif
