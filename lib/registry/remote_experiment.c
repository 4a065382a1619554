/*
 * Where a training's results will go, found out before it begins: the experiment is there or is
 * made, its files have a place that we can write to, and Azure takes who we are. What is wrong is
 * told now and not after hours of work. Blocking; called through the table in remote.c and by
 * remote_publish.c.
 *
 * An experiment that was deleted is not restored: somebody meant it, and its old runs would come
 * back with it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "registry/remote.h"
#include "json/value.h"

static int find(struct remote *m, struct arena *a, struct remote_experiment *ret,
                struct errbuf *err)
{
	const struct mlflow_parameter query = { "experiment_name", m->experiment };
	const struct cJSON *experiment, *stage;
	struct mlflow_answer answer;
	int r = remote_call(m,
	                    &(struct mlflow_request){ .endpoint = MLFLOW_EXPERIMENT_GET,
	                                              .query = &query,
	                                              .query_count = 1 },
	                    &answer);
	struct str id = { NULL, 0 }, root = { NULL, 0 };

	experiment = r == 0 ? json_member(answer.json, "experiment") : NULL;
	stage = experiment ? json_member(experiment, "lifecycle_stage") : NULL;
	if (r < 0)
		*err = answer.err;
	else if (!experiment || json_get_text(experiment, "experiment_id", &id, err) < 0 ||
	         json_get_text(experiment, "artifact_location", &root, err) < 0)
		r = errbuf_set(err, -EBADMSG, "%s did not say where experiment \"%s\" is",
		               mlflow_host(m->mlflow), m->experiment);
	else if (stage && str_is(json_text(stage), "deleted"))
		r = errbuf_set(err, -EEXIST,
		               "experiment \"%s\" on %s was deleted: restore it (mlflow "
		               "experiments restore -x %.*s) or set mlflow.experiment_name",
		               m->experiment, mlflow_host(m->mlflow), STR_ARGS(id));
	ret->id = r == 0 ? arena_strndup(a, id) : NULL;
	ret->root = r == 0 ? arena_strndup(a, root) : NULL;
	mlflow_answer_done(&answer);
	if (r == 0 && arena_failed(a))
		return errbuf_set(err, -ENOMEM, "out of memory");
	return r;
}

static int make(struct remote *m, struct errbuf *err)
{
	const struct mlflow_parameter name = { "name", m->experiment };
	struct strbuf body = { 0 };
	struct mlflow_answer answer;
	int r;

	remote_object(&body, &name, 1);
	r = remote_call(m,
	                &(struct mlflow_request){ .endpoint = MLFLOW_EXPERIMENT_CREATE,
	                                          .body = strbuf_str(&body) },
	                &answer);
	strbuf_done(&body);
	/* Another training was faster. */
	if (r == -EEXIST)
		r = 0;
	if (r < 0)
		*err = answer.err;
	mlflow_answer_done(&answer);
	return r;
}

int remote_experiment_open(struct remote *m, struct arena *a, struct remote_experiment *ret,
                           struct errbuf *err)
{
	int r = find(m, a, ret, err);

	if (r == -ENOENT) {
		r = make(m, err);
		if (r == 0)
			r = find(m, a, ret, err);
	}
	/* Of the experiment are none but deleted ones' words our own. */
	return r < 0 && r != -EEXIST
	               ? errbuf_prefix(err, r, "could not open experiment \"%s\"", m->experiment)
	               : r;
}

int remote_place_open(struct remote *m, const char *uri, struct artifacts **ret, struct errbuf *err)
{
	const struct artifacts_place place = { .uri = uri };
	enum artifacts_kind kind = artifacts_kind(uri);
	struct azure *azure = NULL;
	int r = 0;

	if (kind == ARTIFACTS_BY_SERVER)
		return errbuf_set(err, -ENOTSUP,
		                  "files of experiment \"%s\" go to \"%s\", where only %s itself "
		                  "can write: start it with --serve-artifacts, or use another "
		                  "experiment",
		                  m->experiment, uri, mlflow_host(m->mlflow));
	if (kind == ARTIFACTS_AZURE)
		r = remote_azure(m, &azure, err);
	if (r < 0) {
		/* the list of what is missing comes first: it must not be cut */
		const struct errbuf why = *err;

		return errbuf_set(err, r, "%s; files go to %s", why.text, uri);
	}
	return artifacts_new(m->transfers, azure, &place, ret, err);
}

/* One small question to the storage shows a wrong key, account or container. What is there does not
 * matter. The server answers for its own storage. */
static int check_storage(struct remote *m, const char *root, struct artifacts *place,
                         struct errbuf *err)
{
	struct remote_waiting w = { .base = m->base };
	int r = 0;

	if (artifacts_kind(root) != ARTIFACTS_AZURE)
		return 0;
	r = artifacts_list(place, 1, remote_on_artifacts, &w);
	if (r < 0)
		return errbuf_set(err, r, "no memory to ask the storage");
	r = remote_wait(&w);
	if (r == 0 || r == -E2BIG)
		return 0;
	*err = w.err;
	return r;
}

static char *describe(const struct remote *m, const struct remote_experiment *e)
{
	bool direct = artifacts_kind(e->root) == ARTIFACTS_AZURE;
	const char *half = direct && m->credentials.half[0] ? m->credentials.half : NULL;
	char *text;

	if (asprintf(&text, "experiment \"%s\" (%s) on %s, files %s%s%s%s%s%s", m->experiment,
	             e->id, mlflow_host(m->mlflow), direct ? "in " : "through the server",
	             direct ? e->root : "", direct ? ", as " : "", direct ? m->storage : "",
	             half ? "; passed over: " : "", half ? half : "") < 0)
		return NULL;
	return text;
}

void remote_start_prepare(struct registry_call *c)
{
	struct remote *m = remote_of(c);
	struct artifacts *place = NULL;
	struct remote_experiment e;
	struct errbuf *err = &c->result.err;
	int r = remote_experiment_open(m, &c->arena, &e, err);

	if (r == 0)
		r = remote_place_open(m, e.root, &place, err);
	if (r == 0)
		r = check_storage(m, e.root, place, err);
	artifacts_free(place);
	if (r == 0) {
		c->result.text = describe(m, &e);
		r = c->result.text ? 0 : errbuf_set(err, -ENOMEM, "out of memory");
	}
	call_end(c, r);
}
