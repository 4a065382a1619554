/* What a line looks like, and that a reader who stopped costs lines but never time. Each case logs
 * in a child process, whose standard error is a pipe or a socket of the test. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "capture.h"

/* The text with "[<digits>]" made "[pid]". */
static void hide_pids(const char *text, struct strbuf *ret)
{
	for (const char *p = text; *p; p++) {
		strbuf_addc(ret, *p);
		if (*p == '[' && p[1] >= '0' && p[1] <= '9') {
			strbuf_adds(ret, "pid");
			p += strspn(p + 1, "0123456789");
		}
	}
}

static void expect_output(int (*fn)(const void *), const void *argument, const char *expected)
{
	struct strbuf shown = { 0 };
	char output[4096] = "";

	assert_int_equal(capture(fn, argument, output, sizeof(output)), 0);
	hide_pids(output, &shown);
	assert_string_equal(shown.p, expected);
	strbuf_done(&shown);
}

static int before_open(const void *unused)
{
	(void)unused;
	log_info("read %d rows", 3);
	log_debug("not shown");
	return log_error(-ENOENT, "could not open \"%s\"", "x") != -ENOENT;
}

static int after_open(const void *unused)
{
	(void)unused;
	log_open("front", LOG_LEVEL_DEBUG);
	errno = 77;
	if (log_error(-ENOENT, "could not open model \"%s\"", "m") != -ENOENT)
		return 1;
	if (log_error(0, "bad thing") != 0 || log_warning(-EAGAIN, "slow") != -EAGAIN)
		return 1;
	log_error(-9999, "odd");
	log_info("up");
	log_debug("detail");
	return errno != 77;
}

static int levels(const void *unused)
{
	(void)unused;
	log_open("x", LOG_LEVEL_WARNING);
	log_info("hidden");
	log_warning(0, "shown");
	log_set_level(LOG_LEVEL_ERROR);
	log_warning(0, "hidden");
	log_error(0, "shown");
	log_set_level(LOG_LEVEL_INFO);
	log_debug("hidden");
	log_info("shown");
	return log_get_level() != LOG_LEVEL_INFO;
}

static void lines(void **unused)
{
	(void)unused;
	expect_output(before_open, NULL,
	              "read 3 rows\ncould not open \"x\": No such file or directory\n");
	expect_output(after_open, NULL,
	              "error front[pid] could not open model \"m\": No such file or directory\n"
	              "error front[pid] bad thing\n"
	              "warning front[pid] slow: Resource temporarily unavailable\n"
	              "error front[pid] odd: error -9999\n"
	              "info front[pid] up\n"
	              "debug front[pid] detail\n");
	expect_output(levels, NULL,
	              "warning x[pid] shown\nerror x[pid] shown\ninfo x[pid] shown\n");
}

static int log_text(const void *text)
{
	log_info("<%s>", (const char *)text);
	return 0;
}

static void escapes(void **unused)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{ "plain \"quoted\" \\ text", "<plain \"quoted\" \\ text>\n" },
		{ "two\nlines\r\n", "<two\\x0alines\\x0d\\x0a>\n" },
		{ "\x1b[31m\t\x7f", "<\\x1b[31m\\x09\\x7f>\n" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		  "<\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80>\n" },
		{ "a\xff\xc3z", "<a\\xff\\xc3z>\n" },
		{ "\xed\xa0\x80", "<\\xed\\xa0\\x80>\n" },
		{ "\xe2\x82", "<\\xe2\\x82>\n" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char output[256];

		capture(log_text, cases[i].text, output, sizeof(output));
		if (strcmp(output, cases[i].line) != 0)
			fail_msg("case %zu: %s", i, output);
	}
}

static int log_long(const void *unit)
{
	struct strbuf text = { 0 };

	while (text.n < 20000)
		strbuf_adds(&text, unit);
	log_open("x", LOG_LEVEL_INFO);
	log_error(-ENOMEM, "%s", text.p);
	strbuf_done(&text);
	return 0;
}

/* One line of at most PIPE_BUF bytes, of whole characters and escapes, with its reason. */
static void long_lines(void **unused)
{
	static const char *const cases[] = { "x", "\xe2\x82\xac", "\n", "\xff" };

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static char output[30000];
		size_t n;

		capture(log_long, cases[i], output, sizeof(output));
		n = strlen(output);
		if (n < 1000 || n > 4096 || strchr(output, '\n') != output + n - 1)
			fail_msg("case %zu: %zu bytes", i, n);
		if (!str_is_utf8(str_of(output)))
			fail_msg("case %zu: no UTF-8", i);
		if (!strstr(output, ": Cannot allocate memory\n"))
			fail_msg("case %zu: no reason", i);
	}
}

static int log_limited(const void *unused)
{
	struct log_limit hourly = { 0 }, never = { 0 };

	(void)unused;
	for (int i = 0; i < 5; i++) {
		if (log_error_limited(&hourly, 3600, -EIO, "failure %d", i) != -EIO)
			return 1;
	}
	log_error_limited(&never, 0, 0, "unlimited");
	hourly.next_ns = 0;
	log_error_limited(&hourly, 3600, -EIO, "failure 5");
	hourly.next_ns = 0;
	log_error_limited(&hourly, 3600, 0, "failure 6");
	return 0;
}

static void repeated_failures(void **unused)
{
	(void)unused;
	expect_output(log_limited, NULL,
	              "failure 0: Input/output error\n"
	              "unlimited\n"
	              "failure 5: Input/output error (4 more since the last line)\n"
	              "failure 6\n");
}

static void flush_all(void)
{
	struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };

	while (log_flush())
		poll(&room, 1, -1);
}

#define LINES 5000

/* The child of stopped_reader(): logs with nobody reading, reports by `report`, waits for `go`. */
static int log_to_nobody(int report, int go)
{
	uint64_t dropped;
	char byte;

	log_open("x", LOG_LEVEL_INFO);
	if (log_set_nonblocking(16384) < 0 || log_set_nonblocking(16384) != -EALREADY)
		return 1;
	/* The reader's own description must not have become non-blocking. */
	if (fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK)
		return 2;
	for (int i = 0; i < LINES; i++)
		log_info("line %d of many that nobody reads", i);
	dropped = log_dropped();
	if (write(report, &dropped, sizeof(dropped)) != sizeof(dropped))
		return 3;
	if (read(go, &byte, 1) != 1)
		return 4;
	flush_all();
	log_info("after");
	flush_all();
	return log_dropped() != dropped;
}

struct tally {
	int lines, last, notices, after;
	uint64_t said;
};

static void count_line(struct tally *t, const char *line)
{
	const char *text = strstr(line, "] ");
	unsigned long long n;
	int number;

	assert_non_null(text);
	text += 2;
	if (sscanf(text, "line %d of many that nobody reads", &number) == 1) {
		assert_true(number > t->last);
		t->last = number;
		t->lines++;
	} else if (sscanf(text, "%llu log lines were dropped", &n) == 1) {
		t->said += n;
		t->notices++;
	} else {
		assert_string_equal(text, "after\n");
		t->after++;
	}
}

static void stopped_reader(const int ends[2])
{
	int report[2], go[2], status;
	struct tally t = { .last = -1 };
	uint64_t dropped = 0;
	char line[8192];
	FILE *f;
	pid_t pid;

	assert_int_equal(pipe(report), 0);
	assert_int_equal(pipe(go), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		_exit(log_to_nobody(report[1], go[0]));
	}
	close(ends[1]);
	close(report[1]);
	assert_int_equal(file_read_all(report[0], &dropped, sizeof(dropped)), 0);
	assert_int_equal(write(go[1], "g", 1), 1);
	f = fdopen(ends[0], "r");
	while (fgets(line, sizeof(line), f))
		count_line(&t, line);
	fclose(f);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(dropped > 0);
	assert_int_equal(t.said, dropped);
	assert_int_equal(t.lines + (int)dropped, LINES);
	assert_int_equal(t.after, 1);
	assert_true(t.notices >= 1);
	close(report[0]);
	close(go[0]);
	close(go[1]);
}

static void stopped_reader_of_a_pipe(void **unused)
{
	int ends[2];

	(void)unused;
	assert_int_equal(pipe(ends), 0);
	stopped_reader(ends);
}

/* A socket cannot be opened anew through /proc: the way that asks before each write. */
static void stopped_reader_of_a_socket(void **unused)
{
	int ends[2];

	(void)unused;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	stopped_reader(ends);
}

static int log_to_the_gone(const void *unused)
{
	int ends[2];

	(void)unused;
	signal(SIGPIPE, SIG_IGN);
	if (pipe(ends) < 0 || dup2(ends[1], STDERR_FILENO) < 0)
		return 1;
	log_open("x", LOG_LEVEL_INFO);
	if (log_set_nonblocking(0) < 0)
		return 2;
	close(ends[0]);
	for (int i = 0; i < LINES; i++)
		log_info("line %d", i);
	return log_flush();
}

static void reader_is_gone(void **unused)
{
	char output[64];

	(void)unused;
	assert_int_equal(capture(log_to_the_gone, NULL, output, sizeof(output)), 0);
}

static int log_as_two(const void *unused)
{
	pid_t pid = fork();
	int status = 0;

	(void)unused;
	log_open(pid ? "parent" : "child", LOG_LEVEL_INFO);
	if (log_set_nonblocking(1 << 20) < 0)
		return 1;
	for (int i = 0; i < 2000; i++)
		log_info("a line of which no part may stand inside another's: %d.", i);
	flush_all();
	if (pid == 0)
		_exit(0);
	waitpid(pid, &status, 0);
	return status;
}

static void lines_of_two_do_not_mix(void **unused)
{
	static char output[1 << 20];
	unsigned count = 0;

	(void)unused;
	assert_int_equal(capture(log_as_two, NULL, output, sizeof(output)), 0);
	for (char *line = strtok(output, "\n"); line; line = strtok(NULL, "\n"), count++) {
		char name[16];
		int pid, n;

		if (sscanf(line,
		           "info %15[a-z][%d] a line of which no part may stand inside "
		           "another's: %d.",
		           name, &pid, &n) != 3 ||
		    line[strlen(line) - 1] != '.')
			fail_msg("line %u: %s", count, line);
	}
	assert_int_equal(count, 4000);
}

/* Another process's journal stream in the environment is not ours. */
static int log_with_foreign_stream(const void *unused)
{
	(void)unused;
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_open("x", LOG_LEVEL_INFO);
	log_info("plain");
	return 0;
}

static void foreign_journal_stream(void **unused)
{
	(void)unused;
	expect_output(log_with_foreign_stream, NULL, "info x[pid] plain\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(escapes),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(repeated_failures),
		cmocka_unit_test(stopped_reader_of_a_pipe),
		cmocka_unit_test(stopped_reader_of_a_socket),
		cmocka_unit_test(reader_is_gone),
		cmocka_unit_test(lines_of_two_do_not_mix),
		cmocka_unit_test(foreign_journal_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
