/*
 * The supervisor's claims on its host: sockets that systemd holds for it, the folder that is its
 * alone, the descriptor limit. Each is called once by main(), before the loop.
 */
#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

static const char *const variables[3] = { "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES" };

int runtime_inherit(struct sdnotify_fd *ret, size_t room, struct errbuf *err)
{
	const char *values[3];
	int n;

	for (unsigned i = 0; i < 3; i++)
		values[i] = getenv(variables[i]);
	n = sdnotify_listen_fds(values, getpid(), ret, room);
	if (n < 0)
		return errbuf_set(err, n, "LISTEN_FDS and LISTEN_FDNAMES contradict each other");
	for (int i = 0; i < n; i++)
		if (fcntl(ret[i].fd, F_SETFD, FD_CLOEXEC) < 0)
			return errbuf_set(err, -errno,
			                  "LISTEN_FDS names a descriptor that is not open");
	for (unsigned i = 0; i < 3; i++)
		unsetenv(variables[i]);
	return n;
}

int runtime_lock(const char *runtime_dir, int *ret_fd, struct errbuf *err)
{
	CLEANUP(close_p) int fd = -1;
	char path[PATH_MAX];
	int r = file_make_dirs(runtime_dir, 0750);

	if (r < 0)
		return errbuf_set(err, r, "could not make runtime_dir \"%s\": %s", runtime_dir,
		                  strerror(-r));
	snprintf(path, sizeof(path), "%s/lock", runtime_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return errbuf_set(err, -errno, "could not open \"%s\": %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errbuf_set(err, -errno, "another fraudd runs with runtime_dir \"%s\"",
		                  runtime_dir);
	*ret_fd = take_fd(&fd);
	return 0;
}

void runtime_raise_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}
