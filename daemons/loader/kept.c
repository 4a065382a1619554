/*
 * The kept copy on disk. It is written beside the old one and swapped in by one rename, so a crash
 * at any instant leaves a whole copy: the old or the new. Reading trusts nothing: the record is
 * parsed, the image must be whole and of this layout. Called by the loader at its start (read) and
 * by its --keep child (write).
 */
#include "kept.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "score/score.h"
#include "state.h"

#define FOLDER "last-known-good"
#define NEW_FOLDER ".new-last-known-good"
#define OLD_FOLDER ".old-last-known-good" /* on a file system that cannot exchange two names */
#define LOCK_PATIENCE_MS 30000
#define PIECE_BYTES ((size_t)256 * 1024)

static int copy_all(int from, int to, uint64_t size)
{
	off_t at = 0;

	while ((uint64_t)at < size) {
		ssize_t n = sendfile(to, from, &at, (size_t)(size - (uint64_t)at));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
	}
	return 0;
}

static int path_of(const char *state_dir, const char *folder, char ret[PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s/%s", state_dir, folder);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int open_named(const char *state_dir, const char *folder, int *ret)
{
	char path[PATH_MAX];
	int r = path_of(state_dir, folder, path);
	int fd;

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

static int open_folder(const char *state_dir, int *ret)
{
	int r = open_named(state_dir, FOLDER, ret);

	return r == -ENOENT ? open_named(state_dir, OLD_FOLDER, ret) : r;
}

static int read_record(int folder, struct record *ret, struct errbuf *err)
{
	CLEANUP(free_p) char *text = NULL;
	size_t n = 0;
	int r = file_read(folder, "record", RECORD_MAX_BYTES, &text, &n);

	if (r == 0)
		r = record_read((struct str){ text, n }, ret);
	return r < 0 ? errbuf_set(err, r, "could not read the record of the kept version: %s",
	                          strerror(-r))
	             : 0;
}

/* Reads and writes by pieces that stay in the cache of a core, so that the sum of the image costs
 * no third way through memory: a host waits for this before it serves. */
static int copy_and_sum(int from, int to, uint64_t size, struct score_sum *sum)
{
	CLEANUP(free_p) char *piece = malloc(PIECE_BYTES);
	int r = piece ? 0 : -ENOMEM;

	score_sum_begin(sum);
	for (uint64_t at = 0; at < size && r == 0; at += PIECE_BYTES) {
		size_t n = size - at < PIECE_BYTES ? (size_t)(size - at) : PIECE_BYTES;

		r = file_read_all(from, piece, n);
		if (r == 0)
			r = file_write_all(to, piece, n);
		if (r == 0)
			score_sum_add(sum, piece, n);
	}
	return r;
}

/* So that no worker has to refuse it later. What the sum holds together was opened as a worker
 * opens it when it was made: the trees need not be walked again. */
static int check_image(int fd, uint64_t size, const struct score_sum *sum, struct errbuf *err)
{
	void *image = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	int r;

	if (image == MAP_FAILED)
		return errbuf_set(err, -errno, "could not map the kept image: %s", strerror(errno));
	r = score_recognise(image, (size_t)size, sum, err);
	munmap(image, (size_t)size);
	return r;
}

static int load_image(int folder, uint64_t size, int *ret, struct errbuf *err)
{
	CLEANUP(close_p) int file = openat(folder, "image", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP(close_p) int fd = -1;
	struct score_sum sum;
	struct stat st;
	int r;

	if (file < 0 || fstat(file, &st) < 0)
		return errbuf_set(err, -EBADMSG, "could not open the kept image: %s",
		                  strerror(errno));
	if (!S_ISREG(st.st_mode) || size == 0 || (uint64_t)st.st_size != size)
		return errbuf_set(err, -EBADMSG, "the kept image has not the size of its record");
	r = memfd_new("fraudd-model", &fd);
	if (r == 0)
		r = copy_and_sum(file, fd, size, &sum);
	if (r == 0)
		r = memfd_seal(fd);
	if (r < 0)
		return errbuf_set(err, r, "could not copy the kept image: %s", strerror(-r));
	r = check_image(fd, size, &sum, err);
	if (r == 0)
		*ret = take_fd(&fd);
	return r;
}

int kept_open(const char *state_dir, struct record *ret, int *ret_fd, struct errbuf *err)
{
	CLEANUP(close_p) int folder = -1;
	int r = open_folder(state_dir, &folder);

	*ret = (struct record){ .generation = 0 };
	if (r < 0)
		return errbuf_set(err, r, "could not open the kept version: %s", strerror(-r));
	r = read_record(folder, ret, err);
	if (r < 0)
		return r == -ENOENT ? -EBADMSG : r;
	return load_image(folder, ret->size, ret_fd, err);
}

int kept_open_bundle(const char *state_dir, int *ret_fd)
{
	CLEANUP(close_p) int folder = -1;
	int r = open_folder(state_dir, &folder);
	int fd;

	if (r < 0)
		return r;
	fd = openat(folder, "bundle", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int write_image(int folder, int image_fd, uint64_t size)
{
	CLEANUP(close_p) int fd = -1;
	int r;

	fd = openat(folder, "image", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	r = copy_all(image_fd, fd, size);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r;
}

static int write_record(int folder, const struct record *record)
{
	struct strbuf text = { .limit = RECORD_MAX_BYTES };
	int r = record_write(record, &text);

	if (r == 0)
		r = file_write(folder, "record", strbuf_str(&text), 0640);
	strbuf_done(&text);
	return r;
}

/* Members whose bytes bundle_read() did not keep come from their files. */
static int open_members(int folder_fd, const struct bundle *b, struct bundle_file *files,
                        struct errbuf *err)
{
	for (size_t i = 0; i < b->member_count; i++) {
		const struct bundle_member *m = &b->members[i];

		files[i].content = m->content;
		if (m->content.n || m->size == 0)
			continue;
		files[i].fd = openat(folder_fd, files[i].path,
		                     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (files[i].fd < 0)
			return errbuf_set(err, -errno, "could not open %s: %s", files[i].path,
			                  strerror(errno));
	}
	return 0;
}

static int copy_members(const char *parent, int folder_fd, const struct bundle *b, struct arena *a,
                        struct errbuf *err)
{
	struct bundle_file *files = arena_calloc(a, b->member_count, sizeof(*files));
	int r = files ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < b->member_count; i++) {
		files[i].fd = -1;
		files[i].path = arena_strndup(a, b->members[i].path);
		r = files[i].path ? 0 : -ENOMEM;
	}
	if (r < 0)
		return errbuf_set(err, r, "no memory for the names of %zu files", b->member_count);
	r = open_members(folder_fd, b, files, err);
	if (r == 0)
		r = bundle_write(parent, "bundle", files, b->member_count, err);
	for (size_t i = 0; i < b->member_count; i++)
		close_p(&files[i].fd);
	return r;
}

static int copy_bundle(const char *parent, int folder_fd, const struct record *record,
                       const struct bundle_options *options, struct errbuf *err)
{
	uint8_t digest[BUNDLE_SHA256_SIZE];
	struct arena a = { 0 };
	struct bundle *b;
	int r = bundle_read(folder_fd, ".", options, &a, &b, err);

	if (r == 0)
		r = bundle_digest(b, digest);
	if (r == 0 && memcmp(digest, record->digest, sizeof(digest)) != 0)
		r = errbuf_set(err, -EBADMSG, "the version has changed since it was compiled");
	if (r == 0)
		r = copy_members(parent, folder_fd, b, &a, err);
	arena_done(&a);
	return r;
}

static int fill(const char *path, const struct record *record, int image_fd, struct errbuf *err)
{
	CLEANUP(close_p) int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = folder < 0 ? -errno : 0;

	if (r == 0)
		r = write_image(folder, image_fd, record->size);
	if (r == 0)
		r = write_record(folder, record);
	if (r == 0 && fsync(folder) < 0)
		r = -errno;
	return r < 0 ? errbuf_set(err, r, "could not write \"%s\": %s", path, strerror(-r)) : 0;
}

static int exchange(const char *new, const char *now, const char *old)
{
	if (renameat2(AT_FDCWD, new, AT_FDCWD, now, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno == ENOENT)
		return rename(new, now) < 0 ? -errno : 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	file_remove_tree(old);
	if (rename(now, old) < 0 || rename(new, now) < 0)
		return -errno;
	return file_remove_tree(old);
}

static int swap_in(const char *state_dir, struct errbuf *err)
{
	char new[PATH_MAX], now[PATH_MAX], old[PATH_MAX];
	int r = path_of(state_dir, NEW_FOLDER, new);

	if (r == 0)
		r = path_of(state_dir, FOLDER, now);
	if (r == 0)
		r = path_of(state_dir, OLD_FOLDER, old);
	if (r == 0)
		r = exchange(new, now, old);
	if (r == 0)
		r = file_sync_parent(now);
	return r < 0 ? errbuf_set(err, r, "could not replace \"%s\": %s", now, strerror(-r)) : 0;
}

static bool is_newer_kept(const char *state_dir, const struct record *record)
{
	CLEANUP(close_p) int folder = -1;
	struct record kept = { .generation = 0 };

	return open_folder(state_dir, &folder) == 0 && read_record(folder, &kept, NULL) == 0 &&
	       kept.generation > record->generation;
}

int kept_write(const char *state_dir, const struct record *record, int folder_fd, int image_fd,
               const struct bundle_options *options, struct errbuf *err)
{
	CLEANUP(close_p) int lock = -1;
	char path[PATH_MAX];
	int r = path_of(state_dir, NEW_FOLDER, path);

	if (r < 0)
		return errbuf_set(err, r, "state_dir is too long a path");
	r = state_lock(state_dir, STATE_LOCK_KEPT, LOCK_PATIENCE_MS, &lock, err);
	if (r < 0 || is_newer_kept(state_dir, record))
		return r;
	/* What a killed one left. */
	file_remove_tree(path);
	if (mkdir(path, 0750) < 0)
		return errbuf_set(err, -errno, "could not make \"%s\": %s", path, strerror(errno));
	r = copy_bundle(path, folder_fd, record, options, err);
	if (r == 0)
		r = fill(path, record, image_fd, err);
	if (r == 0)
		r = swap_in(state_dir, err);
	/* The old copy by now, or what is half-made. */
	file_remove_tree(path);
	return r;
}
