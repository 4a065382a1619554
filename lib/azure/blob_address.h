/*
 * Where a blob or a folder of blobs is, as people and MLflow write it:
 *
 *   wasbs://<container>@<account>.blob.<suffix>/<path>   the path raw
 *   abfss://<container>@<account>.dfs.<suffix>/<path>    the path percent-encoded
 *   https://<account>.blob.<suffix>/<container>/<path>   the path percent-encoded
 *
 * Only suffixes of Azure's own clouds are taken.
 */
#ifndef AZURE_BLOB_ADDRESS_H
#define AZURE_BLOB_ADDRESS_H

#include "base/arena.h"
#include "base/errbuf.h"

#define BLOB_PATH_BYTES 1024 /* of a blob's name, as Azure limits it */

struct blob_address {
	const char *account;
	const char *endpoint; /* "https://<account>.blob.<suffix>" */
	const char *container;
	const char *path; /* decoded, without '/' at either end; "" for the whole container */
};

/* Texts are the arena's. -EINVAL with words; no other scheme, no query, no "..". */
int blob_address_parse(const char *text, struct arena *a, struct blob_address *ret,
                       struct errbuf *err);

#endif
