/*
 * The files of a run, logged model or version, wherever the server keeps them:
 *
 *   mlflow-artifacts:/…, http(s)://…/api/2.0/mlflow-artifacts/…   through the server
 *   wasbs://, abfss://                                            Azure Blob, directly
 *   a folder of the server, s3://, gs://, …                       read through the server's own
 *                                                                 get-artifact; not written
 *
 * Credentials of the server never go to storage and the other way round.
 */
#ifndef MLFLOW_ARTIFACTS_H
#define MLFLOW_ARTIFACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "base/str.h"

struct artifacts;
struct azure;
struct mlflow;

enum artifacts_kind { ARTIFACTS_PROXIED, ARTIFACTS_AZURE, ARTIFACTS_BY_SERVER };

struct artifacts_place {
	const char *uri; /* as run.info.artifact_uri, logged model or download URI gave it */
	/* For what only the server can read; NULL or "": there is no such way. */
	const char *name, *version; /* of the registry */
	const char *run_id;
};

enum artifacts_kind artifacts_kind(const char *uri);

/* azure: NULL if no credentials are there: then an address of Azure is -ENOKEY. Everything is
 * copied; mlflow and azure must outlive it. -EINVAL: an address that cannot be one. */
int artifacts_new(struct mlflow *m, struct azure *azure, const struct artifacts_place *place,
                  struct artifacts **ret, struct errbuf *err);
/* What is under way ends without a callback. Not from a callback. */
void artifacts_free(struct artifacts *a);

struct artifact_entry {
	const char *path; /* below the place, "artifacts/golden.csv" */
	uint64_t size;    /* UINT64_MAX: the server did not say */
};

struct artifacts_result {
	int result;        /* as of mlflow.h; -EIO: the size is not what was listed; -EOPNOTSUPP:
	                      only the server can do that there */
	struct errbuf err; /* names the host and the file */
	const struct artifact_entry *entries; /* list: sorted by path; until the callback ends */
	size_t count;
	uint64_t size; /* get, put: of the file */
};

/* on_done comes once, from the loop, never before the starting function returns. -ENOMEM: it does
 * not come. */
typedef void artifacts_fn(void *self, const struct artifacts_result *r);
typedef void artifacts_progress_fn(void *self, uint64_t done, uint64_t total);

/* All files below the place, however deep; -E2BIG beyond `limit` files (0 = 10,000). Of a place
 * that is not there: none. */
int artifacts_list(struct artifacts *a, size_t limit, artifacts_fn *on_done, void *self);

struct artifacts_get {
	const char *path;
	int fd;          /* to be written and read; its content from `offset` on is new, and it ends
	                    where the file does; borrowed until the end */
	uint64_t offset; /* bytes that are there already: the rest is asked for by range. Where the
	                    server cannot (line 2), and in Azure if the digest that the blob carries
	                    differs, all comes anew; other digests are the caller's to compare */
	uint64_t size;   /* as listed; UINT64_MAX: not known */
	uint64_t limit;  /* -EFBIG beyond; 0 = 16 GiB */
	artifacts_progress_fn *on_progress;
};
int artifacts_get(struct artifacts *a, const struct artifacts_get *q, artifacts_fn *on_done,
                  void *self);

struct artifacts_put {
	const char *path;
	struct str content; /* borrowed until the end; … */
	int fd;             /* … or, if fd >= 0, `size` bytes from the start of a file */
	uint64_t size;
	artifacts_progress_fn *on_progress;
};
/* The file is whole at the place when this ends with 0: its size was read back. */
int artifacts_put(struct artifacts *a, const struct artifacts_put *q, artifacts_fn *on_done,
                  void *self);

#endif
