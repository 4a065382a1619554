/*
 * The loader's memory across restarts. Each file is replaced whole, so a crash leaves the old value
 * or the new one; the lock is for the two suites that a host may run, not for readers.
 *
 * Invariant: a generation is on disk before anybody hears of it. A counter that cannot be read is
 * an error and not a 1: a number that was in use before must never come again.
 */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define SMALL_FILE 256
#define RETRY_MS 2
#define PATIENCE_MS                                                                                \
	100 /* a holder on the loop is done in one; nobody's loop may hang on another's */

static int path_of(const char *dir, const char *file, char ret[PATH_MAX], struct errbuf *err)
{
	int n = snprintf(ret, PATH_MAX, "%s/%s", dir, file);

	if (n < 0 || n >= PATH_MAX)
		return errbuf_set(err, -ENAMETOOLONG, "state_dir is too long a path");
	return 0;
}

static int take_lock(int fd, unsigned patience_ms)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };

	for (unsigned waited = 0;; waited += RETRY_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (waited >= patience_ms)
			return -EAGAIN;
		nanosleep(&pause, NULL);
	}
}

int state_lock(const char *dir, const char *file, unsigned patience_ms, int *ret_fd,
               struct errbuf *err)
{
	CLEANUP(close_p) int fd = -1;
	char path[PATH_MAX];
	int r = path_of(dir, file, path, err);

	if (r < 0)
		return r;
	r = file_make_dirs(dir, 0750);
	if (r < 0)
		return errbuf_set(err, r, "could not make the state folder \"%s\": %s", dir,
		                  strerror(-r));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return errbuf_set(err, -errno, "could not open \"%s\": %s", path, strerror(errno));
	r = take_lock(fd, patience_ms);
	if (r < 0)
		return errbuf_set(err, r, "could not lock \"%s\": %s", path,
		                  r == -EAGAIN ? "another process holds it" : strerror(-r));
	*ret_fd = take_fd(&fd);
	return 0;
}

/* The first line of the file, without its end; -ENOENT. */
static int read_line(const char *path, char ret[SMALL_FILE], struct errbuf *err)
{
	CLEANUP(free_p) char *text = NULL;
	size_t n = 0;
	int r = file_read(AT_FDCWD, path, SMALL_FILE - 1, &text, &n);

	if (r == -ENOENT)
		return r;
	if (r < 0)
		return errbuf_set(err, r, "could not read \"%s\": %s", path, strerror(-r));
	if (n == 0 || text[n - 1] != '\n' || strlen(text) != n ||
	    strchr(text, '\n') != text + n - 1)
		return errbuf_set(err, -EBADMSG, "\"%s\" is not one line", path);
	memcpy(ret, text, n - 1);
	ret[n - 1] = '\0';
	return 0;
}

static int write_line(const char *path, const char *text, struct errbuf *err)
{
	char line[SMALL_FILE];
	int n = snprintf(line, sizeof(line), "%s\n", text);
	int r = n > 0 && (size_t)n < sizeof(line) ? 0 : -E2BIG;

	if (r == 0)
		r = file_write(AT_FDCWD, path, (struct str){ line, (size_t)n }, 0640);
	if (r < 0)
		return errbuf_set(err, r, "could not write \"%s\": %s", path, strerror(-r));
	return 0;
}

static int read_counter(const char *path, uint64_t *ret, struct errbuf *err)
{
	unsigned long long number = 0;
	char line[SMALL_FILE];
	int r = read_line(path, line, err);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && str_to_u64(str_of(line), &number) < 0)
		return errbuf_set(err, -EBADMSG,
		                  "\"%s\" holds no generation: write a number there that was never "
		                  "in use",
		                  path);
	*ret = number;
	return 0;
}

int state_next_generation(const char *dir, uint64_t floor, uint64_t *ret, struct errbuf *err)
{
	CLEANUP(close_p) int lock = -1;
	char path[PATH_MAX], text[32];
	uint64_t last = 0;
	int r = path_of(dir, "generation", path, err);

	if (r == 0)
		r = state_lock(dir, STATE_LOCK, PATIENCE_MS, &lock, err);
	if (r == 0)
		r = read_counter(path, &last, err);
	if (r < 0)
		return r;
	if (last < floor)
		last = floor;
	if (last == UINT64_MAX)
		return errbuf_set(err, -ERANGE, "\"%s\" is at its end", path);
	snprintf(text, sizeof(text), "%" PRIu64, last + 1);
	r = write_line(path, text, err);
	if (r == 0)
		*ret = last + 1;
	return r;
}

int state_read_pin(const char *dir, const char *name, char ret[MESSAGE_NAME], struct errbuf *err)
{
	char path[PATH_MAX], line[SMALL_FILE];
	const char *version;
	int r = path_of(dir, "pin", path, err);

	if (r < 0)
		return r;
	memset(ret, 0, MESSAGE_NAME);
	r = read_line(path, line, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	version = strchr(line, ' ');
	if (!version || strlen(version + 1) >= MESSAGE_NAME)
		return errbuf_set(err, -EBADMSG, "\"%s\" is no pin: \"fraudctl unpin\" ends it",
		                  path);
	/* A pin of another model waits until models.name says that one again. */
	if ((size_t)(version - line) == strlen(name) && strncmp(line, name, strlen(name)) == 0)
		memcpy(ret, version + 1, strlen(version + 1));
	return 0;
}

int state_write_pin(const char *dir, const char *name, const char *version, struct errbuf *err)
{
	CLEANUP(close_p) int lock = -1;
	char path[PATH_MAX], line[2 * MESSAGE_NAME];
	int r = path_of(dir, "pin", path, err);

	if (r == 0)
		r = state_lock(dir, STATE_LOCK, PATIENCE_MS, &lock, err);
	if (r < 0)
		return r;
	if (*version) {
		snprintf(line, sizeof(line), "%s %s", name, version);
		return write_line(path, line, err);
	}
	if (unlink(path) < 0 && errno != ENOENT)
		return errbuf_set(err, -errno, "could not remove \"%s\": %s", path,
		                  strerror(errno));
	r = file_sync_parent(path);
	return r < 0 ? errbuf_set(err, r, "could not sync \"%s\": %s", dir, strerror(-r)) : 0;
}
