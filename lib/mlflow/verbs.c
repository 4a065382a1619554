/*
 * Places of files and the table of what can be done with each kind. How it is done is in walk.c,
 * file_get.c and file_put.c for what goes through the server, in blobs.c for Azure. Called by
 * registry and by the tools.
 */
#include "mlflow/artifacts.h"

#include <errno.h>
#include <stdlib.h>

#include "mlflow/blobs.h"
#include "mlflow/errand.h"
#include "mlflow/file_get.h"
#include "mlflow/file_put.h"
#include "mlflow/walk.h"

static int refuse_put(struct errand *e)
{
	struct errbuf err;

	errbuf_set(&err, 0, "only the server can write to \"%.120s\"", e->artifacts->place.uri);
	return errand_end_later(e, -EOPNOTSUPP, &err);
}

static const struct verbs {
	int (*list)(struct errand *e);
	int (*get)(struct errand *e);
	int (*put)(struct errand *e);
} verbs[] = {
	[ARTIFACTS_PROXIED] = { walk_start, file_get_start, file_put_start },
	[ARTIFACTS_AZURE] = { blobs_start_list, blobs_start_get, blobs_start_put },
	[ARTIFACTS_BY_SERVER] = { walk_start, file_get_start, refuse_put },
};

static const char *copy(struct artifacts *a, const char *text)
{
	return arena_strdup(&a->arena, text ? text : "");
}

static int open_place(struct artifacts *a, const struct artifacts_place *place, struct errbuf *err)
{
	int r = place_parse(place->uri, &a->mlflow->tracking, &a->arena, &a->place, err);

	if (r < 0)
		return r;
	if (a->place.kind == ARTIFACTS_AZURE && !a->azure)
		return errbuf_set(err, -ENOKEY,
		                  "\"%.120s\" is in Azure Blob Storage, and no credentials for it "
		                  "are given",
		                  place->uri);
	a->name = copy(a, place->name);
	a->version = copy(a, place->version);
	a->run_id = copy(a, place->run_id);
	return arena_failed(&a->arena) ? errbuf_set(err, -ENOMEM, "out of memory") : 0;
}

int artifacts_new(struct mlflow *m, struct azure *azure, const struct artifacts_place *place,
                  struct artifacts **ret, struct errbuf *err)
{
	struct artifacts *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return errbuf_set(err, -ENOMEM, "out of memory");
	a->mlflow = m;
	a->azure = azure;
	r = open_place(a, place, err);
	if (r < 0) {
		artifacts_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

void artifacts_free(struct artifacts *a)
{
	if (!a)
		return;
	while (a->errands)
		errand_free(a->errands);
	arena_done(&a->arena);
	free(a);
}

/* A path that cannot be is told like every failure. */
static int begin(struct errand *e, int (*start)(struct errand *e))
{
	struct errbuf err;
	int r;

	if (*e->path && !url_is_file_path(str_of(e->path))) {
		errbuf_write(&err, "cannot be the path of a file");
		r = errand_end_later(e, -EINVAL, &err);
	} else {
		r = start(e);
	}
	if (r < 0)
		errand_free(e);
	return r;
}

int artifacts_list(struct artifacts *a, size_t limit, artifacts_fn *on_done, void *self)
{
	struct errand *e;
	int r = errand_new(a, "", &e);

	if (r < 0)
		return r;
	e->limit = limit;
	e->on_done = on_done;
	e->self = self;
	return begin(e, verbs[a->place.kind].list);
}

int artifacts_get(struct artifacts *a, const struct artifacts_get *q, artifacts_fn *on_done,
                  void *self)
{
	struct errand *e;
	int r = errand_new(a, q->path, &e);

	if (r < 0)
		return r;
	e->fd = q->fd;
	e->offset = q->offset;
	e->size = q->size;
	e->limit = q->limit;
	e->on_progress = q->on_progress;
	e->on_done = on_done;
	e->self = self;
	return begin(e, verbs[a->place.kind].get);
}

int artifacts_put(struct artifacts *a, const struct artifacts_put *q, artifacts_fn *on_done,
                  void *self)
{
	struct errand *e;
	int r = errand_new(a, q->path, &e);

	if (r < 0)
		return r;
	e->fd = q->fd;
	e->content = q->content;
	e->size = q->size;
	e->on_progress = q->on_progress;
	e->on_done = on_done;
	e->self = self;
	return begin(e, verbs[a->place.kind].put);
}
