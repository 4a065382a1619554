/*
 * A job on the loop. Three things are watched: its pidfd (it ended), its stderr (it says something)
 * and its deadline. The pidfd makes a job independent of SIGCHLD, so that the library and the
 * supervisor's reaping of everything never meet.
 *
 * Invariant: on_end comes once, after the last on_line; then the job is gone. A job does not
 * outlive its parent: the kernel ends it (PR_SET_PDEATHSIG).
 */
#include "daemon/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/environment.h"
#include "daemon/jail.h"
#include "daemon/loop.h"
#include "daemon/spawn.h"

#define LINE_MAX_BYTES 4096 /* a longer line is cut into several */
#define LEAVE_MS 2000
#define READS_A_TURN 16

struct job {
	struct job_options options; /* on_line, on_end, self: the rest is borrowed for the start */
	struct loop_watch *ended, *said;
	struct loop_timer *deadline;
	pid_t pid;
	int pidfd, stderr_fd;
	uint32_t leave_ms; /* between SIGTERM and SIGKILL */
	bool asked;        /* SIGTERM was sent */
	bool timed_out;
	size_t used;
	char line[LINE_MAX_BYTES + 1];
};

static void job_free(struct job *j)
{
	loop_watch_free(j->ended);
	loop_watch_free(j->said);
	loop_timer_free(j->deadline);
	if (j->pidfd >= 0)
		close(j->pidfd);
	if (j->stderr_fd >= 0)
		close(j->stderr_fd);
	free(j);
}

static void emit_line(struct job *j, size_t n)
{
	j->line[n] = '\0';
	j->options.on_line(j->options.self, j->line);
}

/* Every whole line in the buffer; what has no end yet moves to the front. */
static void emit_lines(struct job *j)
{
	char *start = j->line, *end = j->line + j->used;
	char *newline;

	while ((newline = memchr(start, '\n', (size_t)(end - start)))) {
		*newline = '\0';
		j->options.on_line(j->options.self, start);
		start = newline + 1;
	}
	j->used = (size_t)(end - start);
	memmove(j->line, start, j->used);
	if (j->used == LINE_MAX_BYTES) {
		emit_line(j, j->used);
		j->used = 0;
	}
}

/* Bytes read; 0: nothing more comes; -EAGAIN: nothing now. */
static ssize_t read_stderr(struct job *j)
{
	ssize_t n;

	do
		n = read(j->stderr_fd, j->line + j->used, LINE_MAX_BYTES - j->used);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	j->used += (size_t)n;
	emit_lines(j);
	return n;
}

static void on_stderr(void *self)
{
	struct job *j = self;
	ssize_t n = 1;

	for (unsigned i = 0; i < READS_A_TURN && n > 0; i++)
		n = read_stderr(j);
	if (n <= 0 && n != -EAGAIN)
		loop_watch_enable(j->said, 0);
}

/* A grandchild may hold the pipe open for ever: what is there now is what the job said. */
static void read_rest(struct job *j)
{
	size_t limit = 256;

	while (limit-- > 0 && read_stderr(j) > 0)
		;
	if (j->used > 0)
		emit_line(j, j->used);
}

static void on_ended(void *self)
{
	struct job *j = self;
	struct job_options o = j->options;
	bool timed_out = j->timed_out;
	int status;

	if (waitpid(j->pid, &status, WNOHANG) != j->pid)
		return;
	if (j->stderr_fd >= 0)
		read_rest(j);
	job_free(j);
	o.on_end(o.self, status, timed_out);
}

static void press(struct job *j)
{
	pidfd_send_signal(j->pidfd, j->asked ? SIGKILL : SIGTERM, NULL, 0);
	if (!j->asked)
		loop_timer_arm(j->deadline, j->leave_ms);
	j->asked = true;
}

static void on_deadline(void *self)
{
	struct job *j = self;

	j->timed_out = j->timed_out || !j->asked;
	press(j);
}

void job_stop(struct job *j)
{
	if (!j->asked)
		press(j);
}

int job_pid(const struct job *j)
{
	return j->pid;
}

static int limit(int resource, uint64_t value)
{
	struct rlimit r = { value, value };

	return value && setrlimit((__rlimit_resource_t)resource, &r) < 0 ? -errno : 0;
}

struct preparation {
	const struct job_limits *limits;
	pid_t parent;
};

static int prepare(void *self)
{
	const struct preparation *p = self;
	const struct job_limits *l = p->limits;
	int r = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	if (l->nice && setpriority(PRIO_PROCESS, 0, l->nice) < 0)
		return -errno;
	if (getppid() != p->parent)
		return -ESRCH;
#ifndef FRAUDD_SANITIZE
	/* ASan reserves terabytes, so a limit on memory is for builds without it. */
	r = limit(RLIMIT_DATA, l->memory_bytes);
#endif
	if (r == 0)
		r = limit(RLIMIT_FSIZE, l->file_bytes);
	if (r == 0)
		r = limit(RLIMIT_CPU, l->cpu_seconds);
	if (r == 0 && l->no_network)
		r = jail_no_network();
	return r;
}

static int run(struct job *j, const struct job_options *o, int stderr_fd)
{
	struct preparation preparation = { &o->limits, getpid() };
	struct spawn_options s = {
		.argv = o->argv,
		.fds = o->fds,
		.fd_count = o->fd_count,
		.stderr_fd = stderr_fd,
		.before_exec = prepare,
		.self = &preparation,
	};
	CLEANUP(free_p) char **env = NULL;
	char path[4096];
	int r;

	r = spawn_path(o->argv[0], path, sizeof(path));
	if (r < 0)
		return r;
	r = environment_new(o->env, &env);
	if (r < 0)
		return r;
	s.path = path;
	s.env = env;
	r = spawn(&s, &j->pid);
	if (r < 0)
		return r;
	j->pidfd = pidfd_open(j->pid, 0);
	return j->pidfd < 0 ? -errno : 0;
}

static int watch(struct event_base *base, struct job *j)
{
	int r = loop_watch_new(base, j->pidfd, 0, on_ended, j, &j->ended);

	if (r == 0 && j->stderr_fd >= 0)
		r = loop_watch_new(base, j->stderr_fd, 0, on_stderr, j, &j->said);
	if (r == 0 && j->options.limits.deadline_ms)
		loop_timer_arm(j->deadline, j->options.limits.deadline_ms);
	return r;
}

void job_abandon(struct job *j)
{
	if (!j)
		return;
	if (j->pid > 0) {
		kill(j->pid, SIGKILL);
		waitpid(j->pid, NULL, 0);
	}
	job_free(j);
}

/* Only our end does not block: a job that writes faster than we read waits. */
static int open_pipe(struct job *j, int *ret_write_end)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	j->stderr_fd = ends[0];
	*ret_write_end = ends[1];
	return fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

int job_start(struct event_base *base, const struct job_options *o, struct job **ret)
{
	CLEANUP(close_p) int write_end = -1;
	struct job *j = calloc(1, sizeof(*j));
	int r;

	if (!j)
		return -ENOMEM;
	j->options = *o;
	j->pidfd = j->stderr_fd = -1;
	j->leave_ms = o->limits.leave_ms ? o->limits.leave_ms : LEAVE_MS;
	r = loop_timer_new(base, on_deadline, j, &j->deadline);
	if (r == 0 && o->on_line)
		r = open_pipe(j, &write_end);
	if (r == 0)
		r = run(j, o, write_end);
	if (r == 0)
		r = watch(base, j);
	if (r < 0) {
		/* Half-way: nobody else knows the process. */
		job_abandon(j);
		return r;
	}
	*ret = j;
	return 0;
}
