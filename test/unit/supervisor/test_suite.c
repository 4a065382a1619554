/* The supervisor against real processes: births, deaths, reloads, the end. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "suite.h"

#define BRIEF "stop: {drain_seconds: 0, timeout_seconds: 5}\nfront: {workers: 2}\n"
#define QUICK BRIEF "services: front, loader\n"

static struct suite suite;

static int setup(void **unused)
{
	(void)unused;
	suite = (struct suite){ .log_fd = -1 };
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	suite_remove(&suite);
	return 0;
}

/* All are up and the newest model is on both workers. */
static bool is_whole(void)
{
	struct msg_status_child c[8];
	struct msg_status st;
	int n = suite_status(&suite, &st, c, 8);

	for (int i = 0; i < n; i++)
		if (strcmp(c[i].state, "up") != 0)
			return false;
	return n == 3 && st.workers == 2 && st.workers_current == 2 && st.generation > 0;
}

static struct msg_status_child child_of(const char *service, unsigned instance)
{
	struct msg_status_child c[8];
	struct msg_status st;
	int n = suite_status(&suite, &st, c, 8);

	for (int i = 0; i < n; i++)
		if (strcmp(c[i].service, service) == 0 && c[i].instance == instance)
			return c[i];
	fail_msg("no %s %u", service, instance);
	return c[0];
}

static void whole_life(void **unused)
{
	struct msg_status st;
	char path[128];
	int status;

	(void)unused;
	suite_start(&suite, QUICK);
	SUITE_WAIT(is_whole());
	SUITE_WAIT(suite_log_contains(&suite, "ready: model \"fraud\" version \"first\""));
	suite_status(&suite, &st, NULL, 0);
	assert_int_equal(st.children, 3);
	assert_string_equal(st.version, "first");
	assert_string_equal(st.registry.kind, "local");
	status = suite_stop(&suite);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(suite_log_contains(&suite, "stopped"));
	assert_false(suite_log_contains(&suite, "ended by"));
	snprintf(path, sizeof(path), "%s/run/control.sock", suite.dir);
	assert_int_equal(access(path, F_OK), -1);
}

static void killed_children_come_back(void **unused)
{
	static const struct {
		const char *service;
		unsigned instance;
		int signal_number;
	} cases[] = {
		{ "front", 0, SIGKILL },  { "front", 1, SIGSEGV }, { "front", 0, SIGTERM },
		{ "loader", 0, SIGKILL }, { "front", 1, SIGKILL },
	};

	(void)unused;
	suite_start(&suite, QUICK);
	SUITE_WAIT(is_whole());
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msg_status_child before = child_of(cases[i].service, cases[i].instance);

		kill(before.pid, cases[i].signal_number);
		SUITE_WAIT(child_of(cases[i].service, cases[i].instance).pid != before.pid &&
		           is_whole());
		if (child_of(cases[i].service, cases[i].instance).restarts != before.restarts + 1)
			fail_msg("case %zu: not one restart", i);
	}
}

static void hung_worker_is_replaced(void **unused)
{
	struct msg_status_child before;

	(void)unused;
	suite_start(&suite, QUICK "supervise: {hang_seconds: 2}\n");
	SUITE_WAIT(is_whole());
	before = child_of("front", 1);
	kill(before.pid, SIGSTOP);
	SUITE_WAIT(child_of("front", 1).pid != before.pid && is_whole());
	assert_true(suite_log_contains(&suite, "killing front 1"));
	assert_int_equal(child_of("front", 0).restarts, 0);
}

static void stopped_supervisor_kills_nobody(void **unused)
{
	struct msg_status st;

	(void)unused;
	suite_start(&suite, QUICK "supervise: {hang_seconds: 1}\n");
	SUITE_WAIT(is_whole());
	kill(suite.pid, SIGSTOP);
	usleep(4000000); /* the time itself is what is tested */
	kill(suite.pid, SIGCONT);
	suite_status(&suite, &st, NULL, 0);
	SUITE_WAIT(is_whole());
	assert_int_equal(child_of("front", 0).restarts, 0);
	assert_int_equal(child_of("loader", 0).restarts, 0);
}

static void reloads(void **unused)
{
	static const struct {
		enum reload_wish wish;
		uint32_t flags;
		const char *version;
		enum reload_outcome outcome;
		const char *words;
	} cases[] = {
		{ RELOAD_ALIAS, 0, "", RELOAD_DONE_RELOADED, "" },
		{ RELOAD_ALIAS, RELOAD_FORCE, "", RELOAD_DONE_RELOADED, "" },
		{ RELOAD_VERSION, 0, "7", RELOAD_DONE_RELOADED, "" },
		{ RELOAD_VERSION, 0, "bad", RELOAD_DONE_REFUSED, "version \"bad\" is bad" },
		{ RELOAD_VERSION, 0, "", RELOAD_DONE_REFUSED, "no such kind" },
		{ RELOAD_WISH_MAX, 0, "", RELOAD_DONE_REFUSED, "no such kind" },
		{ RELOAD_ALIAS, 4096, "", RELOAD_DONE_REFUSED, "no such kind" },
		{ RELOAD_ALIAS, RELOAD_DRY_RUN, "", RELOAD_DONE_VERIFIED, "" },
		{ RELOAD_ALIAS, RELOAD_SETTINGS, "", RELOAD_DONE_RELOADED, "" },
		{ RELOAD_VERSION, 0, "never", RELOAD_DONE_TIMEOUT, "loader did not answer" },
		{ RELOAD_UNPIN, 0, "", RELOAD_DONE_RELOADED, "" },
	};

	(void)unused;
	suite_start(&suite, QUICK "reload: {timeout_seconds: 2}\n");
	SUITE_WAIT(is_whole());
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msg_reload_done d =
		        suite_reload(&suite, cases[i].wish, cases[i].flags, cases[i].version);

		if (d.outcome != cases[i].outcome || !strstr(d.words, cases[i].words))
			fail_msg("case %zu: outcome %u, \"%s\"", i, d.outcome, d.words);
		if (d.outcome == RELOAD_DONE_RELOADED && d.workers != 2)
			fail_msg("case %zu: %u workers", i, d.workers);
		assert_true(is_whole());
	}
}

static void settings_in_two_steps(void **unused)
{
	static const struct {
		const char *yaml;
		enum reload_outcome outcome;
		const char *words;
	} cases[] = {
		{ "models: {name: other}\n", RELOAD_DONE_RELOADED, "" },
		{ "models: {name: unwanted}\n", RELOAD_DONE_BAD_SETTINGS, "this name is unwanted" },
		{ "nonsense: 1\n", RELOAD_DONE_BAD_SETTINGS, "nonsense" },
		{ "front: {workers: 3}\n", RELOAD_DONE_RELOADED,
		  "waiting for a restart: front.workers" },
		{ "models: {alias: unusable}\n", RELOAD_DONE_REFUSED, "cannot use generation" },
		{ "models: {alias: production}\n", RELOAD_DONE_RELOADED, "" },
	};

	(void)unused;
	suite_start(&suite, QUICK);
	SUITE_WAIT(is_whole());
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msg_reload_done d;

		suite_write_settings(&suite, cases[i].yaml);
		d = suite_reload(&suite, RELOAD_ALIAS, RELOAD_SETTINGS, "");
		if (d.outcome != cases[i].outcome || !strstr(d.words, cases[i].words))
			fail_msg("case %zu: outcome %u, \"%s\"", i, d.outcome, d.words);
	}
	assert_true(is_whole());
}

static void hangup_reloads(void **unused)
{
	(void)unused;
	suite_start(&suite, QUICK);
	SUITE_WAIT(is_whole());
	suite_write_settings(&suite, "nonsense: 1\n");
	kill(suite.pid, SIGHUP);
	SUITE_WAIT(suite_log_contains(&suite, "reload: bad settings"));
	suite_write_settings(&suite, QUICK "log: {level: debug}\n");
	kill(suite.pid, SIGHUP);
	SUITE_WAIT(suite_log_contains(&suite, "reload: reloaded"));
	assert_true(is_whole());
}

static void loader_death_ends_a_reload(void **unused)
{
	struct msg_reload wish = { .wish = RELOAD_VERSION, .version = "never" };
	_Alignas(16) unsigned char buffer[CHANNEL_MAX_PAYLOAD];
	const struct msg_reload_done *done;
	struct message m;
	int fd;

	(void)unused;
	suite_start(&suite, QUICK);
	SUITE_WAIT(is_whole());
	fd = suite_connect(&suite);
	assert_int_equal(channel_send_blocking(fd, MSG_RELOAD_WANTED, 9, &wish, -1, 1000), 0);
	kill(child_of("loader", 0).pid, SIGKILL);
	assert_int_equal(channel_recv_blocking(fd, 20000, buffer, &m), 0);
	done = m.payload;
	assert_int_equal(m.type, MSG_RELOAD_DONE);
	assert_int_equal(m.id, 9);
	assert_int_equal(done->outcome, RELOAD_DONE_REFUSED);
	close(fd);
	SUITE_WAIT(is_whole());
}

static void model_by_control_socket(void **unused)
{
	CLEANUP(close_p) int model = -1;
	CLEANUP(close_p) int fd = -1;
	struct errbuf err = { "" };
	struct msg_model info;
	char text[6];

	(void)unused;
	suite_start(&suite, QUICK);
	SUITE_WAIT(is_whole());
	fd = suite_connect(&suite);
	assert_int_equal(control_model(fd, &info, &model, &err), 0);
	assert_string_equal(info.version, "first");
	assert_true(memfd_is_sealed(model));
	assert_int_equal(pread(model, text, 6, 0), 6);
	assert_memory_equal(text, "model\n", 6);
}

static void rubbish_on_the_control_socket(void **unused)
{
	struct msg_tick tick = { 1 };

	(void)unused;
	suite_start(&suite, QUICK);
	SUITE_WAIT(is_whole());
	for (unsigned i = 0; i < 40; i++) {
		CLEANUP(close_p) int fd = suite_connect(&suite);

		if (i % 2)
			assert_int_equal(write(fd, "rubbish", 7), 7);
		else
			channel_send_blocking(fd, MSG_TICK, 0, &tick, -1, 1000);
	}
	assert_true(is_whole());
}

static void children_leave_without_supervisor(void **unused)
{
	pid_t pids[3];

	(void)unused;
	suite_start(&suite, QUICK);
	SUITE_WAIT(is_whole());
	pids[0] = child_of("front", 0).pid;
	pids[1] = child_of("front", 1).pid;
	pids[2] = child_of("loader", 0).pid;
	kill(suite.pid, SIGKILL);
	waitpid(suite.pid, NULL, 0);
	suite.pid = 0;
	/* A zombie of an init that does not reap is gone for this purpose, too: it has no cwd. */
	for (unsigned i = 0; i < 3; i++) {
		char path[64], target[64];

		snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pids[i]);
		SUITE_WAIT(readlink(path, target, sizeof(target)) < 0);
	}
}

static void one_suite_a_folder(void **unused)
{
	char said[1024];

	(void)unused;
	suite_start(&suite, QUICK);
	SUITE_WAIT(is_whole());
	assert_int_equal(suite_run(&suite, "", said, sizeof(said)), 1);
	assert_non_null(strstr(said, "another fraudd runs"));
	assert_true(is_whole());
}

static void command_line(void **unused)
{
	static const struct {
		const char *words;
		int status;
		const char *said;
	} cases[] = {
		{ "--check", 0, "the settings are good" },
		{ "--version", 0, "fraudd " },
		{ "--help", 0, "--print-config" },
		{ "--print-config", 0, "workers: 2" },
		{ "--print-sample", 0, "drain_seconds: 5" },
		{ "--print-manual", 0, "stop.drain_seconds" },
		{ "--nonsense", 2, "nonsense" },
		{ "word", 2, "word" },
		{ "--check --set nonsense=1", 78, "nonsense" },
		{ "--check --set front.workers=9999", 78, "front.workers" },
		{ "--set front.workers=x --set http.pipeline=0", 78, "http.pipeline" },
		{ "--set front.workers=x --set http.pipeline=0", 78, "front.workers" },
		{ "--set 'services=front, scheduler'", 78, "fraud-scheduler" },
		{ "--check --set services=butler", 78, "butler" },
		{ "--config /nowhere.yaml", 78, "/nowhere.yaml" },
	};
	char said[65536];

	(void)unused;
	suite_start(&suite, QUICK);
	suite_stop(&suite);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = suite_run(&suite, cases[i].words, said, sizeof(said));

		if (status != cases[i].status || !strstr(said, cases[i].said))
			fail_msg("case %zu: status %d, \"%.300s\"", i, status, said);
	}
}

static void a_second_signal_shortens_the_end(void **unused)
{
	pid_t stopped;
	int status;

	(void)unused;
	suite_start(&suite, "stop: {drain_seconds: 600, timeout_seconds: 600}\n"
	                    "front: {workers: 2}\nsupervise: {hang_seconds: 600}\n"
	                    "services: front, loader\n");
	SUITE_WAIT(is_whole());
	stopped = child_of("front", 1).pid;
	kill(stopped, SIGSTOP);
	kill(suite.pid, SIGINT);
	SUITE_WAIT(suite_log_contains(&suite, "stopping"));
	SUITE_WAIT(strcmp(child_of("front", 0).state, "down") == 0);
	assert_string_equal(child_of("front", 1).state, "stopping");
	kill(suite.pid,
	     SIGINT); /* SIGTERM for it, which waits until it is continued; then SIGKILL */
	assert_int_equal(waitpid(suite.pid, &status, 0), suite.pid);
	suite.pid = 0;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(suite_log_contains(&suite, "killing front 1"));
}

/* The next datagram that begins with this; the descriptor that came with it, or -1, in *ret_fd. */
static void expect(int manager, const char *beginning, char *ret, size_t room, int *ret_fd)
{
	do {
		union {
			struct cmsghdr align;
			char room[CMSG_SPACE(sizeof(int))];
		} control = { 0 };
		struct iovec iov = { ret, room - 1 };
		struct msghdr h = { .msg_iov = &iov,
			            .msg_iovlen = 1,
			            .msg_control = control.room,
			            .msg_controllen = sizeof(control.room) };
		ssize_t n = recvmsg(manager, &h, MSG_CMSG_CLOEXEC);

		if (n < 0)
			fail_msg("waited in vain for %s", beginning);
		ret[n] = '\0';
		*ret_fd = -1;
		if (CMSG_FIRSTHDR(&h))
			memcpy(ret_fd, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(int));
	} while (strncmp(ret, beginning, strlen(beginning)) != 0);
}

static int open_manager(char *ret_name, size_t room)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 20 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size;

	snprintf(ret_name, room, "@fraudd-manager-%d", (int)getpid());
	memcpy(address.sun_path + 1, ret_name + 1, strlen(ret_name) - 1);
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(ret_name));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* The model survives in the manager's hands while the whole suite, the loader too, is down. */
static void service_manager(void **unused)
{
	char socket_name[64], names[256], text[512];
	CLEANUP(close_p) int manager = open_manager(socket_name, sizeof(socket_name));
	struct msg_status st;
	int none;

	(void)unused;
	suite.notify_socket = socket_name;
	suite_start(&suite, QUICK);
	expect(manager, "FDSTORE=1\nFDNAME=model-", text, sizeof(text), &suite.given[0]);
	snprintf(names, sizeof(names), "%s", strchr(text, '\n') + 8);
	expect(manager, "FDSTORE=1\nFDNAME=model-words-", text, sizeof(text), &suite.given[1]);
	snprintf(names + strlen(names), sizeof(names) - strlen(names), ":%s",
	         strchr(text, '\n') + 8);
	expect(manager, "READY=1\nSTATUS=model", text, sizeof(text), &none);
	kill(suite.pid, SIGHUP);
	expect(manager, "RELOADING=1\nMONOTONIC_USEC=", text, sizeof(text), &none);
	expect(manager, "READY=1", text, sizeof(text), &none);
	suite_stop(&suite);
	expect(manager, "STOPPING=1", text, sizeof(text), &none);
	suite.given_count = 2;
	suite.given_names = names;
	suite_write_settings(&suite, BRIEF "services: front\n");
	suite_start_again(&suite);
	expect(manager, "READY=1\nSTATUS=model \"fraud\" version \"first\"", text, sizeof(text),
	       &none);
	suite_status(&suite, &st, NULL, 0);
	assert_int_equal(st.children, 2);
	assert_int_equal(st.workers_current, 2);
	assert_true(suite_log_contains(&suite, "comes from the service manager"));
	close(suite.given[0]);
	close(suite.given[1]);
}

static void secrets_stay_with_the_supervisor(void **unused)
{
	char path[64], text[8192];
	FILE *f;
	size_t n;

	(void)unused;
	setenv("DATABASE_URL", "postgresql://somebody:hush@localhost/x", 1);
	setenv("NO_PROXY", "example.org", 1);
	/* else another user's eyes are kept out altogether */
	suite_start(&suite, QUICK "debug: {core_dumps: true}\n");
	unsetenv("DATABASE_URL");
	unsetenv("NO_PROXY");
	SUITE_WAIT(is_whole());
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)child_of("loader", 0).pid);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	assert_null(memmem(text, n, "hush", 4));
	assert_non_null(memmem(text, n, "NO_PROXY=example.org", 20));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(whole_life),
		TEST(killed_children_come_back),
		TEST(hung_worker_is_replaced),
		TEST(stopped_supervisor_kills_nobody),
		TEST(reloads),
		TEST(settings_in_two_steps),
		TEST(hangup_reloads),
		TEST(loader_death_ends_a_reload),
		TEST(model_by_control_socket),
		TEST(rubbish_on_the_control_socket),
		TEST(children_leave_without_supervisor),
		TEST(one_suite_a_folder),
		TEST(command_line),
		TEST(a_second_signal_shortens_the_end),
		TEST(service_manager),
		TEST(secrets_stay_with_the_supervisor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
