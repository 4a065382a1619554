/*
 * A child that does one thing and ends: the compile child of the loader, batch and train jobs of
 * the scheduler. Fork and exec, its channel or nothing on fd 3, a deadline, limits, its stderr as
 * log lines of the caller, its exit status by callback. Never blocks.
 */
#ifndef DAEMON_JOB_H
#define DAEMON_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct job;

struct job_limits {
	uint64_t memory_bytes; /* RLIMIT_DATA in the release preset; 0 = none */
	uint64_t file_bytes;   /* RLIMIT_FSIZE; 0 = none */
	uint32_t cpu_seconds;  /* RLIMIT_CPU; 0 = none */
	uint32_t deadline_ms;  /* SIGTERM, later SIGKILL; 0 = none */
	uint32_t leave_ms;     /* between the two; 0 = two seconds */
	int nice;
	bool no_network; /* seccomp: socket() and connect() fail with EPERM */
};

struct job_options {
	const char *name;        /* for log lines */
	const char *const *argv; /* argv[0] is looked up beside this program, not in PATH */
	const char *const *env;  /* additions to the cleaned environment, or NULL */
	/* what the child finds at 3, 4, …: borrowed */
	const int *fds;
	size_t fd_count;
	struct job_limits limits;
	/* A whole line of its stderr (no newline); NULL: it goes to this program's stderr. */
	void (*on_line)(void *self, const char *line);
	/* status as wait(2) gives it; timed_out when the deadline ended it. The job is freed after.
	 */
	void (*on_end)(void *self, int status, bool timed_out);
	void *self;
};

int job_start(struct event_base *base, const struct job_options *o, struct job **ret);
/* SIGTERM, later SIGKILL; on_end still comes. */
void job_stop(struct job *j);
/* For who leaves the loop: ends it here and now, on_end does not come. Safe on NULL. */
void job_abandon(struct job *j);
int job_pid(const struct job *j);

#endif
