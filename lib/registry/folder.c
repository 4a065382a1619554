/*
 * How the local registry touches its folder. It exists so that "no link is followed" and "nothing
 * hangs on a FIFO" are written once. Called by local.c only.
 */
#include "registry/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define STAMP_MAX_FILES 4096

int folder_open(int parent, const char *name, int *ret_fd)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	/* With both flags a link says ENOTDIR, which would mislead. */
	if (errno == ENOTDIR && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISLNK(st.st_mode) ? -ELOOP : -ENOTDIR;
	return -errno;
}

int folder_make(int parent, const char *name, int *ret_fd)
{
	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	return folder_open(parent, name, ret_fd);
}

int folder_read_text(int dir, const char *name, char *ret, size_t room)
{
	CLEANUP(close_p) int fd = -1;
	struct stat st;
	size_t n = 0;

	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	while (n < room) {
		ssize_t got = read(fd, ret + n, room - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0) {
			ret[n] = '\0';
			return 0;
		}
		n += (size_t)got;
	}
	return -EFBIG;
}

static void dir_close_p(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* A stream of its own position; dir stays usable. */
static DIR *open_stream(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

/* The next name, or NULL: *ret_error tells an end (0) from a failure. */
static const char *next_name(DIR *d, int *ret_error)
{
	const struct dirent *e;

	do {
		errno = 0;
		e = readdir(d);
	} while (e && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0));
	*ret_error = e ? 0 : -errno;
	return e ? e->d_name : NULL;
}

static int append(struct folder_names *n, size_t *room, const char *name)
{
	if (n->count == *room) {
		size_t more = *room ? *room * 2 : 64;
		char **bigger = realloc(n->list, more * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		n->list = bigger;
		*room = more;
	}
	n->list[n->count] = strdup(name);
	if (!n->list[n->count])
		return -ENOMEM;
	n->count++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int folder_list(int dir, size_t limit, struct folder_names *ret)
{
	CLEANUP(dir_close_p) DIR *d = open_stream(dir);
	struct folder_names n = { 0 };
	size_t room = 0;
	const char *name;
	int r = d ? 0 : -errno;

	while (r == 0 && (name = next_name(d, &r)))
		r = n.count == limit ? -E2BIG : append(&n, &room, name);
	if (r < 0) {
		folder_names_done(&n);
		return r;
	}
	if (n.count)
		qsort(n.list, n.count, sizeof(*n.list), by_name);
	*ret = n;
	return 0;
}

void folder_names_done(struct folder_names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->list[i]);
	free(n->list);
	*n = (struct folder_names){ 0 };
}

/* FNV-1a: spreads well enough for "has anything changed". */
static uint64_t hash_byte(uint64_t h, unsigned byte)
{
	return (h ^ (byte & 0xff)) * UINT64_C(0x100000001b3);
}

static uint64_t hash_number(uint64_t h, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		h = hash_byte(h, (unsigned)(v >> 8 * i));
	return h;
}

static uint64_t hash_file(const char *name, const struct stat *st)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		h = hash_byte(h, (unsigned char)*name);
	h = hash_number(h, (uint64_t)st->st_size);
	h = hash_number(h, (uint64_t)st->st_ino);
	h = hash_number(h, (uint64_t)st->st_mtim.tv_sec);
	return hash_number(h, (uint64_t)st->st_mtim.tv_nsec);
}

/* A sum, for files come in no order. */
static int add_files(int dir, int deeper, unsigned *left, uint64_t *sum)
{
	CLEANUP(dir_close_p) DIR *d = open_stream(dir);
	const char *name;
	struct stat st = { 0 };
	int r = d ? 0 : -errno;

	while (r == 0 && (name = next_name(d, &r))) {
		CLEANUP(close_p) int sub = -1;

		if (fstatat(dirfd(d), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if ((*left)-- == 0)
			return -E2BIG;
		*sum += hash_file(name, &st);
		if (deeper && S_ISDIR(st.st_mode)) {
			r = folder_open(dirfd(d), name, &sub);
			if (r == 0)
				r = add_files(sub, 0, left, sum);
		}
	}
	return r;
}

uint64_t folder_stamp(int dir)
{
	unsigned left = STAMP_MAX_FILES;
	uint64_t sum = 0;

	if (add_files(dir, 1, &left, &sum) < 0)
		return 0;
	return sum ? sum : 1;
}
