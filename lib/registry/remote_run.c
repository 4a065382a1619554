/*
 * The run of a training on an MLflow server: parameters, metrics of each round, tags, the data set.
 * A server takes a value of the wrong JSON type for an absent one and says 200, so all texts are
 * texts; it refuses keys with odd characters and batches that are too large, so those are mended
 * and divided here. Blocking; called by remote_publish.c.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "registry/remote.h"
#include "json/value.h"
#include "json/writer.h"

/* The server's limits are 1000 and 100; with the longest values these stay below 1 MB. */
#define METRICS_AT_ONCE 900
#define FACTS_AT_ONCE 50
#define KEY_BYTES 250
#define PARAM_BYTES 6000
#define TAG_BYTES 5000
#define DATA_NAME_BYTES 500
#define DATA_DIGEST_BYTES 36
#define TAG_ATTEMPT "fraudd.attempt"
#define KEY_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./ "

int remote_run_ask(const struct remote_run *r, enum mlflow_endpoint endpoint, struct strbuf *body,
                   struct mlflow_answer *ret)
{
	const struct mlflow_request q = { .endpoint = endpoint,
		                          .id = r->model_id,
		                          .body = strbuf_str(body) };
	int error = strbuf_error(body);

	*ret = (struct mlflow_answer){ 0 };
	if (error < 0)
		errbuf_set(r->err, error, "no memory for a request to the registry");
	else
		error = remote_call(r->remote, &q, ret);
	if (error < 0 && *ret->err.text)
		*r->err = ret->err;
	strbuf_done(body);
	return error;
}

/* The same where only success matters. */
static int tell(const struct remote_run *r, enum mlflow_endpoint endpoint, struct strbuf *body)
{
	struct mlflow_answer answer;
	int error = remote_run_ask(r, endpoint, body, &answer);

	mlflow_answer_done(&answer);
	return error;
}

static void write_member(struct json_writer *w, const char *name, const char *text)
{
	json_write_name(w, name);
	json_write_text(w, str_of(text));
}

static void write_cut(struct json_writer *w, const char *name, const char *text, size_t limit)
{
	json_write_name(w, name);
	json_write_text(w, (struct str){ text, str_utf8_cut(str_of(text), limit) });
}

/* What the server would refuse in a key becomes '_'; a key must be its own normal path, too. */
static void write_key(struct json_writer *w, const char *key)
{
	char text[KEY_BYTES + 1];
	size_t n = 0;

	for (; n < KEY_BYTES && key[n]; n++) {
		bool odd = !strchr(KEY_CHARACTERS, key[n]);
		bool path = (key[n] == '/' || key[n] == '.') &&
		            (n == 0 || text[n - 1] == '/' || text[n - 1] == '.');

		text[n] = key[n];
		if (odd || path)
			text[n] = '_';
	}
	text[n] = '\0';
	write_member(w, "key", text);
}

static void write_facts(struct json_writer *w, const struct registry_fact *facts, size_t count,
                        size_t limit)
{
	json_begin_array(w);
	for (size_t i = 0; i < count; i++) {
		json_begin_object(w);
		write_key(w, facts[i].key);
		write_cut(w, "value", facts[i].value, limit);
		json_end_object(w);
	}
	json_end_array(w);
}

void remote_write_tags(struct json_writer *w, const struct registry_fact *tags, size_t count)
{
	json_write_name(w, "tags");
	write_facts(w, tags, count, TAG_BYTES);
}

/* --- the run itself --- */

static int take_run(struct remote_run *r, const struct cJSON *run)
{
	const struct cJSON *info = run ? json_member(run, "info") : NULL;
	struct str id = { NULL, 0 }, root = { NULL, 0 };

	if (!info || json_get_text(info, "run_id", &id, NULL) < 0 ||
	    json_get_text(info, "artifact_uri", &root, NULL) < 0)
		return errbuf_set(r->err, -EBADMSG, "%s answered without a run",
		                  mlflow_host(r->remote->mlflow));
	r->id = arena_strndup(r->arena, id);
	r->root = arena_strndup(r->arena, root);
	return r->id && r->root ? 0 : errbuf_set(r->err, -ENOMEM, "out of memory");
}

static int create(struct remote_run *r, const char *experiment)
{
	const struct registry_fact tags[] = {
		{ TAG_ATTEMPT, r->attempt },
		{ REMOTE_TAG_VERSION, r->version },
		{ "mlflow.source.name", "fraud-train" },
		{ "mlflow.source.type", "LOCAL" },
		{ "mlflow.user", "fraudd" },
	};
	struct strbuf body = { 0 };
	struct json_writer w = { .out = &body };
	struct mlflow_answer answer;
	int error;

	json_begin_object(&w);
	write_member(&w, "experiment_id", experiment);
	write_member(&w, "run_name", r->version);
	json_write_name(&w, "start_time");
	json_write_integer(&w, r->facts ? r->facts->started_ms : 0);
	remote_write_tags(&w, tags, sizeof(tags) / sizeof(tags[0]));
	json_end_object(&w);
	error = remote_run_ask(r, MLFLOW_RUN_CREATE, &body, &answer);
	if (error == 0)
		error = take_run(r, json_member(answer.json, "run"));
	mlflow_answer_done(&answer);
	return error;
}

static int find(struct remote_run *r, const char *experiment)
{
	struct strbuf body = { 0 };
	struct json_writer w = { .out = &body };
	struct mlflow_answer answer;
	const struct cJSON *runs;
	int error;

	json_begin_object(&w);
	json_write_name(&w, "experiment_ids");
	json_begin_array(&w);
	json_write_text(&w, str_of(experiment));
	json_end_array(&w);
	write_member(&w, "filter",
	             arena_printf(r->arena, "tags.`" TAG_ATTEMPT "` = '%s'", r->attempt));
	json_write_name(&w, "max_results");
	json_write_integer(&w, 1);
	json_end_object(&w);
	error = remote_run_ask(r, MLFLOW_RUN_SEARCH, &body, &answer);
	runs = error == 0 ? json_member(answer.json, "runs") : NULL;
	if (error == 0)
		error = runs && json_first(runs) ? take_run(r, json_first(runs)) : -ENOENT;
	mlflow_answer_done(&answer);
	return error;
}

/* Asked again after an answer that did not come, a server would make a second run: so first it is
 * asked whether it has made the first. */
int remote_run_create(struct remote_run *r, const char *experiment)
{
	int error = uuid7(r->facts ? r->facts->started_ms : 0, r->attempt);

	if (error < 0)
		return errbuf_set(r->err, error, "no random number for the run");
	error = create(r, experiment);
	if (error == -EHOSTUNREACH || error == -ETIMEDOUT) {
		error = find(r, experiment);
		if (error == -ENOENT)
			error = create(r, experiment);
	}
	return error < 0 ? errbuf_prefix(r->err, error, "could not begin a run") : 0;
}

int remote_run_end(const struct remote_run *r, const char *status)
{
	struct strbuf body = { 0 };
	struct json_writer w = { .out = &body };

	json_begin_object(&w);
	write_member(&w, "run_id", r->id);
	write_member(&w, "status", status);
	if (r->facts) {
		json_write_name(&w, "end_time");
		json_write_integer(&w, r->facts->ended_ms);
	}
	json_end_object(&w);
	return tell(r, MLFLOW_RUN_UPDATE, &body);
}

/* --- what it was like --- */

static int log_facts(const struct remote_run *r, const char *name,
                     const struct registry_fact *facts, size_t count, size_t limit)
{
	int error = 0;

	for (size_t i = 0; i < count && error == 0; i += FACTS_AT_ONCE) {
		size_t n = count - i < FACTS_AT_ONCE ? count - i : FACTS_AT_ONCE;
		struct strbuf body = { 0 };
		struct json_writer w = { .out = &body };

		json_begin_object(&w);
		write_member(&w, "run_id", r->id);
		json_write_name(&w, name);
		write_facts(&w, facts + i, n, limit);
		json_end_object(&w);
		error = tell(r, MLFLOW_RUN_LOG_BATCH, &body);
	}
	return error;
}

/* JSON has no word for these, the server takes them as text. */
static void write_value(struct json_writer *w, double v)
{
	if (isnan(v))
		json_write_text(w, STR("NaN"));
	else if (isinf(v))
		json_write_text(w, v > 0 ? STR("Infinity") : STR("-Infinity"));
	else
		json_write_double(w, v);
}

static bool same_key(const struct registry_run *f, size_t a, size_t b)
{
	return a < f->metric_count && b < f->metric_count &&
	       strcmp(f->metrics[a].key, f->metrics[b].key) == 0;
}

static void write_metric(struct json_writer *w, const struct remote_run *r, size_t i)
{
	const struct registry_metric *m = &r->facts->metrics[i];
	bool series = same_key(r->facts, i, i + 1) || (i > 0 && same_key(r->facts, i, i - 1));

	json_begin_object(w);
	write_key(w, m->key);
	json_write_name(w, "value");
	write_value(w, m->value);
	json_write_name(w, "timestamp");
	json_write_integer(w, m->at_ms > 0 ? m->at_ms : 0);
	json_write_name(w, "step");
	json_write_integer(w, m->step);
	/* What the model scored in the end is the model's; its way there is the run's. */
	if (r->model_id && !series)
		write_member(w, "model_id", r->model_id);
	json_end_object(w);
}

static int log_metrics(const struct remote_run *r)
{
	size_t count = r->facts->metric_count;
	int error = 0;

	for (size_t i = 0; i < count && error == 0; i += METRICS_AT_ONCE) {
		size_t end = count - i < METRICS_AT_ONCE ? count : i + METRICS_AT_ONCE;
		struct strbuf body = { 0 };
		struct json_writer w = { .out = &body };

		json_begin_object(&w);
		write_member(&w, "run_id", r->id);
		json_write_name(&w, "metrics");
		json_begin_array(&w);
		for (size_t j = i; j < end; j++)
			write_metric(&w, r, j);
		json_end_array(&w);
		json_end_object(&w);
		error = tell(r, MLFLOW_RUN_LOG_BATCH, &body);
	}
	return error;
}

/* {"name", "digest", "source_type", "source", "profile"}, as mlflow.log_input() sends it. */
static int write_data(struct json_writer *w, const struct registry_run *f)
{
	struct strbuf source = { 0 }, profile = { 0 };
	struct json_writer s = { .out = &source };
	int error;

	json_begin_object(&s);
	write_member(&s, "uri", f->data_source ? f->data_source : f->data_name);
	json_end_object(&s);
	strbuf_addf(&profile, "{\"num_rows\": %llu}", (unsigned long long)f->data_rows);
	error = strbuf_error(&source) ? strbuf_error(&source) : strbuf_error(&profile);
	json_begin_object(w);
	write_cut(w, "name", f->data_name, DATA_NAME_BYTES);
	write_cut(w, "digest", f->data_digest ? f->data_digest : "", DATA_DIGEST_BYTES);
	write_member(w, "source_type", "local");
	json_write_name(w, "source");
	json_write_text(w, strbuf_str(&source));
	json_write_name(w, "profile");
	json_write_text(w, strbuf_str(&profile));
	json_end_object(w);
	strbuf_done(&source);
	strbuf_done(&profile);
	return error;
}

static int log_data(const struct remote_run *r)
{
	const struct registry_fact context = { "mlflow.data.context", "training" };
	struct strbuf body = { 0 };
	struct json_writer w = { .out = &body };

	json_begin_object(&w);
	write_member(&w, "run_id", r->id);
	json_write_name(&w, "datasets");
	json_begin_array(&w);
	json_begin_object(&w);
	remote_write_tags(&w, &context, 1);
	json_write_name(&w, "dataset");
	if (write_data(&w, r->facts) < 0)
		body.error = -ENOMEM;
	json_end_object(&w);
	json_end_array(&w);
	json_end_object(&w);
	return tell(r, MLFLOW_RUN_INPUTS, &body);
}

int remote_run_log(const struct remote_run *r)
{
	const struct registry_run *f = r->facts;
	int error = 0;

	if (!f)
		return 0;
	error = log_facts(r, "params", f->params, f->param_count, PARAM_BYTES);
	if (error == 0)
		error = log_facts(r, "tags", f->tags, f->tag_count, TAG_BYTES);
	if (error == 0)
		error = log_metrics(r);
	if (error == 0 && f->data_name)
		error = log_data(r);
	return error < 0 ? errbuf_prefix(r->err, error, "could not log run %s", r->id) : 0;
}
