/*
 * A file goes through the server to its storage. The answer says nothing but that the request has
 * ended well, and there is no digest, so the folder is listed afterwards and the size compared.
 * Called by verbs.c.
 */
#include "mlflow/file_put.h"

#include <errno.h>

#include "mlflow/route.h"
#include "mlflow/walk.h"

static uint64_t size_of(const struct errand *e)
{
	return e->fd >= 0 ? e->size : e->content.n;
}

static int check(struct errand *e, struct str answer)
{
	const struct artifact_entry *entry;
	uint64_t size = size_of(e);
	int r = file_list_take(&e->list, answer, str_of(e->folder), STR(""), &e->result.err);

	if (r < 0)
		return r;
	entry = file_list_find(&e->list, e->path);
	if (!entry)
		return errbuf_set(&e->result.err, -EIO,
		                  "\"%s\" is not in \"%s\" after it was put there", e->path,
		                  e->artifacts->place.uri);
	/* Nothing is said of a size of nothing. */
	if (entry->size != size && (size > 0 || entry->size != UINT64_MAX))
		return errbuf_set(&e->result.err, -EIO,
		                  "\"%s\" has not the %llu bytes in \"%s\" that were put there",
		                  e->path, (unsigned long long)size, e->artifacts->place.uri);
	e->result.size = size;
	return 0;
}

static void on_listed(void *self, struct fetch_result *r)
{
	struct errand *e = self;
	int result;

	if (r->result < 0) {
		errand_fail(e, r);
		return;
	}
	result = check(e, strbuf_str(&r->body));
	e->list.count = 0;
	errand_end(e, result);
}

static void on_put(void *self, struct fetch_result *r)
{
	struct errand *e = self;
	const char *slash = strrchr(e->path, '/');
	struct str folder = { e->path, slash ? (size_t)(slash - e->path) : 0 };
	const char *text;
	int result = -ENOMEM;

	if (r->result < 0) {
		errand_fail(e, r);
		return;
	}
	text = arena_strndup(&e->arena, folder);
	if (text)
		result = walk_ask(e, text, on_listed);
	if (result < 0)
		errand_end(e, errbuf_set(&e->result.err, result, "out of memory"));
}

static void on_progress(void *self, uint64_t sent, uint64_t received)
{
	const struct errand *e = self;

	(void)received;
	if (e->on_progress)
		e->on_progress(e->self, sent, size_of(e));
}

int file_put_start(struct errand *e)
{
	static const struct fetch_header type = { "Content-Type", "application/octet-stream",
		                                  false };
	struct strbuf url = { 0 };
	struct fetch_request q = {
		.method = "PUT",
		.body = e->content,
		.body_fd = e->fd >= 0 ? &e->fd : NULL,
		.body_size = e->size,
		.idempotent = true,
		.on_progress = on_progress,
	};
	int r = route_file_url(e->artifacts, e->path, &url);

	q.url = url.p;
	e->list.limit = WALK_FILES;
	if (r == 0)
		r = errand_fetch(e, &q, &type, on_put);
	strbuf_done(&url);
	return r;
}
