/* The models of a training: one that the holdout judges, one that is served. */
#ifndef TRAIN_FIT_H
#define TRAIN_FIT_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "config/settings.h"
#include "dataset.h"
#include "learn/bootstrap.h"
#include "learn/thresholds.h"
#include "watch.h"
#include "xgb/xgb.h"

/* What came of a round of the training that finds their number. */
struct fit_round {
	struct xgb_round figures;
	int64_t at_us;
};

struct fit {
	uint32_t rounds;       /* found by early stopping, used by both */
	struct fit_round *log; /* also of the rounds behind the best one */
	uint32_t log_count;
	const char *tree_method;
	struct xgb_model *holdout_model; /* has seen nothing of the holdout */
	struct xgb_model *model;         /* trained on all rows; NULL without refit */
	float *holdout_scores;           /* of holdout_model; one a holdout row */
	struct threshold_pair thresholds;
	double metrics[METRIC_MAX];
	struct interval intervals[METRIC_MAX];
};

struct fit_options {
	const struct settings *settings;
	bool quiet;                /* else progress goes to stderr */
	const struct watch *watch; /* or NULL */
};

int fit_models(struct fit *f, const struct dataset *d, const struct fit_options *o,
               struct errbuf *err);
void fit_done(struct fit *f);

/* The model that is served. */
static inline struct xgb_model *fit_served(const struct fit *f)
{
	return f->model ? f->model : f->holdout_model;
}

#endif
