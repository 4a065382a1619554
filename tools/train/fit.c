/*
 * Trains: rounds by early stopping on the validation slice, thresholds and metrics on the holdout,
 * then once more on all rows with that number of rounds. The order matters: whatever judges the
 * model is done before anything has seen the holdout.
 */
#include "fit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "forest/forest.h"
#include "json/writer.h"

#define EXACT_MAX_ROWS 1000000
#define PROGRESS_ROUNDS 10
#define MAX_PARAMS 16

struct trainer {
	struct fit *fit;
	const struct dataset *dataset;
	const struct settings *settings;
	struct errbuf *err;
	bool quiet;
	const struct watch *watch;
	const char *stage;
	uint32_t rounds; /* of the stage at most */
	struct xgb_param params[MAX_PARAMS];
	size_t param_count;
	struct arena arena;
};

static void add_text(struct trainer *t, const char *key, const char *value)
{
	t->params[t->param_count++] = (struct xgb_param){ key, value };
}

static void add_number(struct trainer *t, const char *key, double value)
{
	char *text = arena_alloc(&t->arena, NUMBER_TEXT_SIZE + 1);

	if (!text)
		return;
	text[number_print_double(value, text)] = '\0';
	add_text(t, key, text);
}

static const char *tree_method(const struct settings *s, size_t rows)
{
	if (strcmp(s->train.tree_method, "auto") != 0)
		return s->train.tree_method;
	return rows <= EXACT_MAX_ROWS ? "exact" : "hist";
}

static void set_params(struct trainer *t)
{
	const struct settings *s = t->settings;

	t->fit->tree_method = tree_method(s, t->dataset->count);
	add_text(t, "booster", "gbtree");
	add_text(t, "objective", "binary:logistic");
	add_text(t, "tree_method", t->fit->tree_method);
	if (strcmp(t->fit->tree_method, "exact") != 0)
		add_number(t, "max_bin", s->train.max_bin);
	add_number(t, "eta", s->train.eta);
	add_number(t, "max_depth", s->train.max_depth);
	add_number(t, "min_child_weight", s->train.min_child_weight);
	add_number(t, "subsample", s->train.subsample);
	add_number(t, "colsample_bytree", s->train.colsample_bytree);
	add_number(t, "lambda", s->train.lambda);
	add_number(t, "scale_pos_weight", s->train.scale_pos_weight);
	add_number(t, "seed", s->train.seed);
	add_number(t, "nthread", s->train.threads);
}

static void keep_round(struct trainer *t, const struct xgb_round *round)
{
	if (!isnan(round->training.loss))
		t->fit->log[t->fit->log_count++] = (struct fit_round){ *round, clock_real_us() };
}

static int on_round(void *self, const struct xgb_round *round)
{
	struct trainer *t = self;
	uint32_t n = round->round;
	int r = watch_tell(t->watch, t->stage, n, t->rounds);

	keep_round(t, round);
	if (r < 0 || t->quiet || (n % PROGRESS_ROUNDS && n != 1 && n != t->rounds))
		return r;
	if (isnan(round->validation.loss))
		fprintf(stderr, "%s: round %u of %u\n", t->stage, n, t->rounds);
	else
		fprintf(stderr, "%s: round %u of at most %u, validation log loss %.6f\n", t->stage,
		        n, t->rounds, round->validation.loss);
	return 0;
}

static int open_data(const struct trainer *t, size_t from, size_t until, struct xgb_data **ret)
{
	const struct dataset *d = t->dataset;
	uint32_t n = d->program.feature_count;
	CLEANUP(free_p) struct str *names = calloc(n, sizeof(*names));
	struct xgb_rows rows = {
		.features = d->features + from * n,
		.labels = d->targets + from,
		.row_count = until - from,
		.feature_count = n,
		.names = names,
		.threads = t->settings->train.threads,
	};

	if (!names)
		return errbuf_set(t->err, -ENOMEM, "no memory for feature names");
	for (uint32_t i = 0; i < n; i++)
		names[i] = program_feature_name(&d->program, i);
	return xgb_data_new(&rows, ret, t->err);
}

static void data_free_p(struct xgb_data **d)
{
	xgb_data_free(*d);
}

static int train(struct trainer *t, const struct xgb_data *data, const struct xgb_data *validation,
                 struct xgb_model **ret)
{
	/* a second training says nothing that the first has not said */
	bool is_first = !t->fit->holdout_model;
	struct xgb_training training = {
		.params = t->params,
		.param_count = t->param_count,
		.rounds = t->rounds,
		.validation = validation,
		.early_stopping_rounds = t->settings->train.early_stopping_rounds,
		.training_figures = is_first,
		.on_round = on_round,
		.self = t,
	};

	return xgb_train(data, &training, ret, &t->fit->rounds, t->err);
}

static int train_for_holdout(struct trainer *t)
{
	const struct split *s = &t->dataset->split;
	CLEANUP(data_free_p) struct xgb_data *data = NULL;
	CLEANUP(data_free_p) struct xgb_data *validation = NULL;
	int r;

	t->stage = "training";
	t->rounds = t->settings->train.rounds;
	t->fit->log = calloc(t->rounds, sizeof(*t->fit->log));
	if (!t->fit->log)
		return errbuf_set(t->err, -ENOMEM, "no memory for %u rounds", t->rounds);
	r = open_data(t, 0, s->validation, &data);
	if (r == 0 && s->validation < s->holdout)
		r = open_data(t, s->validation, s->holdout, &validation);
	return r < 0 ? r : train(t, data, validation, &t->fit->holdout_model);
}

static int score_holdout(struct trainer *t)
{
	const struct split *s = &t->dataset->split;
	size_t count = s->row_count - s->holdout;
	CLEANUP(data_free_p) struct xgb_data *data = NULL;
	float *scores = calloc(count, sizeof(*scores));
	int r;

	t->fit->holdout_scores = scores;
	if (!scores)
		return errbuf_set(t->err, -ENOMEM, "no memory for %zu scores", count);
	r = open_data(t, s->holdout, s->row_count, &data);
	if (r == 0)
		r = xgb_predict_margins(t->fit->holdout_model, data, scores, t->err);
	for (size_t i = 0; r == 0 && i < count; i++)
		scores[i] = forest_sigmoid(scores[i]);
	return r;
}

static int judge(struct trainer *t)
{
	const struct settings *s = t->settings;
	const struct split *split = &t->dataset->split;
	struct fit *f = t->fit;
	struct ranking ranking = { 0 };
	int r;

	r = ranking_init(&ranking, f->holdout_scores, t->dataset->labels + split->holdout,
	                 split->row_count - split->holdout);
	if (r == 0)
		r = thresholds_choose(&ranking, s->train.recall_tgt, s->train.fpr_cap,
		                      &f->thresholds);
	if (r == 0) {
		metrics_compute(&ranking, NULL, f->thresholds.low, f->thresholds.high, f->metrics);
		r = bootstrap_metrics(&ranking, f->thresholds.low, f->thresholds.high,
		                      s->train.seed, s->train.bootstrap, f->intervals);
	}
	ranking_done(&ranking);
	return r < 0 ? errbuf_set(t->err, r, "could not judge the model: %s", strerror(-r)) : 0;
}

static int refit(struct trainer *t)
{
	CLEANUP(data_free_p) struct xgb_data *data = NULL;
	int r = open_data(t, 0, t->dataset->count, &data);

	t->stage = "training on all rows";
	t->rounds = t->fit->rounds;
	return r < 0 ? r : train(t, data, NULL, &t->fit->model);
}

int fit_models(struct fit *f, const struct dataset *d, const struct fit_options *o,
               struct errbuf *err)
{
	struct trainer t = { .fit = f,
		             .dataset = d,
		             .settings = o->settings,
		             .err = err,
		             .quiet = o->quiet,
		             .watch = o->watch };
	int r;

	set_params(&t);
	r = arena_failed(&t.arena) ? errbuf_set(err, -ENOMEM, "no memory for parameters") : 0;
	if (r == 0)
		r = train_for_holdout(&t);
	if (r == 0)
		r = score_holdout(&t);
	if (r == 0)
		r = judge(&t);
	if (r == 0 && o->settings->train.refit)
		r = refit(&t);
	arena_done(&t.arena);
	if (r == 0 && f->thresholds.crossed)
		log_warning(0, "thresholds crossed: threshold_low was lowered to threshold_high");
	return r;
}

void fit_done(struct fit *f)
{
	xgb_model_free(f->holdout_model);
	xgb_model_free(f->model);
	free(f->holdout_scores);
	free(f->log);
	*f = (struct fit){ 0 };
}
