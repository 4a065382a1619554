/*
 * The texts of a training's findings. Numbers as everywhere: the shortest text that reads back to
 * the same bits, so a threshold survives YAML and JSON. The same training gives the same bytes;
 * only the version's name tells two runs apart.
 */
#include "report.h"

#include <math.h>
#include <stdio.h>

#include "base/civil.h"
#include "learn/histogram.h"
#include "json/writer.h"

static void write_number(struct json_writer *w, const char *name, double value)
{
	json_write_name(w, name);
	json_write_double(w, value);
}

static void write_count(struct json_writer *w, const char *name, uint64_t value)
{
	json_write_name(w, name);
	json_write_unsigned(w, value);
}

static void write_text(struct json_writer *w, const char *name, const char *text)
{
	json_write_name(w, name);
	json_write_text(w, str_of(text));
}

/* In the program's zone, hence without one. */
static void write_time(struct json_writer *w, const char *name, int64_t us)
{
	struct civil c = civil_of_us(us);
	struct strbuf text = { 0 };

	strbuf_addf(&text, "%04d-%02u-%02uT%02u:%02u:%02u.%06u", c.year, c.month, c.day, c.hour,
	            c.minute, c.second, c.microsecond);
	json_write_name(w, name);
	json_write_text(w, strbuf_str(&text));
	strbuf_done(&text);
}

static void add_threshold(struct strbuf *out, const char *name, float value)
{
	char digits[NUMBER_TEXT_SIZE];

	strbuf_addf(out, "%s: %.*s\n", name, (int)number_print_float(value, digits), digits);
}

void report_thresholds(const struct training *t, struct strbuf *out)
{
	char digits[NUMBER_TEXT_SIZE];

	add_threshold(out, "threshold_low", t->fit->thresholds.low);
	add_threshold(out, "threshold_high", t->fit->thresholds.high);
	strbuf_addf(out, "model_version: \"%s\"\n", t->version);
	strbuf_addf(out, "fpr_cap: %.*s\n",
	            (int)number_print_double(t->settings->train.fpr_cap, digits), digits);
}

static void write_metrics(struct json_writer *w, const struct fit *f)
{
	json_write_name(w, "metrics");
	json_begin_object(w);
	for (unsigned i = 0; i < METRIC_MAX; i++)
		write_number(w, metric_names[i], f->metrics[i]);
	json_end_object(w);
}

static void write_intervals(struct json_writer *w, const struct fit *f)
{
	json_write_name(w, "intervals");
	json_begin_object(w);
	for (unsigned i = 0; i < METRIC_MAX; i++) {
		json_write_name(w, metric_names[i]);
		json_begin_array(w);
		json_write_double(w, f->intervals[i].low);
		json_write_double(w, f->intervals[i].high);
		json_end_array(w);
	}
	json_end_object(w);
}

static void write_thresholds(struct json_writer *w, const struct fit *f)
{
	json_write_name(w, "thresholds");
	json_begin_object(w);
	json_write_name(w, "threshold_low");
	json_write_float(w, f->thresholds.low);
	json_write_name(w, "threshold_high");
	json_write_float(w, f->thresholds.high);
	json_write_name(w, "crossed");
	json_write_bool(w, f->thresholds.crossed);
	json_end_object(w);
}

static void write_sizes(struct json_writer *w, const struct dataset *d)
{
	write_count(w, "train_size", d->split.validation);
	write_count(w, "validation_size", d->split.holdout - d->split.validation);
	write_count(w, "test_size", d->count - d->split.holdout);
	write_count(w, "positives", d->positives);
	write_count(w, "test_positives", dataset_positives(d, d->split.holdout, d->count));
	write_count(w, "rejected_rows", d->bad_rows);
	write_number(w, "sample_non_fraud", d->sample_non_fraud);
}

static void write_parameters(struct json_writer *w, const struct training *t)
{
	const struct settings *s = t->settings;
	char xgboost[24];

	xgb_version(xgboost);
	write_text(w, "xgboost_version", xgboost);
	json_write_name(w, "parameters");
	json_begin_object(w);
	write_text(w, "tree_method", t->fit->tree_method);
	write_count(w, "rounds", t->fit->rounds);
	write_number(w, "eta", s->train.eta);
	write_count(w, "max_depth", s->train.max_depth);
	write_number(w, "min_child_weight", s->train.min_child_weight);
	write_number(w, "subsample", s->train.subsample);
	write_number(w, "colsample_bytree", s->train.colsample_bytree);
	write_number(w, "lambda", s->train.lambda);
	write_count(w, "seed", s->train.seed);
	json_write_name(w, "refit");
	json_write_bool(w, s->train.refit);
	json_end_object(w);
}

int report_manifest(const struct training *t, const struct bundle_file *files, size_t count,
                    struct strbuf *out)
{
	struct json_writer w = { .out = out };
	char trained_at[21];
	int r;

	civil_print_utc(t->trained_us, trained_at);
	json_begin_object(&w);
	write_text(&w, "name", t->name);
	write_text(&w, "model_version", t->version);
	write_text(&w, "trained_at", trained_at);
	write_time(&w, "cutoff_time", t->dataset->split.cutoff_us);
	write_sizes(&w, t->dataset);
	write_number(&w, "class_weight_pos", t->settings->train.scale_pos_weight);
	write_count(&w, "feature_count", t->dataset->program.feature_count);
	write_parameters(&w, t);
	write_thresholds(&w, t->fit);
	write_metrics(&w, t->fit);
	write_intervals(&w, t->fit);
	json_write_name(&w, "digests");
	r = bundle_write_digests(&w, files, count);
	json_end_object(&w);
	strbuf_addc(out, '\n');
	return r < 0 ? r : strbuf_error(out);
}

static void write_histogram(struct json_writer *w, const struct histogram *h)
{
	json_begin_object(w);
	json_write_name(w, "edges");
	json_begin_array(w);
	for (unsigned i = 0; i < h->edge_count; i++)
		json_write_float(w, h->edges[i]);
	json_end_array(w);
	json_write_name(w, "counts");
	json_begin_array(w);
	for (unsigned i = 0; i <= h->edge_count; i++)
		json_write_unsigned(w, h->counts[i]);
	json_end_array(w);
	write_count(w, "missing", h->missing);
	json_end_object(w);
}

static int write_features(struct json_writer *w, const struct dataset *d)
{
	const struct program *p = &d->program;

	json_write_name(w, "features");
	json_begin_object(w);
	for (uint32_t i = 0; i < p->feature_count; i++) {
		struct histogram h;
		int r = histogram_learn(&h, d->features + i, d->count, p->feature_count);

		if (r < 0)
			return r;
		json_write_name_str(w, program_feature_name(p, i));
		write_histogram(w, &h);
	}
	json_end_object(w);
	return 0;
}

int report_reference(const struct training *t, struct strbuf *out)
{
	const struct dataset *d = t->dataset;
	struct json_writer w = { .out = out };
	struct histogram h;
	int r;

	json_begin_object(&w);
	write_count(&w, "rows", d->count);
	r = write_features(&w, d);
	if (r == 0)
		r = histogram_learn(&h, t->fit->holdout_scores, d->count - d->split.holdout, 1);
	if (r < 0)
		return r;
	write_count(&w, "score_rows", d->count - d->split.holdout);
	json_write_name(&w, "score");
	write_histogram(&w, &h);
	json_end_object(&w);
	strbuf_addc(out, '\n');
	return strbuf_error(out);
}

static void write_uri(struct json_writer *w, const char *name, const struct exported *x)
{
	char uri[2 * REGISTRY_TEXT + 16];

	snprintf(uri, sizeof(uri), "models:/%s/%s", name, x->version.registry_version);
	write_text(w, "model_uri", uri);
}

void report_exported_json(struct json_writer *w, const char *name, const struct exported *x)
{
	write_text(w, "name", name);
	write_text(w, "model_version", x->version.version);
	write_text(w, "registry_version", x->version.registry_version);
	write_text(w, "run_id", x->run_id);
	write_uri(w, name, x);
}

static void write_place(struct json_writer *w, const struct training *t,
                        const struct report_place *place)
{
	if (place->exported) {
		report_exported_json(w, t->name, place->exported);
		return;
	}
	write_text(w, "name", t->name);
	write_text(w, "model_version", t->version);
	write_text(w, "path", place->path);
}

void report_outcome_json(const struct training *t, const struct report_place *place,
                         struct strbuf *out)
{
	struct json_writer w = { .out = out };

	json_begin_object(&w);
	write_text(&w, "status", "trained");
	write_place(&w, t, place);
	write_sizes(&w, t->dataset);
	write_count(&w, "rounds", t->fit->rounds);
	write_thresholds(&w, t->fit);
	write_metrics(&w, t->fit);
	write_intervals(&w, t->fit);
	json_end_object(&w);
	strbuf_addc(out, '\n');
}

static void add_metric(struct strbuf *out, const struct fit *f, enum metric m, const char *label)
{
	strbuf_addf(out, "%-18s %.4f", label, f->metrics[m]);
	if (!isnan(f->intervals[m].low))
		strbuf_addf(out, "   [%.4f, %.4f]", f->intervals[m].low, f->intervals[m].high);
	strbuf_addc(out, '\n');
}

void report_exported_text(const char *name, const struct exported *x, struct strbuf *out)
{
	strbuf_addf(out, "models:/%s/%s", name, x->version.registry_version);
	if (*x->run_id)
		strbuf_addf(out, ", run %s", x->run_id);
	strbuf_addc(out, '\n');
}

void report_outcome_text(const struct training *t, const struct report_place *place,
                         struct strbuf *out)
{
	const struct dataset *d = t->dataset;
	const struct fit *f = t->fit;

	strbuf_addf(out, "%s %s: %zu rows (%zu fraud), %u rounds, holdout of %zu\n", t->name,
	            t->version, d->count, d->positives, f->rounds, d->count - d->split.holdout);
	add_metric(out, f, METRIC_ROC_AUC, "ROC-AUC");
	add_metric(out, f, METRIC_PR_AUC, "PR-AUC");
	add_metric(out, f, METRIC_AVERAGE_PRECISION, "average precision");
	add_threshold(out, "threshold_low", f->thresholds.low);
	add_metric(out, f, METRIC_RECALL_LOW, "  recall");
	add_metric(out, f, METRIC_PRECISION_LOW, "  precision");
	add_threshold(out, "threshold_high", f->thresholds.high);
	add_metric(out, f, METRIC_RECALL_HIGH, "  recall");
	add_metric(out, f, METRIC_FPR_HIGH, "  false positives");
	if (place->exported)
		report_exported_text(t->name, place->exported, out);
	else
		strbuf_addf(out, "%s\n", place->path);
}
