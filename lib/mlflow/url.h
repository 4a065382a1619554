/* The address of a server, and text as it stands in a URL. Private to lib/mlflow, but for its test
 * and fuzzer. */
#ifndef MLFLOW_URL_H
#define MLFLOW_URL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/str.h"
#include "base/strbuf.h"

struct server_address {
	const char *base;   /* "https://mlflow:5000/path", without '/' at its end */
	const char *origin; /* "https://mlflow:5000" */
	const char *host;   /* "mlflow:5000" */
};

/* http or https, a path is kept. Texts are the arena's. -EINVAL with words. */
int server_address_parse(const char *text, struct arena *a, struct server_address *ret,
                         struct errbuf *err);

/* Everything but letters, digits and -._~ by percent; with keep_slashes '/' stays, too. */
void url_add(struct strbuf *url, struct str text, bool keep_slashes);

/* Can be the path of a file below a folder: UTF-8, no empty segment, none of dots, nothing that
 * cannot be seen. */
bool url_is_file_path(struct str path);

#endif
