/* Where files are, taken apart. Private to lib/mlflow, but for its test and fuzzer. */
#ifndef MLFLOW_PLACE_H
#define MLFLOW_PLACE_H

#include <stdbool.h>

#include "azure/blob_address.h"
#include "mlflow/artifacts.h"
#include "mlflow/url.h"

struct place {
	enum artifacts_kind kind;
	const char *uri; /* without '/' at its end */

	/* Proxied. */
	const char *base; /* "https://mlflow:5000/api/2.0/mlflow-artifacts/artifacts" */
	const char *root; /* below it, as people read it; "" or without '/' at either end */
	const char *host;
	bool foreign; /* of another origin than the server's */

	/* Azure. */
	struct blob_address blob;

	/* By the server. */
	const char *logged_model; /* whose files these are; NULL: the address names none */
};

/* Texts are the arena's. -EINVAL with words. */
int place_parse(const char *uri, const struct server_address *server, struct arena *a,
                struct place *ret, struct errbuf *err);

/* What is left of path behind the folder, without '/'; .p NULL if it is not in it. */
struct str place_below(struct str path, struct str folder);

#endif
