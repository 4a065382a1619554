/*
 * How every process of the suite is born, daemons and jobs alike: fork, exec, and between them only
 * what makes the child independent of its parent: signals as in a fresh process, stdin closed off,
 * the given descriptors in order, everything else gone. Called by the supervisor and by job.c.
 *
 * All signals are blocked around fork: a signal that reached the child while it still had the
 * parent's handlers would be written to the parent's own signal pipe.
 */
#include "daemon/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIRST_FD 3
#define MAX_FDS 8

static void reset_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The wanted descriptors first move out of the way, for one may stand where another belongs. */
static int arrange_fds(const struct spawn_options *o)
{
	int high[MAX_FDS];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return -errno;
	if (o->stderr_fd >= 0 && dup2(o->stderr_fd, STDERR_FILENO) < 0)
		return -errno;
	for (size_t i = 0; i < o->fd_count; i++) {
		high[i] = fcntl(o->fds[i], F_DUPFD_CLOEXEC, FIRST_FD + MAX_FDS);
		if (high[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < o->fd_count; i++)
		if (dup2(high[i], FIRST_FD + (int)i) < 0)
			return -errno;
	if (close_range(FIRST_FD + (unsigned)o->fd_count, ~0U, 0) < 0)
		return -errno;
	return 0;
}

/* The log is not for the child of a fork: its lock and its ring are the parent's. */
static void complain(const char *what, const char *path)
{
	const char *reason = strerrordesc_np(errno);

	dprintf(STDERR_FILENO, "could not %s \"%s\": %s\n", what, path, reason ? reason : "?");
}

static void become(const struct spawn_options *o)
{
	int r;

	reset_signals();
	r = arrange_fds(o);
	if (r == 0 && o->before_exec)
		r = o->before_exec(o->self);
	if (r < 0) {
		errno = -r;
		complain("prepare", o->path);
		_exit(126);
	}
	execve(o->path, (char *const *)o->argv, o->env);
	complain("execute", o->path);
	_exit(127);
}

int spawn(const struct spawn_options *o, pid_t *ret_pid)
{
	sigset_t all, before;
	pid_t pid;
	int r = 0;

	if (o->fd_count > MAX_FDS)
		return -E2BIG;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		become(o);
	if (pid < 0)
		r = -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		*ret_pid = pid;
	return r;
}

int spawn_path(const char *name, char *ret, size_t room)
{
	char own[4096];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;
	int length;

	if (n < 0)
		return -errno;
	own[n] = '\0';
	slash = strrchr(own, '/');
	if (!slash)
		return -ENOENT;
	length = snprintf(ret, room, "%.*s/%s", (int)(slash - own), own, name);
	if (length < 0 || (size_t)length >= room)
		return -ENAMETOOLONG;
	return access(ret, X_OK) < 0 ? -errno : 0;
}
