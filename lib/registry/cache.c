/*
 * The content-addressed cache of downloaded versions; cache_trim.c bounds it. It exists so that a
 * rollback, a second host process or a training's comparison costs no second download, and so that
 * a version that was once here is served while its storage is away.
 *
 * Invariant: nothing is ever changed in place. Names come from digests and checked paths, so none
 * leads out of the cache. Nothing is synced, for that would hold up the loader's loop: what a power
 * cut leaves broken is found out when it is read, and fetched again. Called by remote_fetch.c and
 * download.c.
 */
#include "registry/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "registry/folder.h"

#define HEX "0123456789abcdef"
#define INDEX_BYTES (CACHE_FILES * (size_t)(CACHE_PATH + 100))

bool cache_path_is_valid(const char *path)
{
	size_t n = strnlen(path, CACHE_PATH);
	unsigned folders = 0;
	const char *at = path;

	if (n == 0 || n == CACHE_PATH)
		return false;
	for (size_t i = 0; i < n; i++)
		if (path[i] < ' ' || path[i] > '~' || path[i] == '\\')
			return false;
	for (;;) {
		size_t length = strcspn(at, "/");

		if (length == 0 || (length == 1 && *at == '.') ||
		    (length == 2 && strncmp(at, "..", 2) == 0))
			return false;
		at += length;
		if (*at++ == '\0')
			return folders <= CACHE_FOLDERS;
		folders++;
	}
}

static bool is_sha256(const char *text)
{
	return strspn(text, HEX) == CACHE_SHA256 - 1 && !text[CACHE_SHA256 - 1];
}

/* --- the cache itself --- */

int cache_open(struct cache *c, const char *dir, uint64_t max_bytes, struct errbuf *err)
{
	struct cache new = { .root = -1, .blobs = -1, .versions = -1, .partial = -1, .tmp = -1 };
	int r = file_make_dirs(dir, 0750);

	new.max_bytes = max_bytes;
	new.dir = strdup(dir);
	new.root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && (new.root < 0 || !new.dir))
		r = new.dir ? -errno : -ENOMEM;
	if (r == 0)
		r = folder_make(new.root, "blobs", &new.blobs);
	if (r == 0)
		r = folder_make(new.root, "versions", &new.versions);
	if (r == 0)
		r = folder_make(new.root, "partial", &new.partial);
	if (r == 0)
		r = folder_make(new.root, "tmp", &new.tmp);
	if (r < 0) {
		cache_close(&new);
		return errbuf_set(err, r,
		                  "could not open the folder of downloaded versions \"%s\": %s; "
		                  "set registry.cache_dir",
		                  dir, strerror(-r));
	}
	*c = new;
	return 0;
}

void cache_close(struct cache *c)
{
	close_p(&c->root);
	close_p(&c->blobs);
	close_p(&c->versions);
	close_p(&c->partial);
	close_p(&c->tmp);
	free(c->dir);
	*c = (struct cache){ .root = -1, .blobs = -1, .versions = -1, .partial = -1, .tmp = -1 };
}

uint64_t cache_room(const struct cache *c)
{
	struct statvfs s;

	return fstatvfs(c->root, &s) < 0 ? UINT64_MAX : (uint64_t)s.f_bavail * s.f_frsize;
}

/* --- index --- */

/* "<sha256> <size> <path>" */
static int read_line(struct str line, struct arena *a, struct cache_file *ret)
{
	unsigned long long size = 0;
	const char *text = arena_strndup(a, line);
	const char *space = text ? strchr(text, ' ') : NULL;
	const char *path = space ? strchr(space + 1, ' ') : NULL;

	if (!text)
		return -ENOMEM;
	if (!path || space - text != CACHE_SHA256 - 1 ||
	    str_to_u64((struct str){ space + 1, (size_t)(path - space - 1) }, &size) < 0)
		return -EBADMSG;
	memcpy(ret->sha256, text, CACHE_SHA256 - 1);
	ret->sha256[CACHE_SHA256 - 1] = '\0';
	ret->size = size;
	ret->path = path + 1;
	return is_sha256(ret->sha256) && cache_path_is_valid(ret->path) ? 0 : -EBADMSG;
}

static int read_lines(struct str text, struct arena *a, struct cache_file **ret, size_t *ret_count)
{
	struct cache_file *files;
	size_t count = 0;

	for (size_t i = 0; i < text.n; i++)
		count += text.p[i] == '\n';
	if (count == 0 || count > CACHE_FILES || text.p[text.n - 1] != '\n')
		return -EBADMSG;
	files = arena_calloc(a, count, sizeof(*files));
	if (!files)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		size_t n = (size_t)((const char *)memchr(text.p, '\n', text.n) - text.p);
		int r = read_line((struct str){ text.p, n }, a, &files[i]);

		if (r < 0)
			return r;
		text.p += n + 1;
		text.n -= n + 1;
	}
	*ret = files;
	*ret_count = count;
	return 0;
}

int cache_read_index(const struct cache *c, const char *key, struct arena *a,
                     struct cache_file **ret, size_t *ret_count)
{
	CLEANUP(free_p) char *text = NULL;
	size_t n = 0;
	int r = file_read(c->versions, key, INDEX_BYTES, &text, &n);

	if (r == 0)
		r = read_lines((struct str){ text, n }, a, ret, ret_count);
	/* The time of the last use, by which cache_trim() goes. */
	if (r == 0)
		(void)utimensat(c->versions, key, NULL, AT_SYMLINK_NOFOLLOW);
	return r;
}

/* --- blobs --- */

int cache_open_blob(const struct cache *c, const struct cache_file *f, int *ret_fd)
{
	CLEANUP(close_p) int fd = -1;
	struct stat st;

	if (!is_sha256(f->sha256))
		return -EINVAL;
	fd = openat(c->blobs, f->sha256, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != f->size)
		return -ENOENT;
	*ret_fd = take_fd(&fd);
	return 0;
}

void cache_drop_blob(const struct cache *c, const char *sha256)
{
	if (is_sha256(sha256))
		(void)unlinkat(c->blobs, sha256, 0);
}

/* --- partial files --- */

/* The name still means the file whose lock we hold: who had it before may have committed it. */
static bool is_still_named(int dir, const char *name, int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(dir, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev && S_ISREG(a.st_mode);
}

static int open_locked(const struct cache *c, const char *name, int *ret_fd)
{
	CLEANUP(close_p) int fd = -1;

	fd = openat(c->partial, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);
	/* Another user's. */
	if (fd < 0)
		return errno == EACCES ? -EAGAIN : -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	if (!is_still_named(c->partial, name, fd))
		return -EAGAIN;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* A name of this process, for a file that nobody can take up again. */
static int open_own(const struct cache *c, struct cache_partial *p)
{
	static const char *const base = "own";

	for (unsigned i = 0; i < 10000; i++) {
		snprintf(p->name, sizeof(p->name), "%s-%ld-%u", base, (long)getpid(), i);
		p->fd = openat(c->partial, p->name,
		               O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
		if (p->fd < 0 && errno != EEXIST)
			return -errno;
		/* Until its lock is ours, it is anybody's to clear away. */
		if (p->fd >= 0 && flock(p->fd, LOCK_EX | LOCK_NB) == 0 &&
		    is_still_named(c->partial, p->name, p->fd))
			return 0;
		close_p(&p->fd);
	}
	return -EEXIST;
}

int cache_open_partial(const struct cache *c, const char *sha256, struct cache_partial *ret)
{
	struct cache_partial p = { .fd = -1 };
	struct stat st = { 0 };
	int r;

	if (*sha256 && !is_sha256(sha256))
		return -EINVAL;
	snprintf(p.name, sizeof(p.name), "%s", sha256);
	r = *sha256 ? open_locked(c, p.name, &p.fd) : -EAGAIN;
	/* Another process is at it: both download, and the second rename changes nothing. */
	if (r == -EAGAIN)
		r = open_own(c, &p);
	if (r == 0 && fstat(p.fd, &st) < 0)
		r = -errno;
	if (r < 0) {
		close_p(&p.fd);
		return r;
	}
	p.size = (uint64_t)st.st_size;
	*ret = p;
	return 0;
}

int cache_commit(const struct cache *c, struct cache_partial *p, const char *sha256)
{
	int r = 0;

	/* Renamed first: a partial file that cannot be written to could not be gone on with. */
	if (renameat(c->partial, p->name, c->blobs, sha256) < 0 || fchmod(p->fd, 0440) < 0)
		r = -errno;
	cache_close_partial(c, p, true);
	return r;
}

void cache_close_partial(const struct cache *c, struct cache_partial *p, bool keep)
{
	if (p->fd < 0)
		return;
	if (!keep || !is_sha256(p->name))
		(void)unlinkat(c->partial, p->name, 0);
	close_p(&p->fd);
	p->fd = -1;
}

int cache_write_index(const struct cache *c, const char *key, const struct cache_file *files,
                      size_t count)
{
	struct strbuf text = { .limit = INDEX_BYTES };
	struct cache_partial p = { .fd = -1 };
	int r;

	for (size_t i = 0; i < count; i++)
		strbuf_addf(&text, "%s %" PRIu64 " %s\n", files[i].sha256, files[i].size,
		            files[i].path);
	r = strbuf_error(&text);
	if (r == 0)
		r = open_own(c, &p);
	if (r == 0)
		r = file_write_all(p.fd, text.p, text.n);
	if (r == 0 && renameat(c->partial, p.name, c->versions, key) < 0)
		r = -errno;
	cache_close_partial(c, &p, false);
	strbuf_done(&text);
	return r;
}

/* --- folders --- */

/* -EEXIST: another name. */
static int make_folder(const struct cache *c, const char *name, int *ret_fd)
{
	CLEANUP(close_p) int fd = -1;
	struct stat a, b;
	int r;

	if (mkdirat(c->tmp, name, 0750) < 0)
		return -errno;
	r = folder_open(c->tmp, name, &fd);
	/* Held as long as anybody has this descriptor, a child's copy of it too. */
	if (r == 0 && flock(fd, LOCK_SH | LOCK_NB) < 0)
		r = -errno;
	/* Without its lock it was anybody's to clear away. */
	if (r == 0 && (fstat(fd, &a) < 0 || fstatat(c->tmp, name, &b, AT_SYMLINK_NOFOLLOW) < 0 ||
	               a.st_ino != b.st_ino))
		r = -EEXIST;
	if (r == 0)
		*ret_fd = take_fd(&fd);
	return r == -ENOENT || r == -EWOULDBLOCK ? -EEXIST : r;
}

int cache_open_folder(struct cache *c, struct registry_folder *ret)
{
	CLEANUP(free_p) char *path = NULL;
	int r;

	do {
		free(take_ptr(&path));
		if (asprintf(&path, "%s/tmp/%ld-%u", c->dir, (long)getpid(), c->folders++) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		r = make_folder(c, strrchr(path, '/') + 1, &ret->fd);
	} while (r == -EEXIST);
	if (r == 0)
		ret->temporary = take_ptr(&path);
	return r;
}

/* The folder of the path's last part, made on the way. */
static int open_parent(int folder, const char *path, int *ret_fd, const char **ret_name)
{
	CLEANUP(close_p) int fd = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	const char *slash;
	char part[CACHE_PATH];

	if (fd < 0)
		return -errno;
	while ((slash = strchr(path, '/'))) {
		int next = -1;
		int r;

		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		r = folder_make(fd, part, &next);
		if (r < 0)
			return r;
		close_p(&fd);
		fd = next;
		path = slash + 1;
	}
	*ret_fd = take_fd(&fd);
	*ret_name = path;
	return 0;
}

static int copy_blob(const struct cache *c, const struct cache_file *f, int dir, const char *name)
{
	CLEANUP(close_p) int from = -1;
	CLEANUP(close_p) int to = -1;
	uint64_t left = f->size;
	int r = cache_open_blob(c, f, &from);

	if (r < 0)
		return r;
	to = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0440);
	if (to < 0)
		return -errno;
	while (left > 0) {
		ssize_t n = sendfile(to, from, NULL, left < 1 << 30 ? (size_t)left : 1 << 30);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		left -= (uint64_t)n;
	}
	return 0;
}

int cache_link(const struct cache *c, const struct registry_folder *folder,
               const struct cache_file *f)
{
	CLEANUP(close_p) int dir = -1;
	const char *name = f->path;
	int r = open_parent(folder->fd, f->path, &dir, &name);

	if (r < 0)
		return r;
	if (linkat(c->blobs, f->sha256, dir, name, 0) == 0)
		return 0;
	/* Another user's file, too many links, a file system without them. */
	if (errno == EPERM || errno == EMLINK || errno == EACCES || errno == EOPNOTSUPP)
		return copy_blob(c, f, dir, name);
	return -errno;
}
