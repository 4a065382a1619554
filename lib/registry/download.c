/*
 * Four files at a time: is it in the cache, and whole? Else it is fetched, on from where the last
 * try stopped, hashed, and becomes a blob; then it is linked into the folder. What has the wrong
 * digest is fetched once more from its start, because the old part may be what is wrong.
 *
 * Invariant: a link in the folder is of a file that was hashed in this download. The end is told by
 * a timer of ours, never from within a callback of artifacts, so that it may be freed there. Called
 * by remote_fetch.c.
 */
#include "registry/download.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/loop.h"
#include "registry/digest.h"

#define PARALLEL 4

/* One file under way. */
struct task {
	struct download *download;
	struct cache_file *file; /* NULL: idle */
	int blob;                /* being checked; -1 */
	struct cache_partial partial;
	bool resumed;
	uint64_t done;
	struct digest *digest;
};

struct download {
	struct download_request q;
	struct task tasks[PARALLEL];
	size_t next; /* file to begin */
	unsigned running;
	uint64_t finished, total; /* bytes */
	bool ended;
	int result;
	struct errbuf err;
	struct loop_timer *timer;
	download_fn *on_end;
	void *self;
};

static void begin(struct task *t);
static void fetch(struct task *t);

/* --- ends --- */

static void end(struct download *d, int result)
{
	if (d->ended)
		return;
	d->ended = true;
	d->result = result;
	loop_timer_arm(d->timer, 0);
}

static void fail(struct task *t, int result, const char *words)
{
	struct download *d = t->download;

	if (d->ended)
		return;
	errbuf_set(&d->err, result, "%s: %s", t->file->path, words);
	end(d, result);
}

static void progress(const struct download *d)
{
	uint64_t done = d->finished;

	if (!d->q.on_progress || d->total == UINT64_MAX)
		return;
	for (unsigned i = 0; i < PARALLEL; i++)
		done += d->tasks[i].done;
	d->q.on_progress(d->q.progress_self, done < d->total ? done : d->total, d->total);
}

static void begin_next(struct task *t)
{
	struct download *d = t->download;

	t->file = NULL;
	t->done = 0;
	if (d->ended)
		return;
	if (d->next < d->q.count) {
		t->file = &d->q.files[d->next++];
		d->running++;
		begin(t);
	} else if (d->running == 0) {
		end(d, 0);
	}
}

/* It is a blob now. */
static void finish(struct task *t)
{
	struct download *d = t->download;
	int r = cache_link(d->q.cache, d->q.folder, t->file);

	/* Trimmed by another process in this very moment. */
	if (r == -ENOENT && d->q.artifacts && !t->resumed) {
		t->resumed = true;
		fetch(t);
		return;
	}
	if (r < 0) {
		fail(t, r, strerror(-r));
		return;
	}
	d->finished += t->file->size;
	t->done = 0;
	d->running--;
	progress(d);
	begin_next(t);
}

/* --- from the server --- */

static void on_fetched_digest(void *self, int result, const char *sha256, uint64_t size)
{
	struct task *t = self;
	struct cache_file *f = t->file;

	t->digest = NULL;
	if (result == 0 && *f->sha256 && strcmp(f->sha256, sha256) != 0) {
		if (!t->resumed) {
			fail(t, -EBADMSG,
			     "its sha256 is not what the version says: it was damaged on the way "
			     "or in the storage");
			return;
		}
		t->resumed = false;
		if (ftruncate(t->partial.fd, 0) < 0)
			result = -errno;
		t->partial.size = 0;
		if (result == 0) {
			fetch(t);
			return;
		}
	}
	if (result == 0) {
		memcpy(f->sha256, sha256, CACHE_SHA256);
		f->size = size;
		result = cache_commit(t->download->q.cache, &t->partial, f->sha256);
	}
	if (result < 0)
		fail(t, result, strerror(-result));
	else
		finish(t);
}

static void hash_partial(struct task *t)
{
	int r = digest_start(t->download->q.base, t->partial.fd, on_fetched_digest, t, &t->digest);

	if (r < 0)
		fail(t, r, strerror(-r));
}

static void on_got(void *self, const struct artifacts_result *r)
{
	struct task *t = self;
	struct download *d = t->download;

	if (d->ended)
		return;
	if (r->result < 0) {
		d->err = r->err;
		end(d, r->result);
		return;
	}
	/* Longer before than now: an older file's end must not stay. */
	if (ftruncate(t->partial.fd, (off_t)r->size) < 0)
		fail(t, -errno, strerror(errno));
	else
		hash_partial(t);
}

static void on_progress(void *self, uint64_t done, uint64_t total)
{
	struct task *t = self;

	(void)total;
	t->done = done;
	progress(t->download);
}

static int open_partial(struct task *t)
{
	const struct cache_file *f = t->file;
	int r = t->partial.fd >= 0
	                ? 0
	                : cache_open_partial(t->download->q.cache, f->sha256, &t->partial);

	/* Longer than it may be: nothing to go on with. */
	if (r == 0 && t->partial.size > f->size) {
		t->partial.size = 0;
		r = ftruncate(t->partial.fd, 0) < 0 ? -errno : 0;
	}
	return r;
}

static void fetch(struct task *t)
{
	const struct download *d = t->download;
	struct artifacts_get q = { .path = t->file->path,
		                   .size = t->file->size,
		                   .limit = d->q.limit,
		                   .on_progress = on_progress };
	int r;

	if (!d->q.artifacts) {
		fail(t, -ENOENT, "it is not in the cache");
		return;
	}
	r = open_partial(t);
	if (r == 0 && t->partial.size > 0) {
		t->resumed = true;
		q.offset = t->partial.size;
	}
	if (r == 0 && q.offset > 0 && q.offset == q.size) {
		hash_partial(t);
		return;
	}
	q.fd = t->partial.fd;
	if (r == 0)
		r = artifacts_get(d->q.artifacts, &q, on_got, t);
	if (r < 0)
		fail(t, r, strerror(-r));
}

/* --- from the cache --- */

static void on_blob_digest(void *self, int result, const char *sha256, uint64_t size)
{
	struct task *t = self;

	(void)size;
	t->digest = NULL;
	close_p(&t->blob);
	t->blob = -1;
	if (result == 0 && strcmp(sha256, t->file->sha256) == 0) {
		finish(t);
		return;
	}
	cache_drop_blob(t->download->q.cache, t->file->sha256);
	fetch(t);
}

static void begin(struct task *t)
{
	const struct download *d = t->download;
	const struct cache_file *f = t->file;
	int r = -ENOENT;

	t->resumed = false;
	if (*f->sha256)
		r = cache_open_blob(d->q.cache, f, &t->blob);
	if (r == 0)
		r = digest_start(d->q.base, t->blob, on_blob_digest, t, &t->digest);
	if (r == -ENOENT)
		fetch(t);
	else if (r < 0)
		fail(t, r, strerror(-r));
}

/* --- all of them --- */

static void on_end_timer(void *self)
{
	struct download *d = self;

	d->on_end(d->self, d->result, &d->err);
}

static uint64_t total_of(const struct download_request *q)
{
	uint64_t total = 0;

	for (size_t i = 0; i < q->count; i++) {
		if (q->files[i].size == UINT64_MAX)
			return UINT64_MAX;
		total += q->files[i].size;
	}
	return total;
}

int download_start(const struct download_request *q, download_fn *on_end, void *self,
                   struct download **ret)
{
	struct download *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	*d = (struct download){ .q = *q, .total = total_of(q), .on_end = on_end, .self = self };
	for (unsigned i = 0; i < PARALLEL; i++)
		d->tasks[i] = (struct task){ .download = d, .blob = -1, .partial = { .fd = -1 } };
	r = loop_timer_new(q->base, on_end_timer, d, &d->timer);
	if (r < 0) {
		download_free(d);
		return r;
	}
	*ret = d;
	for (unsigned i = 0; i < PARALLEL; i++)
		begin_next(&d->tasks[i]);
	return 0;
}

void download_free(struct download *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < PARALLEL; i++) {
		struct task *t = &d->tasks[i];

		digest_free(t->digest);
		close_p(&t->blob);
		cache_close_partial(d->q.cache, &t->partial, true);
	}
	loop_timer_free(d->timer);
	free(d);
}
