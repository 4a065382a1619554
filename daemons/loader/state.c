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

#define COUNTER "generation"
#define PIN "pin"
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

/* Words name the file by the setting, not by its path: they go to /health. */
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
		return errbuf_set(err, r, "could not make state_dir: %s", strerror(-r));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return errbuf_set(err, -errno, "could not open state_dir/%s: %s", file,
		                  strerror(errno));
	r = take_lock(fd, patience_ms);
	if (r < 0)
		return errbuf_set(err, r, "could not lock state_dir/%s: %s", file,
		                  r == -EAGAIN ? "another process holds it" : strerror(-r));
	*ret_fd = take_fd(&fd);
	return 0;
}

/* The first line of the file, without its end; -ENOENT. */
static int read_line(const char *dir, const char *file, char ret[SMALL_FILE], struct errbuf *err)
{
	CLEANUP(free_p) char *text = NULL;
	char path[PATH_MAX];
	size_t n = 0;
	int r = path_of(dir, file, path, err);

	if (r < 0)
		return r;
	r = file_read(AT_FDCWD, path, SMALL_FILE - 1, &text, &n);
	if (r == -ENOENT)
		return r;
	if (r < 0)
		return errbuf_set(err, r, "could not read state_dir/%s: %s", file, strerror(-r));
	if (n == 0 || strlen(text) != n || strchr(text, '\n') != text + n - 1)
		return errbuf_set(err, -EBADMSG, "state_dir/%s is not one line", file);
	memcpy(ret, text, n - 1);
	ret[n - 1] = '\0';
	return 0;
}

static int write_line(const char *dir, const char *file, const char *text, struct errbuf *err)
{
	char path[PATH_MAX], line[SMALL_FILE];
	int n = snprintf(line, sizeof(line), "%s\n", text);
	int r = path_of(dir, file, path, err);

	if (r < 0)
		return r;
	if (n < 0 || (size_t)n >= sizeof(line))
		r = -E2BIG;
	else
		r = file_write(AT_FDCWD, path, (struct str){ line, (size_t)n }, 0640);
	if (r < 0)
		return errbuf_set(err, r, "could not write state_dir/%s: %s", file, strerror(-r));
	return 0;
}

static int read_counter(const char *dir, uint64_t *ret, struct errbuf *err)
{
	unsigned long long number = 0;
	char line[SMALL_FILE];
	int r = read_line(dir, COUNTER, line, err);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && str_to_u64(str_of(line), &number) < 0)
		return errbuf_set(err, -EBADMSG,
		                  "state_dir/" COUNTER " holds no generation: write a number there "
		                  "that was never in use");
	*ret = number;
	return 0;
}

int state_next_generation(const char *dir, uint64_t floor, uint64_t *ret, struct errbuf *err)
{
	CLEANUP(close_p) int lock = -1;
	uint64_t last = 0;
	char text[32];
	int r = state_lock(dir, STATE_LOCK, PATIENCE_MS, &lock, err);

	if (r == 0)
		r = read_counter(dir, &last, err);
	if (r < 0)
		return r;
	if (last < floor)
		last = floor;
	if (last == UINT64_MAX)
		return errbuf_set(err, -ERANGE, "state_dir/" COUNTER " is at its end");
	snprintf(text, sizeof(text), "%" PRIu64, last + 1);
	r = write_line(dir, COUNTER, text, err);
	if (r == 0)
		*ret = last + 1;
	return r;
}

int state_read_pin(const char *dir, const char *name, char ret[MESSAGE_NAME], struct errbuf *err)
{
	char line[SMALL_FILE];
	const char *version;
	int r;

	memset(ret, 0, MESSAGE_NAME);
	r = read_line(dir, PIN, line, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	version = strchr(line, ' ');
	if (!version || strlen(version + 1) >= MESSAGE_NAME)
		return errbuf_set(err, -EBADMSG,
		                  "state_dir/" PIN " holds no pin: \"fraudctl unpin\" ends it");
	/* A pin of another model waits until models.name says that one again. */
	if ((size_t)(version - line) == strlen(name) && strncmp(line, name, strlen(name)) == 0)
		memcpy(ret, version + 1, strlen(version + 1));
	return 0;
}

static int remove_file(const char *dir, const char *file, struct errbuf *err)
{
	char path[PATH_MAX];
	int r = path_of(dir, file, path, err);

	if (r < 0)
		return r;
	if (unlink(path) < 0 && errno != ENOENT)
		return errbuf_set(err, -errno, "could not remove state_dir/%s: %s", file,
		                  strerror(errno));
	r = file_sync_parent(path);
	return r < 0 ? errbuf_set(err, r, "could not sync state_dir: %s", strerror(-r)) : 0;
}

int state_write_pin(const char *dir, const char *name, const char *version, struct errbuf *err)
{
	CLEANUP(close_p) int lock = -1;
	char line[2 * MESSAGE_NAME];
	int r = state_lock(dir, STATE_LOCK, PATIENCE_MS, &lock, err);

	if (r < 0)
		return r;
	if (!*version)
		return remove_file(dir, PIN, err);
	snprintf(line, sizeof(line), "%s %s", name, version);
	return write_line(dir, PIN, line, err);
}
