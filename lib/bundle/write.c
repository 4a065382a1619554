/*
 * Writes a version: whole or not at all. All files go to a hidden folder beside the target, every
 * file and folder is synced, then one rename makes the version appear. A kill at any point leaves
 * the hidden folder at most, which readers skip and a later write sweeps.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "bundle/bundle.h"
#include "bundle/member.h"

#define CHUNK 65536
#define VERSION_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static int copy_fd(int from, int to)
{
	char buffer[CHUNK];
	off_t at = 0;

	for (;;) {
		ssize_t n = pread(from, buffer, sizeof(buffer), at);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = file_write_all(to, buffer, (size_t)n);
		if (r < 0)
			return r;
		at += n;
	}
}

static int write_content(int dir, const struct bundle_file *f)
{
	CLEANUP(close_p) int fd = -1;
	int r;

	fd = openat(dir, f->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	r = f->fd >= 0 ? copy_fd(f->fd, fd) : file_write_all(fd, f->content.p, f->content.n);
	if (r < 0)
		return r;
	return fsync(fd) < 0 ? -errno : 0;
}

static int write_files(int dir, const struct bundle_file *files, size_t count, struct errbuf *err)
{
	for (size_t i = 0; i < count; i++) {
		int r;

		if (!member_path_is_valid(str_of(files[i].path)))
			return errbuf_set(err, -EINVAL, "\"%s\" is no name of a member",
			                  files[i].path);
		if (strncmp(files[i].path, "artifacts/", 10) == 0 &&
		    mkdirat(dir, "artifacts", 0755) < 0 && errno != EEXIST)
			return errbuf_set(err, -errno, "could not make folder artifacts: %s",
			                  strerror(errno));
		r = write_content(dir, &files[i]);
		if (r < 0)
			return errbuf_set(err, r, "could not write %s: %s", files[i].path,
			                  strerror(-r));
	}
	return 0;
}

static int sync_folder(int dir, const char *name)
{
	CLEANUP(close_p) int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return fsync(fd) < 0 ? -errno : 0;
}

static int fill(const char *path, const struct bundle_file *files, size_t count, struct errbuf *err)
{
	CLEANUP(close_p) int dir = -1;
	int r;

	if (mkdir(path, 0755) < 0)
		return errbuf_set(err, -errno, "could not make folder \"%s\": %s", path,
		                  strerror(errno));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errbuf_set(err, -errno, "could not open folder \"%s\": %s", path,
		                  strerror(errno));
	r = write_files(dir, files, count, err);
	if (r < 0)
		return r;
	r = sync_folder(dir, "artifacts");
	if (r == 0)
		r = sync_folder(dir, ".");
	return r < 0 ? errbuf_set(err, r, "could not sync \"%s\": %s", path, strerror(-r)) : 0;
}

/* rename() onto a folder that is not empty fails: the version is there already. */
static int publish(const char *hidden, const char *path, struct errbuf *err)
{
	int r;

	if (rename(hidden, path) < 0) {
		r = errno == ENOTEMPTY || errno == ENOTDIR ? -EEXIST : -errno;
		return errbuf_set(err, r, "could not make version \"%s\": %s", path, strerror(-r));
	}
	r = file_sync_parent(path);
	return r < 0 ? errbuf_set(err, r, "could not sync the folder of \"%s\"", path) : 0;
}

static bool is_version(const char *version)
{
	size_t n = strlen(version);

	return n > 0 && n < 64 && version[0] != '.' && strspn(version, VERSION_CHARACTERS) == n;
}

int bundle_write(const char *parent, const char *version, const struct bundle_file *files,
                 size_t count, struct errbuf *err)
{
	struct arena a = { 0 };
	const char *hidden = arena_printf(&a, "%s/.new-%s-%d", parent, version, (int)getpid());
	const char *path = arena_printf(&a, "%s/%s", parent, version);
	int r = 0;

	if (!is_version(version))
		r = errbuf_set(err, -EINVAL, "\"%s\" is no name of a version", version);
	else if (arena_failed(&a))
		r = errbuf_set(err, -ENOMEM, "no memory for a path");
	if (r == 0) {
		r = file_make_dirs(parent, 0755);
		if (r < 0)
			errbuf_set(err, r, "could not make folder \"%s\": %s", parent,
			           strerror(-r));
	}
	if (r == 0) {
		/* left by a process that had our number and was killed */
		file_remove_tree(hidden);
		bundle_sweep(parent);
		r = fill(hidden, files, count, err);
		if (r == 0)
			r = publish(hidden, path, err);
		if (r < 0)
			file_remove_tree(hidden);
	}
	arena_done(&a);
	return r;
}
