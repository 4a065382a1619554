/* Starting and asking a real fraudd. Everything that can fail fails the test at once. */
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"

static void copy_program(const char *from, const char *dir, const char *name)
{
	CLEANUP(close_p) int in = open(from, O_RDONLY | O_CLOEXEC);
	CLEANUP(close_p) int out = -1;
	struct stat st = { 0 };
	char to[256];
	off_t at = 0;

	snprintf(to, sizeof(to), "%s/%s", dir, name);
	out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_true(in >= 0 && out >= 0 && fstat(in, &st) == 0);
	while (at < st.st_size)
		assert_true(sendfile(out, in, &at, (size_t)(st.st_size - at)) > 0);
}

void suite_write_settings(const struct suite *s, const char *yaml)
{
	char path[256], text[4096];
	int n = snprintf(
	        text, sizeof(text),
	        "auth: {enabled: false}\nruntime_dir: %s/run\nstate_dir: %s/state\nlisteners:\n"
	        "  - address: 127.0.0.1:0\n%s",
	        s->dir, s->dir, yaml);

	snprintf(path, sizeof(path), "%s/fraudd.yaml", s->dir);
	assert_true(n > 0 && (size_t)n < sizeof(text));
	assert_int_equal(file_write(AT_FDCWD, path, str_of(text), 0600), 0);
}

/* Between fork and exec: what systemd would have prepared. */
static void become_service(const struct suite *s)
{
	int high[SUITE_MAX_GIVEN];
	char number[24];

	if (s->notify_socket)
		setenv("NOTIFY_SOCKET", s->notify_socket, 1);
	if (s->given_count == 0)
		return;
	for (unsigned i = 0; i < s->given_count; i++)
		high[i] = fcntl(s->given[i], F_DUPFD_CLOEXEC, 100);
	for (unsigned i = 0; i < s->given_count; i++)
		dup2(high[i], 3 + (int)i);
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	snprintf(number, sizeof(number), "%u", s->given_count);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", s->given_names, 1);
}

static void become_fraudd(const struct suite *s)
{
	char program[256], config[256];

	snprintf(program, sizeof(program), "%s/fraudd", s->dir);
	snprintf(config, sizeof(config), "%s/fraudd.yaml", s->dir);
	dup2(s->log_fd, STDERR_FILENO);
	become_service(s);
	execl(program, "fraudd", "--config", config, (char *)NULL);
	_exit(127);
}

void suite_start(struct suite *s, const char *yaml)
{
	char path[256];

	snprintf(s->dir, sizeof(s->dir), "/tmp/fraudd-test-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	copy_program(FRAUDD_BUILD_DIR "/bin/fraudd", s->dir, "fraudd");
	copy_program(FRAUDD_BUILD_DIR "/test/fake_child", s->dir, "fraud-front");
	copy_program(FRAUDD_BUILD_DIR "/test/fake_child", s->dir, "fraud-loader");
	suite_write_settings(s, yaml);
	snprintf(path, sizeof(path), "%s/log", s->dir);
	s->log_fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(s->log_fd >= 0);
	suite_start_again(s);
}

int suite_run(const struct suite *s, const char *words, char *ret, size_t room)
{
	char command[512];
	FILE *f;
	size_t n;
	int status;

	snprintf(command, sizeof(command), "%s/fraudd --config %s/fraudd.yaml %s 2>&1", s->dir,
	         s->dir, words);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(ret, 1, room - 1, f);
	ret[n] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void suite_start_again(struct suite *s)
{
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0)
		become_fraudd(s);
}

int suite_stop(struct suite *s)
{
	int status = -1;

	kill(s->pid, SIGTERM);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	s->pid = 0;
	return status;
}

void suite_remove(struct suite *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	close_p(&s->log_fd);
	file_remove_tree(s->dir);
}

int suite_connect(const struct suite *s)
{
	struct errbuf err = { "" };
	char runtime_dir[128];
	int fd = -1;

	snprintf(runtime_dir, sizeof(runtime_dir), "%s/run", s->dir);
	SUITE_WAIT(control_connect(runtime_dir, &fd, &err) == 0);
	return fd;
}

int suite_status(const struct suite *s, struct msg_status *status,
                 struct msg_status_child *children, size_t room)
{
	CLEANUP(close_p) int fd = suite_connect(s);
	struct errbuf err = { "" };
	int n = control_status(fd, status, children, room, &err);

	if (n < 0)
		fail_msg("%s", err.text);
	return n;
}

struct msg_reload_done suite_reload(const struct suite *s, enum reload_wish wish, uint32_t flags,
                                    const char *version)
{
	CLEANUP(close_p) int fd = suite_connect(s);
	struct msg_reload reload = { .wish = wish, .flags = flags };
	struct errbuf err = { "" };
	struct msg_reload_done done;

	snprintf(reload.version, sizeof(reload.version), "%s", version);
	if (control_reload(fd, &reload, 20000, &done, &err) < 0)
		fail_msg("%s", err.text);
	return done;
}

bool suite_log_contains(const struct suite *s, const char *text)
{
	char log[65536];
	ssize_t n = pread(s->log_fd, log, sizeof(log) - 1, 0);

	log[n > 0 ? n : 0] = '\0';
	return strstr(log, text) != NULL;
}
