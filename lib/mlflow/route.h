/* Which requests read a place by HTTP. Private to lib/mlflow. */
#ifndef MLFLOW_ROUTE_H
#define MLFLOW_ROUTE_H

#include "base/strbuf.h"
#include "mlflow/errand.h"

enum route {
	ROUTE_NONE,         /* the server does not tell */
	ROUTE_PROXY,        /* the path of the file as it is */
	ROUTE_VERSION,      /* of a registered version; no lists */
	ROUTE_LOGGED_MODEL, /* by its id */
	ROUTE_RUN,          /* by the id of the run and the path in it */
};

enum route route_of_list(const struct artifacts *a);
enum route route_of_file(const struct artifacts *a);

/* The URL; the buffer's error. */
int route_list_url(const struct artifacts *a, const char *folder, struct strbuf *ret);
int route_file_url(const struct artifacts *a, const char *path, struct strbuf *ret);
/* The folder as the answer calls it: what its paths begin with. Text is the arena's or NULL. */
const char *route_told(const struct artifacts *a, const char *folder, struct arena *arena);

#endif
