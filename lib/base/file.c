/*
 * Settings, model files, state: read whole with a limit, written whole or not at all. Every open is
 * close-on-exec, and none can hang on a FIFO that somebody put in the place of a file. Removing a
 * tree walks by descriptors, so a folder swapped for a symbolic link meanwhile leads nowhere.
 * Called by the supervisor's settings, the model registry, the loader and the tools; never on a
 * loop that answers requests.
 */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
/* Folders within folders that file_remove_tree() follows: each holds a descriptor. */
#define TREE_DEPTH 64

static int open_regular(int dir_fd, const char *path, int *ret_fd, struct stat *ret_stat)
{
	CLEANUP(close_p) int fd = -1;

	/* O_NONBLOCK: a FIFO without a writer opens at once and is then refused. */
	fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, ret_stat) < 0)
		return -errno;
	if (S_ISDIR(ret_stat->st_mode))
		return -EISDIR;
	if (!S_ISREG(ret_stat->st_mode))
		return -EINVAL;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Reads on until the end. The size was a hint only: files grow, and those of /proc say 0. */
static int read_to_end(int fd, size_t room, size_t limit, char **ret, size_t *ret_size)
{
	CLEANUP(free_p) char *content = malloc(room + 1);
	size_t n = 0;

	if (!content)
		return -ENOMEM;
	for (;;) {
		ssize_t got = read(fd, content + n, room - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
		if (n > limit)
			return -EFBIG;
		if (n == room) {
			char *bigger = realloc(content, room * 2 + 1);

			if (!bigger)
				return -ENOMEM;
			content = bigger;
			room *= 2;
		}
	}
	content[n] = '\0';
	*ret_size = n;
	*ret = take_ptr(&content);
	return 0;
}

int file_read(int dir_fd, const char *path, size_t limit, char **ret, size_t *ret_size)
{
	CLEANUP(close_p) int fd = -1;
	struct stat st = { 0 };
	int r = open_regular(dir_fd, path, &fd, &st);

	if (r < 0)
		return r;
	if ((uintmax_t)st.st_size > limit)
		return -EFBIG;
	/* One byte more than there should be, so that the end shows without growing. */
	return read_to_end(fd, (size_t)st.st_size + 1, limit, ret, ret_size);
}

int file_write_all(int fd, const void *p, size_t n)
{
	const char *rest = p;

	while (n > 0) {
		ssize_t written = write(fd, rest, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		if (written == 0)
			return -EIO;
		rest += written;
		n -= (size_t)written;
	}
	return 0;
}

int file_read_all(int fd, void *p, size_t n)
{
	char *rest = p;

	while (n > 0) {
		ssize_t got = read(fd, rest, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -ENODATA;
		rest += got;
		n -= (size_t)got;
	}
	return 0;
}

/* The folder of "a/b" is "a", of "b" ".", of "/b" "/". */
static int parent_of(const char *path, char ret[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (n >= PATH_MAX)
		return -ENAMETOOLONG;
	if (!slash) {
		ret[0] = '.';
		n = 1;
	} else if (n == 0) {
		ret[0] = '/';
		n = 1;
	} else {
		memcpy(ret, path, n);
	}
	ret[n] = '\0';
	return 0;
}

static int sync_parent_at(int dir_fd, const char *path)
{
	CLEANUP(close_p) int fd = -1;
	char parent[PATH_MAX];
	int r = parent_of(path, parent);

	if (r < 0)
		return r;
	fd = openat(dir_fd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* EINVAL: a file system that keeps no folder in memory has nothing to sync. */
	if (fsync(fd) < 0 && errno != EINVAL)
		return -errno;
	return 0;
}

int file_sync_parent(const char *path)
{
	return sync_parent_at(AT_FDCWD, path);
}

/* A hidden name of the same folder that nobody has: "a/.b.0123456789abcdef". */
static int temporary_name(const char *path, char ret[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	uint64_t salt;
	int n;

	if (*base == '\0')
		return -EISDIR;
	while (getrandom(&salt, sizeof(salt), 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	n = snprintf(ret, PATH_MAX, "%.*s.%s.%016" PRIx64, (int)(base - path), path, base, salt);
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int write_new(int dir_fd, const char *path, struct str content, mode_t mode)
{
	CLEANUP(close_p) int fd = -1;
	int r;

	fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = file_write_all(fd, content.p, content.n);
	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		r = -errno;
	if (r < 0)
		unlinkat(dir_fd, path, 0);
	return r;
}

int file_write(int dir_fd, const char *path, struct str content, mode_t mode)
{
	char temporary[PATH_MAX];
	int r = temporary_name(path, temporary);

	if (r < 0)
		return r;
	r = write_new(dir_fd, temporary, content, mode);
	if (r < 0)
		return r;
	if (renameat(dir_fd, temporary, dir_fd, path) < 0) {
		r = -errno;
		unlinkat(dir_fd, temporary, 0);
		return r;
	}
	return sync_parent_at(dir_fd, path);
}

static int make_dir(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int file_make_dirs(const char *path, mode_t mode)
{
	char partial[PATH_MAX];
	size_t n = strlen(path);

	if (n == 0)
		return -ENOENT;
	if (n >= sizeof(partial))
		return -ENAMETOOLONG;
	memcpy(partial, path, n + 1);
	for (size_t i = 1; i < n; i++) {
		int r;

		if (partial[i] != '/' || partial[i - 1] == '/')
			continue;
		partial[i] = '\0';
		r = make_dir(partial, mode);
		if (r < 0)
			return r;
		partial[i] = '/';
	}
	return make_dir(partial, mode);
}

static void closedir_p(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int remove_at(int dir_fd, const char *name, unsigned depth);

/* Takes the descriptor of the folder. */
static int empty_folder(int fd, unsigned depth)
{
	CLEANUP(closedir_p) DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = remove_at(dirfd(dir), entry->d_name, depth + 1);
		if (r < 0)
			return r;
	}
}

static int remove_at(int dir_fd, const char *name, unsigned depth)
{
	int fd, r;

	if (depth > TREE_DEPTH)
		return -ELOOP;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		if (errno != ENOTDIR && errno != ELOOP)
			return -errno;
		return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
	}
	r = empty_folder(fd, depth);
	if (r < 0)
		return r;
	return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int file_remove_tree(const char *path)
{
	return remove_at(AT_FDCWD, path, 0);
}

int memfd_new(const char *name, int *ret_fd)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int memfd_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0 ? -errno : 0;
}

bool memfd_is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & ALL_SEALS) == ALL_SEALS;
}
