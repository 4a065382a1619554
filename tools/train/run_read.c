/*
 * run.json back from a version's folder, for a publication that may come days after the training
 * and from another process. The file may have been written by hand: everything is checked, and a
 * folder without it is published all the same.
 *
 * Called by export.c.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "run_file.h"
#include "json/value.h"

#define MAX_BYTES ((size_t)64 * 1024 * 1024)

static const char *text_of(struct arena *a, const struct cJSON *v)
{
	return v ? arena_strndup(a, json_text(v)) : NULL;
}

/* {"key": "value", …} */
static int read_facts(const struct cJSON *root, const char *name, struct arena *a,
                      struct registry_fact **ret, size_t *ret_count, struct errbuf *err)
{
	const struct cJSON *object = json_member(root, name);
	size_t count = 0;

	if (!object || json_type(object) != JSON_TYPE_OBJECT)
		return errbuf_set(err, -EBADMSG, "\"%s\" must be an object", name);
	*ret = arena_calloc(a, json_count(object) + 1, sizeof(**ret));
	if (!*ret)
		return errbuf_set(err, -ENOMEM, "no memory for a run");
	for (const struct cJSON *v = json_first(object); v; v = json_next(v)) {
		if (json_type(v) != JSON_TYPE_TEXT)
			return errbuf_set(err, -EBADMSG, "\"%s\" may hold texts only", name);
		(*ret)[count++] =
		        (struct registry_fact){ arena_strndup(a, json_name(v)), text_of(a, v) };
	}
	*ret_count = count;
	return 0;
}

static int read_metric(const struct cJSON *v, struct arena *a, struct registry_metric *ret,
                       struct errbuf *err)
{
	struct str key;
	int r = json_get_text(v, "key", &key, err);

	if (r == 0)
		r = json_get_number(v, "value", &ret->value, err);
	if (r == 0)
		r = json_get_integer(v, "step", &ret->step, err);
	if (r == 0)
		r = json_get_integer(v, "at_ms", &ret->at_ms, err);
	if (r < 0)
		return r;
	ret->key = arena_strndup(a, key);
	return isfinite(ret->value) ? 0 : errbuf_set(err, -EBADMSG, "a metric is out of range");
}

static int read_metrics(const struct cJSON *root, struct arena *a, struct registry_run *ret,
                        struct errbuf *err)
{
	const struct cJSON *list = json_member(root, "metrics");
	struct registry_metric *metrics;
	int r = 0;

	if (!list || json_type(list) != JSON_TYPE_ARRAY)
		return errbuf_set(err, -EBADMSG, "\"metrics\" must be an array");
	metrics = arena_calloc(a, json_count(list) + 1, sizeof(*metrics));
	if (!metrics)
		return errbuf_set(err, -ENOMEM, "no memory for a run");
	for (const struct cJSON *v = json_first(list); v && r == 0; v = json_next(v))
		r = read_metric(v, a, &metrics[ret->metric_count++], err);
	ret->metrics = metrics;
	return r;
}

static int read_data(const struct cJSON *root, struct arena *a, struct registry_run *ret,
                     struct errbuf *err)
{
	const struct cJSON *data = json_member(root, "data");
	struct str name = { 0 }, digest = { 0 }, source = { 0 };
	int64_t rows = 0;
	int r;

	if (!data)
		return 0;
	r = json_get_text(data, "name", &name, err);
	if (r == 0)
		r = json_get_text(data, "digest", &digest, err);
	if (r == 0)
		r = json_get_text(data, "source", &source, err);
	if (r == 0)
		r = json_get_integer(data, "rows", &rows, err);
	if (r < 0)
		return r;
	ret->data_name = arena_strndup(a, name);
	ret->data_digest = arena_strndup(a, digest);
	ret->data_source = arena_strndup(a, source);
	ret->data_rows = rows > 0 ? (uint64_t)rows : 0;
	return 0;
}

static int read_root(const struct cJSON *root, struct arena *a, struct registry_run *ret,
                     struct errbuf *err)
{
	struct registry_fact *params = NULL, *tags = NULL;
	int r = json_get_integer(root, "started_ms", &ret->started_ms, err);

	if (r == 0)
		r = json_get_integer(root, "ended_ms", &ret->ended_ms, err);
	if (r == 0)
		r = read_facts(root, "params", a, &params, &ret->param_count, err);
	if (r == 0)
		r = read_facts(root, "tags", a, &tags, &ret->tag_count, err);
	ret->params = params;
	ret->tags = tags;
	if (r == 0)
		r = read_metrics(root, a, ret, err);
	if (r == 0)
		r = read_data(root, a, ret, err);
	return r == 0 && arena_failed(a) ? errbuf_set(err, -ENOMEM, "no memory for a run") : r;
}

int run_parse(struct str text, struct arena *a, struct registry_run *ret, struct errbuf *err)
{
	struct registry_run run = { 0 };
	const struct cJSON *root;
	struct json_fault fault;
	int r = json_parse(text, a, &root, &fault);

	if (r < 0)
		return errbuf_set(err, r, RUN_FILE ": %s", fault.what);
	r = read_root(root, a, &run, err);
	if (r < 0)
		return errbuf_prefix(err, r, RUN_FILE);
	*ret = run;
	return 0;
}

int run_read(int folder_fd, struct arena *a, struct registry_run *ret, struct errbuf *err)
{
	CLEANUP(free_p) char *text = NULL;
	size_t n;
	int r = file_read(folder_fd, RUN_FILE, MAX_BYTES, &text, &n);

	if (r < 0)
		return errbuf_set(err, r, "could not read " RUN_FILE ": %s", strerror(-r));
	return run_parse((struct str){ text, n }, a, ret, err);
}
