/* Jobs as real processes: their lines, their limits, their ends. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "daemon/job.h"
#include "daemon/loop.h"

static struct {
	struct event_base *base;
	struct job *job;
	struct strbuf lines; /* each in brackets */
	size_t longest;
	int status, ends;
	bool timed_out, stop_at_line;
} t;

static int setup(void **unused)
{
	(void)unused;
	memset(&t, 0, sizeof(t));
	return loop_new(&t.base);
}

static int teardown(void **unused)
{
	(void)unused;
	strbuf_done(&t.lines);
	loop_free(t.base);
	return 0;
}

static void on_line(void *self, const char *line)
{
	size_t n = strlen(line);

	(void)self;
	if (n > t.longest)
		t.longest = n;
	strbuf_addf(&t.lines, "[%.40s]", line);
	if (t.stop_at_line)
		job_stop(t.job);
}

static void on_end(void *self, int status, bool timed_out)
{
	(void)self;
	t.ends++;
	t.status = status;
	t.timed_out = timed_out;
	loop_break(t.base);
}

static void run(struct job_options o, const char *what)
{
	const char *argv[] = { "job_child", what, NULL };

	o.name = what;
	o.argv = argv;
	o.on_line = on_line;
	o.on_end = on_end;
	assert_int_equal(job_start(t.base, &o, &t.job), 0);
	assert_true(job_pid(t.job) > 0);
	assert_int_equal(loop_run(t.base), 0);
	assert_int_equal(t.ends, 1);
}

static void lines_and_status(void **unused)
{
	(void)unused;
	run((struct job_options){ 0 }, "lines");
	assert_true(WIFEXITED(t.status) && WEXITSTATUS(t.status) == 3);
	assert_false(t.timed_out);
	assert_string_equal(t.lines.p,
	                    "[one][two][][four][xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx]"
	                    "[xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx][last without end]");
	assert_int_equal(t.longest, 4096);
}

static void deadline(void **unused)
{
	(void)unused;
	run((struct job_options){ .limits = { .deadline_ms = 50 } }, "sleep");
	assert_true(t.timed_out);
	assert_true(WIFSIGNALED(t.status) && WTERMSIG(t.status) == SIGTERM);
}

static void deadline_of_a_stubborn_one(void **unused)
{
	(void)unused;
	run((struct job_options){ .limits = { .deadline_ms = 1000 } }, "stubborn");
	assert_true(t.timed_out);
	assert_true(WIFSIGNALED(t.status) && WTERMSIG(t.status) == SIGKILL);
	assert_string_equal(t.lines.p, "[ignoring]");
}

static void stopped(void **unused)
{
	(void)unused;
	t.stop_at_line = true;
	run((struct job_options){ 0 }, "stubborn");
	assert_false(t.timed_out);
	assert_int_equal(WTERMSIG(t.status), SIGKILL);
}

static void crash(void **unused)
{
	(void)unused;
	run((struct job_options){ .limits = { .deadline_ms = 60000 } }, "crash");
	assert_false(t.timed_out);
	assert_int_equal(WTERMSIG(t.status), SIGKILL);
}

static void no_network(void **unused)
{
	(void)unused;
	run((struct job_options){ .limits = { .no_network = true } }, "network");
	assert_true(WIFEXITED(t.status));
	assert_int_equal(WEXITSTATUS(t.status), 0);
}

/* The same job without the jail: the test itself can fail. */
static void network(void **unused)
{
	(void)unused;
	run((struct job_options){ 0 }, "network");
	assert_int_equal(WEXITSTATUS(t.status), 1);
}

static void surroundings(void **unused)
{
	static const char *const env[] = { "OMP_WAIT_POLICY=passive", NULL };
	CLEANUP(close_p) int stray = open("/dev/null", O_RDONLY); /* not close-on-exec */
	int fds[2] = { 4, 3 };

	(void)unused;
	setenv("DATABASE_URL", "hush", 1);
	/* Both stand where the other shall go. */
	assert_true(fcntl(3, F_GETFD) >= 0 && fcntl(4, F_GETFD) >= 0 && stray >= 0);
	run((struct job_options){ .env = env, .fds = fds, .fd_count = 2 }, "surroundings");
	assert_string_equal(t.lines.p, "[fd 3][fd 4][secret unseen][added passive]");
	unsetenv("DATABASE_URL");
}

static void limits(void **unused)
{
	(void)unused;
	run(
	        (struct job_options){
	                .limits = { .file_bytes = 1048576, .cpu_seconds = 77, .nice = 3 } },
	        "limits");
	assert_string_equal(t.lines.p, "[1048576 77 3]");
}

/* With ASan, which reserves terabytes, there is no such limit. */
static void memory(void **unused)
{
#ifdef FRAUDD_SANITIZE
	const int limited = 0;
#else
	const int limited = 1;
#endif

	(void)unused;
	run((struct job_options){ .limits = { .memory_bytes = 64 << 20 } }, "memory");
	assert_int_equal(WEXITSTATUS(t.status), limited);
}

static void program_that_is_missing(void **unused)
{
	const char *argv[] = { "no-such-program", NULL };
	struct job_options o = { .argv = argv, .on_end = on_end };

	(void)unused;
	assert_int_equal(job_start(t.base, &o, &t.job), -ENOENT);
	assert_int_equal(t.ends, 0);
	assert_null(t.job);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(lines_and_status),
		TEST(deadline),
		TEST(deadline_of_a_stubborn_one),
		TEST(stopped),
		TEST(crash),
		TEST(no_network),
		TEST(network),
		TEST(surroundings),
		TEST(limits),
		TEST(memory),
		TEST(program_that_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
