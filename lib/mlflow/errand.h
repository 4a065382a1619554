/* One request of artifacts.h and its life. Private to lib/mlflow. */
#ifndef MLFLOW_ERRAND_H
#define MLFLOW_ERRAND_H

#include "mlflow/artifacts.h"
#include "mlflow/file_list.h"
#include "mlflow/place.h"
#include "mlflow/state.h"

struct errand;

struct artifacts {
	struct mlflow *mlflow;
	struct azure *azure; /* NULL: no credentials */
	struct arena arena;  /* of all texts */
	struct place place;
	const char *name, *version, *run_id; /* "" = none */
	const char *run_prefix; /* of the place in its run's files; NULL = not asked yet */
	struct errand *errands;
};

struct errand {
	struct artifacts *artifacts;
	struct errand *next;
	struct arena arena;
	const char *path; /* of the file; "" of a list */
	int fd;
	struct str content; /* put, if fd < 0 */
	uint64_t offset, size, limit;
	artifacts_progress_fn *on_progress;
	artifacts_fn *on_done;
	void *self;

	struct artifacts_result result;
	struct file_list list;
	const char *host;   /* that is asked */
	const char *folder; /* that is being listed */
	size_t next_folder;
	struct fetch_call *call;
	bool in_azure;
	fetch_done_fn *then;            /* of the request that is under way */
	int (*resume)(struct errand *); /* when the run's prefix is known */
	struct errbuf later;            /* why it ends */
	int later_result;
};

/* path is copied. -ENOMEM. */
int errand_new(struct artifacts *a, const char *path, struct errand **ret);
/* Without a callback. */
void errand_free(struct errand *e);
/* Tells it and frees it. result.err has words if result < 0. */
void errand_end(struct errand *e, int result);
/* The same with the words of an answer. */
void errand_fail(struct errand *e, const struct fetch_result *r);
/* The same, but from the loop. -ENOMEM. */
int errand_end_later(struct errand *e, int result, const struct errbuf *err);

/* Sends it, with one header (NULL = none) of its own; `then` comes once with the errand. */
int errand_fetch(struct errand *e, const struct fetch_request *q, const struct fetch_header *header,
                 fetch_done_fn *then);

#endif
