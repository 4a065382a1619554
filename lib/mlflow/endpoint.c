/*
 * What can be asked of a server: one row an endpoint. "Idempotent" decides what the one retry
 * policy may repeat when nobody knows whether the server has acted: a run, a version or a logged
 * model would be there twice; outputs of a run are refused the second time; an experiment or a
 * registered model has a name that is taken then; a metric of the same key, time, step and value is
 * kept once. Called by client.c.
 */
#include "mlflow/endpoint.h"

#include <errno.h>

#include "mlflow/url.h"

#define API "/api/2.0/mlflow/"

static const struct endpoint endpoints[MLFLOW_ENDPOINT_MAX] = {
	/* method, path, registry, idempotent */
	[MLFLOW_ALIAS_GET] = { "GET", "registered-models/alias", true, true },
	[MLFLOW_ALIAS_SET] = { "POST", "registered-models/alias", true, true },
	[MLFLOW_EXPERIMENT_CREATE] = { "POST", "experiments/create", false, true },
	[MLFLOW_EXPERIMENT_GET] = { "GET", "experiments/get-by-name", false, true },
	[MLFLOW_EXPERIMENT_RESTORE] = { "POST", "experiments/restore", false, false },
	[MLFLOW_LOGGED_MODEL_CREATE] = { "POST", "logged-models", false, false },
	[MLFLOW_LOGGED_MODEL_FINISH] = { "PATCH", "logged-models/*", false, true },
	[MLFLOW_LOGGED_MODEL_GET] = { "GET", "logged-models/*", false, true },
	[MLFLOW_LOGGED_MODEL_SEARCH] = { "POST", "logged-models/search", false, true },
	[MLFLOW_MODEL_CREATE] = { "POST", "registered-models/create", true, true },
	[MLFLOW_MODEL_GET] = { "GET", "registered-models/get", true, true },
	[MLFLOW_RUN_ARTIFACTS] = { "GET", "artifacts/list", false, true },
	[MLFLOW_RUN_CREATE] = { "POST", "runs/create", false, false },
	[MLFLOW_RUN_GET] = { "GET", "runs/get", false, true },
	[MLFLOW_RUN_INPUTS] = { "POST", "runs/log-inputs", false, true },
	[MLFLOW_RUN_LOG_BATCH] = { "POST", "runs/log-batch", false, true },
	[MLFLOW_RUN_OUTPUTS] = { "POST", "runs/outputs", false, false },
	[MLFLOW_RUN_SEARCH] = { "POST", "runs/search", false, true },
	[MLFLOW_RUN_UPDATE] = { "POST", "runs/update", false, true },
	[MLFLOW_VERSION_CREATE] = { "POST", "model-versions/create", true, false },
	[MLFLOW_VERSION_GET] = { "GET", "model-versions/get", true, true },
	[MLFLOW_VERSION_SEARCH] = { "GET", "model-versions/search", true, true },
	[MLFLOW_VERSION_SET_TAG] = { "POST", "model-versions/set-tag", true, true },
	[MLFLOW_VERSION_URI] = { "GET", "model-versions/get-download-uri", true, true },
};

const struct endpoint *endpoint_of(enum mlflow_endpoint which)
{
	return &endpoints[which];
}

int endpoint_url(const char *base, const struct mlflow_request *q, struct strbuf *ret)
{
	const struct endpoint *e = endpoint_of(q->endpoint);
	size_t plain = strcspn(e->path, "*");

	if (e->path[plain] && (!q->id || !*q->id))
		return -EINVAL;
	strbuf_adds(ret, base);
	strbuf_adds(ret, API);
	strbuf_add(ret, e->path, plain);
	if (e->path[plain])
		url_add(ret, str_of(q->id), false);
	for (size_t i = 0; i < q->query_count; i++) {
		strbuf_addf(ret, "%c%s=", i ? '&' : '?', q->query[i].name);
		url_add(ret, str_of(q->query[i].value), false);
	}
	return strbuf_error(ret);
}
