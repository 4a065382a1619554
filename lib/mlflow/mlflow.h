/*
 * The REST interface of an MLflow server (2.3 and later, both lines 2 and 3): one row of a table an
 * endpoint, one answer shape. Knows nothing of versions on disk; sequences of calls are the
 * registry's. On the loop in daemons, blocking in tools (it stands on fetch/fetch.h, which
 * retries).
 *
 * The server takes a field of the wrong JSON type for an absent one and still answers 200, so every
 * id, version, parameter and tag is written as text and every answer that matters is read back.
 * json_setup() must have run in the process.
 */
#ifndef MLFLOW_MLFLOW_H
#define MLFLOW_MLFLOW_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/str.h"

struct cJSON;
struct fetch;
struct mlflow;
struct retry_policy;

struct mlflow_options {
	const char *tracking_uri; /* http or https, a path is kept */
	const char *registry_uri; /* NULL or "" = tracking_uri */
	/* Both given: Basic, as MLflow's own client decides; else the token. "" or NULL = none. */
	const char *username, *password, *token;
	const char *workspace;
	const struct retry_policy *retry; /* of each call; NULL = retry_default; copied */
};

/* Options are copied; fetch must outlive it. -EINVAL: an address that cannot be one. */
int mlflow_new(struct fetch *f, const struct mlflow_options *o, struct mlflow **ret,
               struct errbuf *err);
/* Calls under way end without a callback. Not from a callback. Before fetch_free(). */
void mlflow_free(struct mlflow *m);

/* The host and port as messages name them: "mlflow:5000". */
const char *mlflow_host(const struct mlflow *m);
/* Of registered models: another one if registry_uri is given. */
const char *mlflow_registry_host(const struct mlflow *m);

enum mlflow_endpoint {
	MLFLOW_ALIAS_GET, /* ?name, alias */
	MLFLOW_ALIAS_SET, /* {name, alias, version} */
	MLFLOW_EXPERIMENT_CREATE,
	MLFLOW_EXPERIMENT_GET, /* ?experiment_name */
	MLFLOW_EXPERIMENT_RESTORE,
	MLFLOW_LOGGED_MODEL_CREATE,
	MLFLOW_LOGGED_MODEL_FINISH, /* id; {model_id, status} */
	MLFLOW_LOGGED_MODEL_GET,    /* id */
	MLFLOW_LOGGED_MODEL_SEARCH,
	MLFLOW_MODEL_CREATE,  /* {name} */
	MLFLOW_MODEL_GET,     /* ?name */
	MLFLOW_RUN_ARTIFACTS, /* ?run_id, path */
	MLFLOW_RUN_CREATE,
	MLFLOW_RUN_GET,       /* ?run_id */
	MLFLOW_RUN_INPUTS,    /* {run_id, datasets} */
	MLFLOW_RUN_LOG_BATCH, /* {run_id, metrics, params, tags} */
	MLFLOW_RUN_OUTPUTS,   /* {run_id, models} */
	MLFLOW_RUN_SEARCH,
	MLFLOW_RUN_UPDATE, /* {run_id, status, end_time} */
	MLFLOW_VERSION_CREATE,
	MLFLOW_VERSION_GET,     /* ?name, version */
	MLFLOW_VERSION_SEARCH,  /* ?filter, max_results, order_by, page_token */
	MLFLOW_VERSION_SET_TAG, /* {name, version, key, value} */
	MLFLOW_VERSION_URI,     /* ?name, version */
	MLFLOW_ENDPOINT_MAX
};

struct mlflow_parameter {
	const char *name;
	const char *value; /* not encoded */
};

/* Everything is copied. */
struct mlflow_request {
	enum mlflow_endpoint endpoint;
	const char *id;                       /* of the endpoints that have one in their path */
	const struct mlflow_parameter *query; /* of GET */
	size_t query_count;
	struct str body; /* JSON, of all others */
};

struct mlflow_answer {
	/*
	 * 0, or -errno with words that name the host, what was asked and what the server said (its
	 * message without SQL, cut):
	 * -ENOENT  what was asked for is not there, by whatever status the server says so
	 * -EEXIST  it is there already
	 * -ENOSYS  this server does not know the endpoint: an older MLflow
	 * -EACCES  credentials are wanted, wrong or not enough (the words say which settings)
	 * -EHOSTUNREACH, -ETIMEDOUT, -EPROTO, -EFBIG as of fetch.h; -EBADMSG any other
	 */
	int result;
	struct errbuf err;
	unsigned status;          /* of HTTP; 0 = no answer */
	char code[48];            /* error_code of the server; "" if it gave none */
	struct arena arena;       /* of json; who moves it leaves { 0 } */
	const struct cJSON *json; /* the object of a success */
};
void mlflow_answer_done(struct mlflow_answer *a);

/* on_answer comes once, from the loop, never before this returns; what it does not move is freed
 * behind it; it may start further calls. -ENOMEM: nothing comes. */
typedef void mlflow_fn(void *self, struct mlflow_answer *a);
int mlflow_start(struct mlflow *m, const struct mlflow_request *q, mlflow_fn *on_answer,
                 void *self);
/* Blocking, for a fetch with a loop of its own: returns ret->result; the caller calls
 * mlflow_answer_done() in any case. */
int mlflow_call(struct mlflow *m, const struct mlflow_request *q, struct mlflow_answer *ret);

#endif
