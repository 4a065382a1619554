/* The table of endpoints. Private to lib/mlflow, but for its test. */
#ifndef MLFLOW_ENDPOINT_H
#define MLFLOW_ENDPOINT_H

#include <stdbool.h>

#include "base/strbuf.h"
#include "mlflow/mlflow.h"

struct endpoint {
	const char *method;
	const char *path; /* below /api/2.0/mlflow/; '*' stands for the id */
	bool registry;    /* of the registry's address, not of the tracking server's */
	bool idempotent;  /* sent twice it ends as if sent once, or says -EEXIST */
};

const struct endpoint *endpoint_of(enum mlflow_endpoint which);

/* The URL of a request; -EINVAL: an endpoint with an id and none is given. Else the buffer's error.
 */
int endpoint_url(const char *base, const struct mlflow_request *q, struct strbuf *ret);

#endif
