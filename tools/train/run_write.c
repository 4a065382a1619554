/*
 * Gathers what is to be known of a training and writes it as run.json. The names are those that
 * MLflow's user interface shows: parameters are settings and sizes, metrics have a step where they
 * come of a round, tags say who, where and by what. Passwords cannot get in: only train.* settings
 * are taken, and of the database the window's query is named, not its address.
 *
 * Called by publish.c.
 */
#include <errno.h>
#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/clock.h"
#include "base/encode.h"
#include "run_file.h"
#include "json/writer.h"

#define SETTINGS_PREFIX "train."
#define DIGEST_DIGITS 16
#define MIB ((uint64_t)1024 * 1024)

/* --- facts are texts --- */

static void add_text(struct json_writer *w, const char *key, const char *value)
{
	json_write_name(w, key);
	json_write_text(w, str_of(value));
}

static void add_count(struct json_writer *w, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ju", (uintmax_t)value);
	add_text(w, key, text);
}

static void add_time(struct json_writer *w, const char *key, int64_t us)
{
	char text[21];

	civil_print_utc(us, text);
	text[19] = '\0'; /* it is in the program's zone: without the Z */
	add_text(w, key, text);
}

static int add_digest(struct json_writer *w, const char *key, struct str bytes)
{
	char digits[2 * BUNDLE_SHA256_SIZE + 1];
	uint8_t digest[BUNDLE_SHA256_SIZE];
	int r = bundle_sha256(bytes, digest);

	if (r < 0)
		return r;
	hex_encode(digest, sizeof(digest), digits);
	add_text(w, key, digits);
	return 0;
}

/* --- parameters --- */

static void add_setting(struct json_writer *w, struct str line)
{
	const char *equals = memchr(line.p, '=', line.n);
	struct str key;

	if (!equals || line.n < sizeof(SETTINGS_PREFIX) - 1 ||
	    memcmp(line.p, SETTINGS_PREFIX, sizeof(SETTINGS_PREFIX) - 1) != 0)
		return;
	key = (struct str){ line.p, (size_t)(equals - line.p) };
	if (key.n + 1 == line.n) /* an empty text says nothing, and a server may refuse it */
		return;
	json_write_name_str(w, key);
	json_write_text(w, (struct str){ equals + 1, line.n - key.n - 1 });
}

static int add_settings(struct json_writer *w, const struct settings *s)
{
	struct strbuf text = { 0 };
	int r = settings_write(s, 0, &text);
	size_t at = 0;

	while (r == 0 && at < text.n) {
		const char *line = text.p + at;
		const char *end = memchr(line, '\n', text.n - at);
		size_t n = end ? (size_t)(end - line) : text.n - at;

		add_setting(w, (struct str){ line, n });
		at += n + 1;
	}
	strbuf_done(&text);
	return r;
}

static int write_params(struct json_writer *w, const struct training *t,
                        const struct run_origin *from)
{
	const struct dataset *d = t->dataset;
	int r;

	json_write_name(w, "params");
	json_begin_object(w);
	r = add_settings(w, t->settings);
	add_text(w, "tree_method", t->fit->tree_method);
	add_count(w, "rounds", t->fit->rounds);
	add_count(w, "features", d->program.feature_count);
	add_count(w, "rows", d->count);
	add_count(w, "positives", d->positives);
	add_count(w, "rejected_rows", d->bad_rows);
	add_count(w, "train_rows", d->split.validation);
	add_count(w, "validation_rows", d->split.holdout - d->split.validation);
	add_count(w, "holdout_rows", d->count - d->split.holdout);
	add_time(w, "oldest_row", d->times[0]);
	add_time(w, "newest_row", d->times[d->count - 1]);
	add_time(w, "cutoff_time", d->split.cutoff_us);
	if (!from->data) {
		add_text(w, "window_from", from->from);
		add_text(w, "window_until", from->until);
	}
	if (r == 0)
		r = add_digest(w, "program_sha256", from->features_yaml);
	json_end_object(w);
	return r;
}

/* --- metrics --- */

static void add_metric(struct json_writer *w, const char *key, double value, int64_t step,
                       int64_t at_us)
{
	if (!isfinite(value))
		return;
	json_begin_object(w);
	add_text(w, "key", key);
	json_write_name(w, "value");
	json_write_double(w, value);
	json_write_name(w, "step");
	json_write_integer(w, step);
	json_write_name(w, "at_ms");
	json_write_integer(w, at_us / 1000);
	json_end_object(w);
}

static void add_rounds(struct json_writer *w, const struct fit *f)
{
	for (uint32_t i = 0; i < f->log_count; i++) {
		const struct xgb_round *round = &f->log[i].figures;
		int64_t at = f->log[i].at_us;

		add_metric(w, "train_logloss", round->training.loss, round->round, at);
		add_metric(w, "train_aucpr", round->training.aucpr, round->round, at);
		add_metric(w, "validation_logloss", round->validation.loss, round->round, at);
		add_metric(w, "validation_aucpr", round->validation.aucpr, round->round, at);
	}
}

static void write_metrics(struct json_writer *w, const struct training *t, int64_t started_us,
                          int64_t now)
{
	const struct fit *f = t->fit;
	char key[64];

	json_write_name(w, "metrics");
	json_begin_array(w);
	add_rounds(w, f);
	for (unsigned i = 0; i < METRIC_MAX; i++) {
		add_metric(w, metric_names[i], f->metrics[i], 0, now);
		snprintf(key, sizeof(key), "%s_low95", metric_names[i]);
		add_metric(w, key, f->intervals[i].low, 0, now);
		snprintf(key, sizeof(key), "%s_high95", metric_names[i]);
		add_metric(w, key, f->intervals[i].high, 0, now);
	}
	add_metric(w, "threshold_low", (double)f->thresholds.low, 0, now);
	add_metric(w, "threshold_high", (double)f->thresholds.high, 0, now);
	add_metric(w, "duration_seconds", (double)(now - started_us) / 1e6, 0, now);
	json_end_array(w);
}

/* --- tags --- */

static void add_user(struct json_writer *w)
{
	const struct passwd *user = getpwuid(geteuid());

	if (user)
		add_text(w, "mlflow.user", user->pw_name);
	else
		add_count(w, "mlflow.user", geteuid());
}

static void add_system(struct json_writer *w)
{
	struct rusage usage = { 0 };
	struct sysinfo system = { 0 };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	char xgboost[24];

	xgb_version(xgboost);
	add_text(w, "system.xgboost_version", xgboost);
	if (cores > 0)
		add_count(w, "system.cores", (uint64_t)cores);
	if (sysinfo(&system) == 0)
		add_count(w, "system.memory_mib",
		          (uint64_t)system.totalram * system.mem_unit / MIB);
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		add_count(w, "system.peak_memory_mib", (uint64_t)usage.ru_maxrss / 1024);
}

static void write_tags(struct json_writer *w, const struct training *t)
{
	char host[SETTINGS_HOST_SIZE], name[2 * REGISTRY_TEXT];

	settings_host(t->settings, host);
	snprintf(name, sizeof(name), "%s %s", t->name, t->version);
	json_write_name(w, "tags");
	json_begin_object(w);
	add_text(w, "mlflow.runName", name);
	add_user(w);
	add_text(w, "mlflow.source.name", "fraud-train");
	add_text(w, "mlflow.source.type", "LOCAL");
	add_text(w, "fraudd.release", FRAUDD_VERSION);
	add_text(w, "fraudd.host", host);
	add_text(w, "fraudd.model_version", t->version);
	add_system(w);
	json_end_object(w);
}

/* --- the rows --- */

/* Of features and labels, so it is the same from a file and from the database. */
static int digest_rows(const struct dataset *d, char ret[DIGEST_DIGITS + 1])
{
	const struct str features = {
		(const char *)d->features,
		d->count * d->program.feature_count * sizeof(*d->features),
	};
	const struct str labels = { (const char *)d->labels, d->count };
	char digits[2 * BUNDLE_SHA256_SIZE + 1];
	uint8_t both[2 * BUNDLE_SHA256_SIZE], digest[BUNDLE_SHA256_SIZE];
	int r = bundle_sha256(features, both);

	if (r == 0)
		r = bundle_sha256(labels, both + BUNDLE_SHA256_SIZE);
	if (r == 0)
		r = bundle_sha256((struct str){ (const char *)both, sizeof(both) }, digest);
	if (r < 0)
		return r;
	hex_encode(digest, sizeof(digest), digits);
	memcpy(ret, digits, DIGEST_DIGITS);
	ret[DIGEST_DIGITS] = '\0';
	return 0;
}

static int write_data(struct json_writer *w, const struct training *t,
                      const struct run_origin *from)
{
	const char *slash = from->data ? strrchr(from->data, '/') : NULL;
	const char *source = from->data;
	char digest[DIGEST_DIGITS + 1] = "";
	int r = digest_rows(t->dataset, digest);

	if (!source)
		source = *from->query ? from->query : "sql/queries/training_window.sql";
	json_write_name(w, "data");
	json_begin_object(w);
	add_text(w, "name", slash ? slash + 1 : from->data ? from->data : "training window");
	add_text(w, "digest", digest);
	add_text(w, "source", source);
	json_write_name(w, "rows");
	json_write_unsigned(w, t->dataset->count);
	json_end_object(w);
	return r;
}

int run_write(const struct training *t, const struct run_origin *from, struct strbuf *out)
{
	struct json_writer w = { .out = out };
	int64_t now = clock_real_us();
	int r;

	json_begin_object(&w);
	json_write_name(&w, "started_ms");
	json_write_integer(&w, from->started_us / 1000);
	json_write_name(&w, "ended_ms");
	json_write_integer(&w, now / 1000);
	r = write_data(&w, t, from);
	if (r == 0)
		r = write_params(&w, t, from);
	write_tags(&w, t);
	write_metrics(&w, t, from->started_us, now);
	json_end_object(&w);
	strbuf_addc(out, '\n');
	return r < 0 ? r : strbuf_error(out);
}
