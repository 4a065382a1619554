/* What a function writes to its standard output and error, taken from a child process, so that it
 * may change what a process has once: the log, getopt's state, the working folder. */
#ifndef TEST_CAPTURE_H
#define TEST_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

/* Runs fn(argument) in a child and puts what it wrote into ret; returns its exit status. */
static inline int capture(int (*fn)(const void *), const void *argument, char *ret, size_t room)
{
	size_t n = 0;
	ssize_t got;
	int status;
	int ends[2];
	pid_t pid;

	if (pipe(ends) < 0)
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		status = fn(argument);
		fflush(NULL);
		_exit(status);
	}
	close(ends[1]);
	while (n + 1 < room && (got = read(ends[0], ret + n, room - 1 - n)) > 0)
		n += (size_t)got;
	ret[n] = '\0';
	close(ends[0]);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

#endif
