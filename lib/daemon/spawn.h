/* Fork and exec of one program of the suite: chosen descriptors from 3 on, nothing else inherited
 * but stdout and stderr. */
#ifndef DAEMON_SPAWN_H
#define DAEMON_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

struct spawn_options {
	const char *path;        /* absolute */
	const char *const *argv; /* ends with NULL */
	char *const *env;        /* environment_new() */
	const int *fds;          /* what the child finds at 3, 4, …: borrowed */
	size_t fd_count;         /* <= 8 */
	int stderr_fd;           /* -1: as ours */
	/* Runs in the child before exec: only system calls. Negative: the child ends with 126. */
	int (*before_exec)(void *self);
	void *self;
};

/* 0 or -errno. That exec failed shows as exit status 127 and a line on stderr. */
int spawn(const struct spawn_options *o, pid_t *ret_pid);

/* The path of a program that is installed beside this one. -ENAMETOOLONG, -ENOENT, -EACCES. */
int spawn_path(const char *name, char *ret, size_t room);

#endif
