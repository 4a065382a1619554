/* A client from the inside. Private to lib/mlflow. */
#ifndef MLFLOW_STATE_H
#define MLFLOW_STATE_H

#include "fetch/fetch.h"
#include "mlflow/mlflow.h"
#include "mlflow/refusal.h"
#include "mlflow/url.h"

#define MLFLOW_HEADERS 2

struct call;

struct mlflow {
	struct fetch *fetch;
	struct arena arena; /* of all texts */
	struct server_address tracking, registry;
	struct fetch_header headers[MLFLOW_HEADERS]; /* who we are */
	size_t header_count;
	enum refusal_credentials sent;
	struct retry_policy retry;
	struct call *calls;
};

/* Starts a request: who we are, if the host may know it, and the retry policy are added. */
struct client_request {
	struct fetch_request http;
	struct fetch_header header; /* one of its own; no name = none */
	bool trusted;               /* the host may know who we are */
};
int client_fetch(struct mlflow *m, const struct client_request *q, fetch_done_fn *on_done,
                 void *self, struct fetch_call **ret);

/* The words of an answer that is no success, in the place of r->err: "host \"…\": what answered
 * 404: …". Returns the result as of mlflow.h. code (may be NULL) has REFUSAL_CODE_BYTES. */
struct client_question {
	const char *host;
	const char *what; /* "registered-models/alias", "\"MLmodel\"" */
	bool is_alias, is_file;
	enum refusal_credentials sent;
};
int client_explain(const struct client_question *q, const struct fetch_result *r, char *code,
                   struct errbuf *err);

#endif
