/*
 * A file comes into the caller's, from where an earlier try has ended if the server can start
 * there. Whether it can is known only from its answer: the whole file may come instead, from its
 * start.
 *
 * Of a file that is there already one byte is asked for, so that the server says whether it is
 * still that long. Called by verbs.c.
 */
#include "mlflow/file_get.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "mlflow/route.h"
#include "mlflow/walk.h"

#define RANGE_BYTES 48

long long file_get_range_start(struct str content_range)
{
	struct str s = content_range;
	const char *dash = s.n ? memchr(s.p, '-', s.n) : NULL;
	unsigned long long from;

	if (!dash || s.n < 6 || memcmp(s.p, "bytes ", 6) != 0 || dash < s.p + 6 ||
	    str_to_u64((struct str){ s.p + 6, (size_t)(dash - s.p - 6) }, &from) < 0 ||
	    from > INT64_MAX)
		return -1;
	return (long long)from;
}

/* The file is whole at its front and has this size. */
static int check_size(struct errand *e, uint64_t size)
{
	e->result.size = size;
	if (size > e->limit)
		return errbuf_set(&e->result.err, -EFBIG, "\"%s\" is longer than %llu bytes",
		                  e->path, (unsigned long long)e->limit);
	if (e->size != UINT64_MAX && size != e->size)
		return errbuf_set(&e->result.err, -EIO,
		                  "\"%s\" came with %llu bytes from \"%s\", not with the %llu that "
		                  "are listed",
		                  e->path, (unsigned long long)size, e->artifacts->place.uri,
		                  (unsigned long long)e->size);
	if (ftruncate(e->fd, (off_t)size) < 0)
		return errbuf_set(&e->result.err, -errno, "could not write \"%s\": %s", e->path,
		                  strerror(errno));
	return 0;
}

static int ask(struct errand *e);

static void ask_whole(struct errand *e)
{
	int r;

	e->offset = 0;
	r = ask(e);
	if (r < 0)
		errand_end(e, errbuf_set(&e->result.err, r, "out of memory"));
}

static void on_file(void *self, struct fetch_result *r)
{
	struct errand *e = self;
	struct str range = fetch_result_header(r, "Content-Range");

	if (e->offset &&
	    (r->status == 416 || (r->result == 0 && r->status == 206 &&
	                          file_get_range_start(range) != (long long)e->offset)))
		ask_whole(e);
	else if (r->result < 0)
		errand_fail(e, r);
	else
		errand_end(e, check_size(e, (r->status == 206 ? e->offset : 0) + r->size));
}

static void on_progress(void *self, uint64_t sent, uint64_t received)
{
	const struct errand *e = self;
	uint64_t done = e->offset + received;
	uint64_t total = e->size == UINT64_MAX ? 0 : e->size;

	(void)sent;
	if (e->on_progress && received)
		e->on_progress(e->self, total && done > total ? total : done, total);
}

static int ask(struct errand *e)
{
	char range[RANGE_BYTES];
	const struct fetch_header header = { "Range", range, false };
	struct strbuf url = { 0 };
	struct fetch_request q = {
		.method = "GET",
		.out_fd = &e->fd,
		.out_offset = e->offset,
		.limit = e->limit,
		.idempotent = true,
		.on_progress = on_progress,
	};
	int r = route_file_url(e->artifacts, e->path, &url);

	if (route_of_file(e->artifacts) == ROUTE_VERSION)
		e->host = e->artifacts->mlflow->registry.host;
	snprintf(range, sizeof(range), "bytes=%llu-", (unsigned long long)e->offset);
	q.url = url.p;
	if (r == 0)
		r = errand_fetch(e, &q, e->offset ? &header : NULL, on_file);
	strbuf_done(&url);
	return r;
}

int file_get_start(struct errand *e)
{
	struct errbuf err;

	if (e->limit == 0)
		e->limit = FILE_GET_BYTES;
	if (e->offset > e->size)
		e->offset = 0;
	if (e->offset && e->offset == e->size)
		e->offset--;
	switch (route_of_file(e->artifacts)) {
	case ROUTE_NONE:
		errbuf_write(&err, "only the server can read it, and neither a version nor a run "
		                   "is known to ask by");
		return errand_end_later(e, -EOPNOTSUPP, &err);
	case ROUTE_RUN:
		return walk_know_prefix(e, ask);
	default:
		return ask(e);
	}
}
