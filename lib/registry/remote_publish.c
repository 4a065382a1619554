/*
 * A version on disk becomes one of the registry: a run, on MLflow 3 a logged model, the files with
 * MLmodel last (what has none cannot be loaded, so an upload that broke is no model), a registered
 * version that tells its name and the digest of its manifest. Blocking; called through the table in
 * remote.c by a training.
 *
 * Invariant: asked again with the same version, the answer is the version that is there. A run that
 * did not get to its end is FAILED, not RUNNING for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "bundle/bundle.h"
#include "registry/remote.h"
#include "json/value.h"
#include "json/writer.h"

#define MODEL "model" /* as mlflow.xgboost.log_model() calls it by default */
#define MLMODEL "MLmodel"
#define MANIFEST_BYTES (4 << 20)
#define PENDING_MS 500

struct file {
	const char *path;
	uint64_t size;
};

struct publishing {
	struct registry_call *call;
	struct remote *remote;
	struct arena arena;
	struct errbuf *err;
	struct remote_run run;
	char manifest[CACHE_SHA256];
	struct file *files; /* MLmodel is the last */
	size_t count;
	uint64_t done, total; /* bytes */
	const char *source;   /* of the version, as the server takes it */
};

/* --- the files --- */

static int add_file(struct publishing *p, struct str path)
{
	int folder = p->call->q.folder_fd;
	struct file *f = &p->files[p->count];
	struct stat st;

	f->path = arena_strndup(&p->arena, path);
	if (!f->path)
		return errbuf_set(p->err, -ENOMEM, "out of memory");
	if (!cache_path_is_valid(f->path))
		return errbuf_set(p->err, -EBADMSG, REMOTE_MANIFEST ": \"%s\" is no file's name",
		                  f->path);
	if (fstatat(folder, f->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errbuf_set(p->err, -errno, "could not look at \"%s\": %s", f->path,
		                  strerror(errno));
	if (!S_ISREG(st.st_mode))
		return errbuf_set(p->err, -EINVAL, "\"%s\" is no regular file", f->path);
	f->size = (uint64_t)st.st_size;
	p->total += f->size;
	p->count++;
	return 0;
}

/* What the manifest lists, then itself; MLmodel is put last. */
static int take_files(struct publishing *p, const struct cJSON *digests)
{
	int r = 0;

	p->files = arena_calloc(&p->arena, json_count(digests) + 1, sizeof(*p->files));
	if (!p->files)
		return errbuf_set(p->err, -ENOMEM, "out of memory");
	for (const struct cJSON *v = json_first(digests); v && r == 0; v = json_next(v))
		if (!str_is(json_name(v), MLMODEL))
			r = add_file(p, json_name(v));
	if (r == 0)
		r = add_file(p, STR(REMOTE_MANIFEST));
	if (r == 0 && !json_member(digests, MLMODEL))
		return errbuf_set(p->err, -EBADMSG, REMOTE_MANIFEST " does not list " MLMODEL);
	return r < 0 ? r : add_file(p, STR(MLMODEL));
}

static int read_folder(struct publishing *p)
{
	CLEANUP(free_p) char *text = NULL;
	const struct cJSON *root = NULL, *digests = NULL;
	uint8_t digest[BUNDLE_SHA256_SIZE];
	struct json_fault fault;
	size_t n = 0;
	int r = file_read(p->call->q.folder_fd, REMOTE_MANIFEST, MANIFEST_BYTES, &text, &n);

	if (r == 0)
		r = bundle_sha256((struct str){ text, n }, digest);
	if (r == 0)
		r = json_parse((struct str){ text, n }, &p->arena, &root, &fault);
	if (r == 0 && json_type(root) == JSON_TYPE_OBJECT)
		digests = json_member(root, "digests");
	if (r == 0 && (!digests || json_type(digests) != JSON_TYPE_OBJECT))
		r = -EBADMSG;
	if (r < 0)
		return errbuf_set(p->err, r, "could not read " REMOTE_MANIFEST ": %s",
		                  strerror(-r));
	hex_encode(digest, sizeof(digest), p->manifest);
	return take_files(p, digests);
}

/* --- is it there already --- */

/* 1: it is this one, and the result tells it. */
static int take_published(struct publishing *p, const struct cJSON *object)
{
	struct registry_result *ret = &p->call->result;
	struct remote_version v;
	int r = remote_version_read(p->remote, object, &v, p->err);

	if (r < 0)
		return r;
	ret->version = v.v;
	if (!str_is(v.manifest, p->manifest))
		return errbuf_set(p->err, -EEXIST,
		                  "version \"%s\" is there already with other files, as number %s",
		                  p->call->q.version, v.v.registry_version);
	ret->text = strndup(v.run_id.p, v.run_id.n);
	return ret->text ? 1 : errbuf_set(p->err, -ENOMEM, "out of memory");
}

static int find_published(struct publishing *p)
{
	const struct registry_call *c = p->call;
	const char *filter =
	        arena_printf(&p->arena, "name='%s' and tag.`" REMOTE_TAG_VERSION "`='%s'",
	                     c->registry->name, c->q.version);
	const struct mlflow_parameter query[] = { { "filter", filter },
		                                  { "max_results", "1" },
		                                  { "order_by", "version_number DESC" } };
	const struct mlflow_request q = { .endpoint = MLFLOW_VERSION_SEARCH,
		                          .query = query,
		                          .query_count = 3 };
	const struct cJSON *list;
	struct mlflow_answer a;
	int r;

	if (!filter)
		return errbuf_set(p->err, -ENOMEM, "out of memory");
	r = remote_call(p->remote, &q, &a);
	list = r == 0 ? json_member(a.json, "model_versions") : NULL;
	if (r < 0)
		*p->err = a.err;
	else if (list && json_first(list))
		r = take_published(p, json_first(list));
	mlflow_answer_done(&a);
	return r;
}

/* --- logged model --- */

static void write_member(struct json_writer *w, const char *name, const char *text)
{
	json_write_name(w, name);
	json_write_text(w, str_of(text));
}

static int take_model(struct publishing *p, const struct cJSON *model, const char **ret_root)
{
	const struct cJSON *info = model ? json_member(model, "info") : NULL;
	struct str id = { NULL, 0 }, root = { NULL, 0 };

	if (!info || json_get_text(info, "model_id", &id, NULL) < 0 ||
	    json_get_text(info, "artifact_uri", &root, NULL) < 0)
		return errbuf_set(p->err, -EBADMSG, "%s answered without a logged model",
		                  mlflow_host(p->remote->mlflow));
	p->run.model_id = arena_strndup(&p->arena, id);
	*ret_root = arena_strndup(&p->arena, root);
	p->source = arena_printf(&p->arena, "models:/%.*s", STR_ARGS(id));
	return arena_failed(&p->arena) ? errbuf_set(p->err, -ENOMEM, "out of memory") : 0;
}

/* One whose creation was not answered stays PENDING there and disturbs nobody: it has no files and
 * no version. So it may be asked for twice. */
static int create_model(struct publishing *p, const char *experiment, const char **ret_root)
{
	const struct registry_fact tags[] = { { REMOTE_TAG_VERSION, p->call->q.version },
		                              { REMOTE_TAG_MANIFEST, p->manifest } };
	int r = -EHOSTUNREACH;

	for (unsigned i = 0; i < 2 && (r == -EHOSTUNREACH || r == -ETIMEDOUT); i++) {
		struct strbuf body = { 0 };
		struct json_writer w = { .out = &body };
		struct mlflow_answer answer;

		json_begin_object(&w);
		write_member(&w, "experiment_id", experiment);
		write_member(&w, "name", MODEL);
		write_member(&w, "source_run_id", p->run.id);
		remote_write_tags(&w, tags, 2);
		json_end_object(&w);
		r = remote_run_ask(&p->run, MLFLOW_LOGGED_MODEL_CREATE, &body, &answer);
		if (r == 0)
			r = take_model(p, json_member(answer.json, "model"), ret_root);
		mlflow_answer_done(&answer);
	}
	return r;
}

/* MLflow 2 has no logged models: there the files are the run's. */
static int open_model(struct publishing *p, const char *experiment, const char **ret_root)
{
	int r = create_model(p, experiment, ret_root);

	if (r == -ENOSYS) {
		*ret_root = arena_printf(&p->arena, "%s/" MODEL, p->run.root);
		p->source = *ret_root;
		r = p->source ? 0 : errbuf_set(p->err, -ENOMEM, "out of memory");
	}
	return r < 0 ? errbuf_prefix(p->err, r, "could not make a logged model") : 0;
}

static int tell_outputs(struct publishing *p)
{
	struct strbuf body = { 0 };
	struct json_writer w = { .out = &body };
	struct mlflow_answer answer;
	int r;

	json_begin_object(&w);
	write_member(&w, "run_id", p->run.id);
	json_write_name(&w, "models");
	json_begin_array(&w);
	json_begin_object(&w);
	write_member(&w, "model_id", p->run.model_id);
	json_write_name(&w, "step");
	json_write_integer(&w, 0);
	json_end_object(&w);
	json_end_array(&w);
	json_end_object(&w);
	r = remote_run_ask(&p->run, MLFLOW_RUN_OUTPUTS, &body, &answer);
	mlflow_answer_done(&answer);
	return r < 0 ? errbuf_prefix(p->err, r, "could not tell the run its model") : 0;
}

/* A status that the server does not know it takes for none, and says 200: the answer is read. */
static int end_model(struct publishing *p, const char *status)
{
	struct strbuf body = { 0 };
	struct json_writer w = { .out = &body };
	const struct cJSON *model, *info;
	struct mlflow_answer answer;
	struct str now = { NULL, 0 };
	int r;

	json_begin_object(&w);
	write_member(&w, "model_id", p->run.model_id);
	write_member(&w, "status", status);
	json_end_object(&w);
	r = remote_run_ask(&p->run, MLFLOW_LOGGED_MODEL_FINISH, &body, &answer);
	model = r == 0 ? json_member(answer.json, "model") : NULL;
	info = model ? json_member(model, "info") : NULL;
	if (r == 0 &&
	    (!info || json_get_text(info, "status", &now, NULL) < 0 || !str_is(now, status)))
		r = errbuf_set(p->err, -EBADMSG, "%s did not set the logged model to %s",
		               mlflow_host(p->remote->mlflow), status);
	mlflow_answer_done(&answer);
	return r;
}

/* --- upload --- */

struct putting {
	struct remote_waiting waiting; /* first: it is what the end is told to */
	const struct publishing *publishing;
};

static void on_progress(void *self, uint64_t done, uint64_t total)
{
	const struct publishing *p = ((const struct putting *)self)->publishing;
	const struct registry_request *q = &p->call->q;

	(void)total;
	if (q->on_progress)
		q->on_progress(q->progress_self, p->done + done, p->total);
}

static int put_file(struct publishing *p, struct artifacts *place, const struct file *f)
{
	CLEANUP(close_p) int fd = -1;
	struct putting putting = { .waiting = { .base = p->remote->base }, .publishing = p };
	struct artifacts_put q = { .path = f->path, .size = f->size, .on_progress = on_progress };
	int r;

	fd = openat(p->call->q.folder_fd, f->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errbuf_set(p->err, -errno, "could not open \"%s\": %s", f->path,
		                  strerror(errno));
	q.fd = fd;
	r = artifacts_put(place, &q, remote_on_artifacts, &putting.waiting);
	if (r < 0)
		return errbuf_set(p->err, r, "could not upload \"%s\": %s", f->path, strerror(-r));
	r = remote_wait(&putting.waiting);
	if (r < 0)
		*p->err = putting.waiting.err;
	p->done += f->size;
	return r;
}

static int put_files(struct publishing *p, const char *root)
{
	struct artifacts *place = NULL;
	int r = remote_place_open(p->remote, root, &place, p->err);

	for (size_t i = 0; i < p->count && r == 0; i++)
		r = put_file(p, place, &p->files[i]);
	artifacts_free(place);
	return r;
}

/* --- the version --- */

static int make_registered(struct publishing *p)
{
	const struct mlflow_parameter name = { "name", p->call->registry->name };
	struct strbuf body = { 0 };
	struct mlflow_answer answer;
	int r;

	remote_object(&body, &name, 1);
	r = remote_run_ask(&p->run, MLFLOW_MODEL_CREATE, &body, &answer);
	mlflow_answer_done(&answer);
	if (r == -EEXIST)
		return 0;
	return r < 0 ? errbuf_prefix(p->err, r, "could not make the registered model \"%s\"",
	                             p->call->registry->name)
	             : 0;
}

static int create_version(struct publishing *p)
{
	const struct registry_fact tags[] = { { REMOTE_TAG_VERSION, p->call->q.version },
		                              { REMOTE_TAG_MANIFEST, p->manifest } };
	struct strbuf body = { 0 };
	struct json_writer w = { .out = &body };
	struct mlflow_answer answer;
	struct remote_version v = { .created_ms = 0 };
	int r;

	json_begin_object(&w);
	write_member(&w, "name", p->call->registry->name);
	write_member(&w, "source", p->source);
	/* The server finds the run of a logged model by itself. */
	if (p->run.model_id)
		write_member(&w, "model_id", p->run.model_id);
	else
		write_member(&w, "run_id", p->run.id);
	remote_write_tags(&w, tags, 2);
	json_end_object(&w);
	r = remote_run_ask(&p->run, MLFLOW_VERSION_CREATE, &body, &answer);
	if (r == 0)
		r = remote_version_read(p->remote, json_member(answer.json, "model_version"), &v,
		                        p->err);
	if (r == 0)
		p->call->result.version = v.v;
	mlflow_answer_done(&answer);
	return r;
}

/* Not asked for twice, unless the server says that it has not made the first. */
static int create_once(struct publishing *p)
{
	int r = create_version(p);

	if (r == -EHOSTUNREACH || r == -ETIMEDOUT) {
		r = find_published(p);
		if (r == 0)
			r = create_version(p);
	}
	return r < 0 ? errbuf_prefix(p->err, r, "could not register the version") : 0;
}

static int look(const struct publishing *p)
{
	const struct mlflow_parameter query[] = {
		{ "name", p->call->registry->name },
		{ "version", p->call->result.version.registry_version },
	};
	struct mlflow_answer answer;
	struct remote_version v = { .created_ms = 0 };
	int r = remote_call(p->remote,
	                    &(struct mlflow_request){ .endpoint = MLFLOW_VERSION_GET,
	                                              .query = query,
	                                              .query_count = 2 },
	                    &answer);

	if (r < 0)
		*p->err = answer.err;
	else
		r = remote_version_read(p->remote, json_member(answer.json, "model_version"), &v,
		                        p->err);
	if (r == 0)
		r = remote_version_ready(&v, p->err);
	/* As the loader will see it. */
	if (r == 0)
		p->call->result.version = v.v;
	mlflow_answer_done(&answer);
	return r;
}

static int wait_ready(const struct publishing *p)
{
	const struct timespec pause = { .tv_nsec = PENDING_MS * 1000000L };
	uint64_t until = clock_mono_ns() + p->remote->timeout_seconds * UINT64_C(1000000000);
	int r = look(p);

	while (r == -EAGAIN && clock_mono_ns() < until) {
		nanosleep(&pause, NULL);
		r = look(p);
	}
	return r;
}

/* --- all of it --- */

static int fill_run(struct publishing *p, const char *experiment)
{
	const char *root = NULL;
	int r = open_model(p, experiment, &root);

	if (r == 0)
		r = remote_run_log(&p->run);
	if (r == 0 && p->run.model_id)
		r = tell_outputs(p);
	if (r == 0)
		r = put_files(p, root);
	if (r == 0 && p->run.model_id)
		r = end_model(p, "LOGGED_MODEL_READY");
	if (r == 0)
		r = make_registered(p);
	return r < 0 ? r : create_once(p);
}

/* Whatever the server says to this: the first failure is what is told. */
static void give_up(struct publishing *p)
{
	struct errbuf first = *p->err;

	if (p->run.model_id)
		(void)end_model(p, "LOGGED_MODEL_UPLOAD_FAILED");
	(void)remote_run_end(&p->run, "FAILED");
	*p->err = first;
}

static int publish(struct publishing *p)
{
	struct remote_experiment experiment;
	int r = remote_experiment_open(p->remote, &p->arena, &experiment, p->err);

	if (r == 0)
		r = remote_run_create(&p->run, experiment.id);
	if (r < 0)
		return r;
	r = fill_run(p, experiment.id);
	if (r < 0) {
		give_up(p);
		return r;
	}
	/* The version is there; a run that cannot be closed takes nothing from it. */
	(void)remote_run_end(&p->run, "FINISHED");
	r = wait_ready(p);
	if (r < 0)
		return r;
	free(p->call->result.text);
	p->call->result.text = strdup(p->run.id);
	return p->call->result.text ? 0 : errbuf_set(p->err, -ENOMEM, "out of memory");
}

void remote_start_publish(struct registry_call *c)
{
	struct publishing p = { .call = c, .remote = remote_of(c), .err = &c->result.err };
	int r;

	p.run = (struct remote_run){ .remote = p.remote,
		                     .arena = &p.arena,
		                     .facts = c->q.run,
		                     .version = c->q.version,
		                     .err = p.err };
	r = read_folder(&p);
	if (r == 0)
		r = find_published(&p);
	if (r == 0)
		r = publish(&p);
	if (r > 0)
		r = 0;
	if (r < 0)
		errbuf_prefix(p.err, r, "could not publish version \"%s\" of model \"%s\" on %s",
		              c->q.version, c->registry->name, mlflow_host(p.remote->mlflow));
	arena_done(&p.arena);
	call_end(c, r);
}
