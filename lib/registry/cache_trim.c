/*
 * The bound of the cache. Versions go by the time of their last use; a blob goes when no index
 * names it and no folder has a link to it (removing that would free nothing). What the dead left in
 * tmp/ and partial/ is told from what is in use by its lock. Called by remote.c when the cache is
 * opened and by remote_fetch.c after a download.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "registry/cache.h"
#include "registry/folder.h"

#define MAX_NAMES 1000000
#define PARTIAL_SECONDS 86400 /* a download that nobody has gone on with for so long */
#define ORPHAN_SECONDS 3600   /* a blob that no index names: its download may still run */

struct blob {
	const char *name; /* of trim.names */
	uint64_t size;
	time_t changed;
	unsigned users; /* indexes that name it */
	bool linked;    /* a folder has it */
};

struct version {
	const char *name;
	struct timespec used;
	struct cache_file *files;
	size_t count;
};

struct trim {
	const struct cache *cache;
	struct arena arena;
	struct folder_names blob_names, version_names;
	struct blob *blobs;
	size_t blob_count;
	struct version *versions; /* oldest first */
	size_t version_count;
	uint64_t bytes;
	time_t now;
};

/* --- what the dead left --- */

static bool is_free(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void clear_folders(const struct cache *c)
{
	CLEANUP(folder_names_done) struct folder_names names = { 0 };

	if (folder_list(c->tmp, MAX_NAMES, &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		CLEANUP(free_p) char *path = NULL;
		CLEANUP(close_p) int fd = -1;

		if (folder_open(c->tmp, names.list[i], &fd) < 0 || !is_free(fd))
			continue;
		if (asprintf(&path, "%s/tmp/%s", c->dir, names.list[i]) < 0)
			path = NULL;
		if (path)
			file_remove_tree(path);
	}
}

/* The bytes of partial files that stay. */
static uint64_t clear_partial(const struct cache *c, time_t now)
{
	CLEANUP(folder_names_done) struct folder_names names = { 0 };
	uint64_t bytes = 0;
	struct stat st;

	if (folder_list(c->partial, MAX_NAMES, &names) < 0)
		return 0;
	for (size_t i = 0; i < names.count; i++) {
		CLEANUP(close_p) int fd = -1;
		bool is_own = strlen(names.list[i]) != CACHE_SHA256 - 1;

		fd = openat(c->partial, names.list[i],
		            O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) < 0)
			continue;
		if ((is_own || now - st.st_mtime > PARTIAL_SECONDS) && is_free(fd))
			(void)unlinkat(c->partial, names.list[i], 0);
		else
			bytes += (uint64_t)st.st_size;
	}
	return bytes;
}

/* --- what there is --- */

static struct blob *find_blob(const struct trim *t, const char *name)
{
	size_t low = 0, high = t->blob_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(t->blobs[middle].name, name);

		if (order == 0)
			return &t->blobs[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* In the order of their names, as folder_list() gives them. */
static int read_blobs(struct trim *t)
{
	int r = folder_list(t->cache->blobs, MAX_NAMES, &t->blob_names);
	struct stat st;

	if (r < 0)
		return r;
	t->blobs = arena_calloc(&t->arena, t->blob_names.count + 1, sizeof(*t->blobs));
	if (!t->blobs)
		return -ENOMEM;
	for (size_t i = 0; i < t->blob_names.count; i++) {
		const char *name = t->blob_names.list[i];

		if (fstatat(t->cache->blobs, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		t->blobs[t->blob_count++] = (struct blob){ .name = name,
			                                   .size = (uint64_t)st.st_size,
			                                   .changed = st.st_ctime,
			                                   .linked = st.st_nlink > 1 };
		t->bytes += (uint64_t)st.st_size;
	}
	return 0;
}

static int by_use(const void *a, const void *b)
{
	const struct version *x = a, *y = b;

	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
	return (x->used.tv_nsec > y->used.tv_nsec) - (x->used.tv_nsec < y->used.tv_nsec);
}

static void count_users(const struct trim *t, const struct version *v, int by)
{
	for (size_t i = 0; i < v->count; i++) {
		struct blob *b = find_blob(t, v->files[i].sha256);

		if (b)
			b->users += (unsigned)by;
	}
}

static void read_version(struct trim *t, const char *name)
{
	struct version v = { .name = name };
	struct stat st;
	int r;

	if (fstatat(t->cache->versions, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	v.used = st.st_mtim;
	r = cache_read_index(t->cache, name, &t->arena, &v.files, &v.count);
	if (r == -EBADMSG)
		(void)unlinkat(t->cache->versions, name, 0);
	if (r < 0)
		return;
	/* Looking at it here was no use of it. */
	(void)utimensat(t->cache->versions, name, (struct timespec[]){ st.st_atim, st.st_mtim },
	                AT_SYMLINK_NOFOLLOW);
	count_users(t, &v, 1);
	t->versions[t->version_count++] = v;
}

static int read_versions(struct trim *t)
{
	int r = folder_list(t->cache->versions, MAX_NAMES, &t->version_names);

	if (r < 0)
		return r;
	t->versions = arena_calloc(&t->arena, t->version_names.count + 1, sizeof(*t->versions));
	if (!t->versions)
		return -ENOMEM;
	for (size_t i = 0; i < t->version_names.count; i++)
		read_version(t, t->version_names.list[i]);
	qsort(t->versions, t->version_count, sizeof(*t->versions), by_use);
	return 0;
}

/* --- what goes --- */

static void remove_blob(struct trim *t, struct blob *b)
{
	if (b->linked || unlinkat(t->cache->blobs, b->name, 0) < 0)
		return;
	t->bytes -= b->size;
	b->linked = true; /* not again */
}

static void remove_version(struct trim *t, const struct version *v)
{
	if (unlinkat(t->cache->versions, v->name, 0) < 0)
		return;
	count_users(t, v, -1);
	for (size_t i = 0; i < v->count; i++) {
		struct blob *b = find_blob(t, v->files[i].sha256);

		if (b && b->users == 0)
			remove_blob(t, b);
	}
}

static void remove_orphans(struct trim *t)
{
	for (size_t i = 0; i < t->blob_count; i++) {
		struct blob *b = &t->blobs[i];

		if (b->users == 0 && t->now - b->changed > ORPHAN_SECONDS)
			remove_blob(t, b);
	}
}

static void trim(struct trim *t, const char *keep)
{
	clear_folders(t->cache);
	t->bytes = clear_partial(t->cache, t->now);
	if (read_blobs(t) < 0 || read_versions(t) < 0)
		return;
	remove_orphans(t);
	for (size_t i = 0; i < t->version_count && t->bytes > t->cache->max_bytes; i++)
		if (!keep || strcmp(t->versions[i].name, keep) != 0)
			remove_version(t, &t->versions[i]);
}

/* -1: another process is at it, or there is no place for a lock. */
static int lock_cache(const struct cache *c)
{
	int fd = openat(c->root, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);

	if (fd >= 0 && !is_free(fd)) {
		close(fd);
		return -1;
	}
	return fd;
}

void cache_clear(const struct cache *c)
{
	CLEANUP(close_p) int lock = lock_cache(c);

	if (lock < 0)
		return;
	clear_folders(c);
	(void)clear_partial(c, time(NULL));
}

void cache_trim(const struct cache *c, const char *keep)
{
	CLEANUP(close_p) int lock = lock_cache(c);
	struct trim t = { .cache = c, .now = time(NULL) };

	if (lock < 0)
		return;
	trim(&t, keep);
	folder_names_done(&t.blob_names);
	folder_names_done(&t.version_names);
	arena_done(&t.arena);
}
