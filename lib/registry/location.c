/*
 * From a version's number to the address of its files: is it ready, what does the server say is its
 * download address, and where does that lead. "runs:/…" is a path below a run's files or, logged by
 * MLflow 3, a logged model of that run; "models:/m-…" is a logged model. Called by remote_fetch.c.
 */
#include "registry/location.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "daemon/loop.h"
#include "json/value.h"

#define PENDING_MS 1000

static void ask_version(struct location *l);

void location_done(struct location *l)
{
	loop_timer_free(l->pending);
	l->pending = NULL;
}

static void fail(const struct location *l, int result, const char *words)
{
	struct errbuf err;

	errbuf_set(&err, result, "%s", words);
	l->on_end(l->self, result, &err);
}

static const char *text_at(const struct location *l, const struct cJSON *object, const char *name)
{
	const struct cJSON *v = object ? json_member(object, name) : NULL;

	return v && json_text(v).n ? arena_strndup(l->arena, json_text(v)) : NULL;
}

static void end(struct location *l, const char *uri)
{
	l->uri = uri;
	if (uri)
		l->on_end(l->self, 0, NULL);
	else if (arena_failed(l->arena))
		fail(l, -ENOMEM, "out of memory");
	else
		fail(l, -EBADMSG, "it did not say where the files are");
}

/* --- logged models --- */

static void on_output(void *self, struct mlflow_answer *a)
{
	struct location *l = self;
	const struct cJSON *model = a->result == 0 ? json_member(a->json, "model") : NULL;
	const struct cJSON *info = model ? json_member(model, "info") : NULL;
	const char *name = text_at(l, info, "name");

	if (a->result < 0)
		l->on_end(l->self, a->result, &a->err);
	else if (!l->wanted || (name && strcmp(name, l->wanted) == 0))
		end(l, text_at(l, info, "artifact_uri"));
	else if (!location_next(l))
		end(l, NULL);
}

bool location_next(struct location *l)
{
	if (l->output_next == l->output_count)
		return false;
	remote_ask(l->call,
	           &(struct mlflow_request){ .endpoint = MLFLOW_LOGGED_MODEL_GET,
	                                     .id = l->outputs[l->output_next++] },
	           on_output, l);
	return true;
}

/* --- runs --- */

static void note_outputs(struct location *l, const struct cJSON *run)
{
	const struct cJSON *outputs = json_member(run, "outputs");
	const struct cJSON *list = outputs ? json_member(outputs, "model_outputs") : NULL;

	for (const struct cJSON *v = list ? json_first(list) : NULL; v; v = json_next(v)) {
		const char *id = text_at(l, v, "model_id");

		if (id && l->output_count < LOCATION_OUTPUTS)
			l->outputs[l->output_count++] = id;
	}
}

static void on_run(void *self, struct mlflow_answer *a)
{
	struct location *l = self;
	const struct cJSON *run = a->result == 0 ? json_member(a->json, "run") : NULL;
	const char *root;

	if (a->result < 0) {
		l->on_end(l->self, a->result, &a->err);
		return;
	}
	root = text_at(l, run ? json_member(run, "info") : NULL, "artifact_uri");
	if (run)
		note_outputs(l, run);
	end(l, root ? arena_printf(l->arena, "%s/%s", root, l->wanted) : NULL);
}

/* "<run>/<path>" */
static void resolve_run(struct location *l, const char *rest)
{
	const char *slash = strchr(rest, '/');
	struct mlflow_parameter query = { "run_id", NULL };

	if (slash && slash > rest && slash[1]) {
		query.value = arena_strndup(l->arena, (struct str){ rest, (size_t)(slash - rest) });
		l->wanted = slash + 1;
	}
	l->run_id = query.value;
	if (query.value)
		remote_ask(l->call,
		           &(struct mlflow_request){
		                   .endpoint = MLFLOW_RUN_GET, .query = &query, .query_count = 1 },
		           on_run, l);
	else
		end(l, NULL);
}

static void on_uri(void *self, struct mlflow_answer *a)
{
	struct location *l = self;
	const char *uri;

	if (a->result < 0) {
		l->on_end(l->self, a->result, &a->err);
		return;
	}
	uri = text_at(l, a->json, "artifact_uri");
	if (uri && strncmp(uri, "runs:/", 6) == 0) {
		resolve_run(l, uri + 6 + strspn(uri + 6, "/"));
	} else if (uri && strncmp(uri, "models:/m-", 10) == 0) {
		l->outputs[l->output_count++] = uri + 8;
		location_next(l);
	} else {
		end(l, uri);
	}
}

/* --- the version --- */

static void ask(struct location *l, enum mlflow_endpoint endpoint, mlflow_fn *on_answer)
{
	const struct mlflow_parameter query[] = { { "name", l->call->registry->name },
		                                  { "version", l->number } };

	remote_ask(
	        l->call,
	        &(struct mlflow_request){ .endpoint = endpoint, .query = query, .query_count = 2 },
	        on_answer, l);
}

static void on_pending(void *self)
{
	ask_version(self);
}

/* It becomes the name of a file. */
static int take_manifest(struct location *l, struct str digest, struct errbuf *err)
{
	uint8_t binary[(CACHE_SHA256 - 1) / 2];

	if (digest.n == 0)
		return 0;
	if (hex_decode(digest, binary, sizeof(binary)) < 0)
		return errbuf_set(err, -EBADMSG, "its tag " REMOTE_TAG_MANIFEST " is no sha256");
	hex_encode(binary, sizeof(binary), l->manifest);
	return 0;
}

/* A tool waits for a version that is being made; the loader is asked again by its next poll. */
static bool may_wait(const struct location *l)
{
	uint64_t passed = clock_mono_ns() - l->began_ns;

	return !l->call->timer &&
	       passed < remote_of(l->call)->timeout_seconds * UINT64_C(1000000000);
}

static void wait_for_it(struct location *l)
{
	int r = l->pending ? 0
	                   : loop_timer_new(remote_of(l->call)->base, on_pending, l, &l->pending);

	if (r < 0)
		fail(l, r, "out of memory");
	else
		loop_timer_arm(l->pending, PENDING_MS);
}

static void on_version(void *self, struct mlflow_answer *a)
{
	struct location *l = self;
	const struct remote *m = remote_of(l->call);
	struct errbuf err = a->err;
	struct remote_version v = { .created_ms = 0 };
	int r = a->result;

	if (r == 0)
		r = remote_version_read(m, json_member(a->json, "model_version"), &v, &err);
	if (r == 0)
		r = remote_version_ready(&v, &err);
	if (r == 0)
		r = take_manifest(l, v.manifest, &err);
	if (r == -EAGAIN && may_wait(l)) {
		wait_for_it(l);
	} else if (r != 0) {
		l->on_end(l->self, r, &err);
	} else {
		l->run_id = v.run_id.n ? arena_strndup(l->arena, v.run_id) : NULL;
		ask(l, MLFLOW_VERSION_URI, on_uri);
	}
}

static void ask_version(struct location *l)
{
	ask(l, MLFLOW_VERSION_GET, on_version);
}

void location_find(struct location *l)
{
	l->began_ns = clock_mono_ns();
	ask_version(l);
}
