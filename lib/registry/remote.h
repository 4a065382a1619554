/*
 * An MLflow server as a source of versions: what its files share. Private to lib/registry.
 *
 * remote.c opens it; remote_version.c reads what the server says of a version; remote_find.c,
 * remote_alias.c, remote_tag.c, remote_list.c and remote_fetch.c are the verbs that run on the
 * loop; remote_experiment.c, remote_run.c and remote_publish.c those of a training, which block.
 */
#ifndef REGISTRY_REMOTE_H
#define REGISTRY_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "azure/credentials.h"
#include "base/arena.h"
#include "base/strbuf.h"
#include "mlflow/artifacts.h"
#include "mlflow/mlflow.h"
#include "registry/cache.h"
#include "registry/source.h"

#define REMOTE_TAG_VERSION "fraudd.version"
#define REMOTE_TAG_MANIFEST "fraudd.manifest_sha256"
#define REMOTE_MANIFEST "artifacts/manifest.json"

struct azure;
struct fetch;

struct remote {
	struct registry *registry;
	struct arena arena; /* of what is copied of the settings */
	struct event_base *base;
	bool own_base;
	/* Two clients: the authorities that are trusted for the server are not Azure's. */
	struct fetch *fetch, *azure_fetch;
	struct mlflow *mlflow;    /* questions */
	struct mlflow *transfers; /* files: the same server, with more patience */
	struct cache cache;       /* opened by the first fetch */
	const char *cache_dir;
	uint64_t cache_bytes, file_bytes;
	const char *experiment;
	uint32_t timeout_seconds, transfer_seconds;
	/* Azure: decided when the first address there comes up. */
	char **environment;
	bool managed_identity;
	bool decided;
	struct credentials credentials;
	struct azure *azure;
	char storage[160]; /* registry_storage(); "": not needed so far */
};

static inline struct remote *remote_of(const struct registry_call *c)
{
	return c->registry->state;
}

/* remote.c */
int remote_azure(struct remote *m, struct azure **ret, struct errbuf *err);
int remote_cache(struct remote *m, struct errbuf *err);
/* The next question of the call; what cannot be asked ends it. */
void remote_ask(struct registry_call *c, const struct mlflow_request *q, mlflow_fn *on_answer,
                void *self);
/* Blocking: an answer in any case, done by mlflow_answer_done(). */
int remote_call(struct remote *m, const struct mlflow_request *q, struct mlflow_answer *ret);
/* Ends with what the server said; words stand before it. */
void remote_refuse(struct registry_call *c, const struct mlflow_answer *a, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* {"name": "value", …}, all texts. */
void remote_object(struct strbuf *out, const struct mlflow_parameter *members, size_t count);

/* remote_version.c: texts are the answer's */
struct remote_version {
	struct registry_version v;
	struct str source, run_id, status, status_message;
	struct str manifest; /* REMOTE_TAG_MANIFEST; empty: none */
	int64_t created_ms;
	const struct cJSON *tags;
};
/* object: a model_version of the server. */
int remote_version_read(const struct remote *m, const struct cJSON *object,
                        struct remote_version *ret, struct errbuf *err);
struct str remote_version_tag(const struct remote_version *v, const char *key); /* .p NULL */
/* 0: READY; -EAGAIN: pending; -EBADMSG: failed; with words about "it". */
int remote_version_ready(const struct remote_version *v, struct errbuf *err);

/* remote_find.c: a version as a person says it. on_found may be called from within an answer; not
 * at all if there is none: then the call has ended. */
typedef void remote_found_fn(struct registry_call *c, const struct remote_version *v);
void remote_find(struct registry_call *c, const char *words, remote_found_fn *on_found);

typedef void remote_verb_fn(struct registry_call *c);
remote_verb_fn remote_start_resolve, remote_start_find, remote_start_list, remote_start_fetch,
        remote_start_set_alias, remote_start_get_tag, remote_start_set_tag, remote_start_prepare,
        remote_start_publish;

/* Blocking: what was started with this as its self has ended. */
struct remote_waiting {
	struct event_base *base;
	bool ended;
	int result;
	struct errbuf err;
};
artifacts_fn remote_on_artifacts;
int remote_wait(struct remote_waiting *w);

/* remote_experiment.c: found or made; blocking. Texts are the arena's. */
struct remote_experiment {
	const char *id;
	const char *root; /* where its files go */
};
int remote_experiment_open(struct remote *m, struct arena *a, struct remote_experiment *ret,
                           struct errbuf *err);
/* An address that files are to be written to. Decides the credentials, if it takes some. */
int remote_place_open(struct remote *m, const char *uri, struct artifacts **ret,
                      struct errbuf *err);

/* remote_run.c: the run of a training; blocking. */
struct remote_run {
	struct remote *remote;
	struct arena *arena;
	const struct registry_run *facts; /* NULL: nothing is known of it */
	const char *version;
	char attempt[64]; /* a tag by which a run is found whose creation was not answered */
	const char *id, *root;
	const char *model_id; /* MLflow 3: of its logged model; NULL before */
	struct errbuf *err;
};
/* The answer of a request with a JSON body that is taken (done). */
int remote_run_ask(const struct remote_run *r, enum mlflow_endpoint endpoint, struct strbuf *body,
                   struct mlflow_answer *ret);
int remote_run_create(struct remote_run *r, const char *experiment);
/* Parameters, tags, data set and metrics; those of no series belong to the logged model, too. */
int remote_run_log(const struct remote_run *r);
int remote_run_end(const struct remote_run *r, const char *status);
/* [{"key": …, "value": …}, …] as member "tags". */
struct json_writer;
void remote_write_tags(struct json_writer *w, const struct registry_fact *tags, size_t count);

#endif
