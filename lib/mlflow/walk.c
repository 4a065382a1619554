/*
 * All files below a place: one folder after the other is asked for, those that an answer names wait
 * in their order. Called by verbs.c; file_get.c and file_put.c use its parts.
 */
#include "mlflow/walk.h"

#include <errno.h>

#include "mlflow/route.h"

int walk_ask(struct errand *e, const char *folder, fetch_done_fn *then)
{
	struct strbuf url = { 0 };
	struct fetch_request q = {
		.method = "GET",
		.limit = WALK_ANSWER_BYTES,
		.idempotent = true,
	};
	int r = route_list_url(e->artifacts, folder, &url);

	q.url = url.p;
	e->folder = folder;
	if (r == 0)
		r = errand_fetch(e, &q, NULL, then);
	strbuf_done(&url);
	return r;
}

static int take_prefix(struct errand *e, struct str answer)
{
	struct artifacts *a = e->artifacts;
	struct str root = file_list_root(answer, &e->arena);
	struct str below;

	while (root.n > 1 && root.p[root.n - 1] == '/')
		root.n--;
	below = root.n ? place_below(str_of(a->place.uri), root) : (struct str){ NULL, 0 };
	if (!below.p)
		return errbuf_set(&e->result.err, -EBADMSG,
		                  "\"%s\" is not among the files of run \"%s\"", a->place.uri,
		                  a->run_id);
	a->run_prefix = arena_strndup(&a->arena, below);
	return a->run_prefix ? 0 : errbuf_set(&e->result.err, -ENOMEM, "out of memory");
}

static void on_prefix(void *self, struct fetch_result *r)
{
	struct errand *e = self;
	int result;

	if (r->result < 0) {
		errand_fail(e, r);
		return;
	}
	result = take_prefix(e, strbuf_str(&r->body));
	if (result == 0) {
		result = e->resume(e);
		if (result == 0)
			return;
		errbuf_write(&e->result.err, "out of memory");
	}
	errand_end(e, result);
}

int walk_know_prefix(struct errand *e, int (*resume)(struct errand *e))
{
	struct artifacts *a = e->artifacts;

	if (a->place.kind == ARTIFACTS_PROXIED || a->run_prefix)
		return resume(e);
	e->resume = resume;
	return walk_ask(e, "", on_prefix);
}

static int take(struct errand *e, struct str answer)
{
	const char *told = route_told(e->artifacts, e->folder, &e->arena);

	if (!told)
		return errbuf_set(&e->result.err, -ENOMEM, "out of memory");
	return file_list_take(&e->list, answer, str_of(e->folder), str_of(told), &e->result.err);
}

static void on_list(void *self, struct fetch_result *r)
{
	struct errand *e = self;
	int result;

	if (r->result < 0) {
		errand_fail(e, r);
		return;
	}
	result = take(e, strbuf_str(&r->body));
	if (result == 0 && e->next_folder < e->list.folder_count) {
		result = walk_ask(e, e->list.folders[e->next_folder++], on_list);
		if (result == 0)
			return;
		errbuf_write(&e->result.err, "out of memory");
	}
	if (result == 0)
		file_list_sort(&e->list);
	else
		errbuf_prefix(&e->result.err, 0, "\"%s\"", e->artifacts->place.uri);
	errand_end(e, result);
}

static int ask_root(struct errand *e)
{
	return walk_ask(e, "", on_list);
}

int walk_start(struct errand *e)
{
	struct errbuf err;

	e->list.limit = e->limit ? (size_t)e->limit : WALK_FILES;
	switch (route_of_list(e->artifacts)) {
	case ROUTE_NONE:
		errbuf_write(&err, "only the server can read it, and no run is known to ask by");
		return errand_end_later(e, -EOPNOTSUPP, &err);
	case ROUTE_RUN:
		return walk_know_prefix(e, ask_root);
	default:
		return ask_root(e);
	}
}
