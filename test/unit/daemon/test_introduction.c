/* A child's first messages: the good order, and every way in which they make no sense. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "daemon/channel.h"
#include "daemon/introduction.h"
#include "daemon/scoreboard.h"
#include "daemon/sealed_settings.h"

static struct settings *settings;
static int ends[2];

static int setup(void **unused)
{
	(void)unused;
	return settings_load(&(struct settings_sources){ 0 }, NULL, NULL, &settings);
}

static int teardown(void **unused)
{
	(void)unused;
	settings_free(settings);
	return 0;
}

static void send_settings(void)
{
	struct msg_settings m = { .instance = 1, .instances = 3 };
	CLEANUP(close_p) int fd = -1;

	assert_int_equal(sealed_settings_write(settings, AUDIENCE_FRONT, &fd, &m.size), 0);
	assert_int_equal(channel_send_blocking(ends[0], MSG_SETTINGS, 0, &m, fd, 1000), 0);
}

static void send_text(const char *text, uint64_t size, bool seal)
{
	struct msg_settings m = { .size = size };
	CLEANUP(close_p) int fd = -1;

	assert_int_equal(memfd_new("text", &fd), 0);
	assert_int_equal(file_write_all(fd, text, strlen(text)), 0);
	if (seal)
		assert_int_equal(memfd_seal(fd), 0);
	assert_int_equal(channel_send_blocking(ends[0], MSG_SETTINGS, 0, &m, fd, 1000), 0);
}

static void send_listener(uint32_t index, int fd)
{
	struct msg_listener m = { .index = index, .count = 1 };

	assert_int_equal(channel_send_blocking(ends[0], MSG_LISTENER, 0, &m, fd, 1000), 0);
}

static void send_scoreboard(uint64_t size)
{
	struct msg_scoreboard m = { .size = size };
	CLEANUP(close_p) int fd = -1;

	assert_int_equal(scoreboard_create(3, &fd), 0);
	assert_int_equal(channel_send_blocking(ends[0], MSG_SCOREBOARD, 0, &m, fd, 1000), 0);
}

static void send_good_scoreboard(void)
{
	send_scoreboard(scoreboard_size(3));
}

static void send_tick(void)
{
	struct msg_tick m = { 1 };

	assert_int_equal(channel_send_blocking(ends[0], MSG_TICK, 0, &m, -1, 1000), 0);
}

/* One letter a message; then the supervisor is gone. */
static void play(const char *script)
{
	for (; *script; script++) {
		switch (*script) {
		case 'S':
			send_settings();
			break;
		case 'u':
			send_text("log.level=info\n", 15, false);
			break;
		case 'z':
			send_text("log.level=info\n", 16, true);
			break;
		case 'k':
			send_text("no.such.key=1\n", 14, true);
			break;
		case 'L':
			send_listener(2, STDERR_FILENO);
			break;
		case 'l':
			send_listener(2, -1);
			break;
		case 'h':
			send_listener(SETTINGS_MAX_LISTENERS, STDERR_FILENO);
			break;
		case 'B':
			send_good_scoreboard();
			break;
		case 'b':
			send_scoreboard(scoreboard_size(4));
			break;
		default:
			send_tick();
		}
	}
}

static unsigned open_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void scripts(void **unused)
{
	static const struct {
		const char *script;
		int r;
		const char *words;
	} cases[] = {
		{ "SB", 0, "" },
		{ "SLB", 0, "" },
		{ "", -EPIPE, "could not receive" },
		{ "S", -EPIPE, "could not receive" },
		{ "SL", -EPIPE, "could not receive" },
		{ "B", -EPROTO, "MSG_SCOREBOARD came too early" },
		{ "LSB", -EPROTO, "MSG_LISTENER came too early" },
		{ "StB", -EPROTO, "MSG_TICK came too early" },
		{ "SSB", -EPROTO, "twice" },
		{ "SLLB", -EPROTO, "listener 2 makes no sense" },
		{ "SlB", -EPROTO, "listener 2 makes no sense" },
		{ "ShB", -EPROTO, "listener 16 makes no sense" },
		{ "Sb", -EBADMSG, "scoreboard" },
		{ "uB", -EPERM, "sealed" },
		{ "zB", -EBADMSG, "sealed" },
		{ "kB", -EBADMSG, "no.such.key" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct introduction in = { 0 };
		struct errbuf err = { "" };
		unsigned before = open_fds();
		int r;

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
		assert_true(introduction_is_channel(ends[1]));
		play(cases[i].script);
		close(ends[0]);
		r = introduction_receive(ends[1], &in, &err);
		if (r != cases[i].r || !strstr(err.text, cases[i].words))
			fail_msg("case %zu: %d, \"%s\"", i, r, err.text);
		if (r == 0) {
			assert_int_equal(in.instance, 1);
			assert_int_equal(in.instances, 3);
			assert_int_equal(in.listener_count, cases[i].script[1] == 'L' ? 3 : 0);
			assert_int_equal(in.listeners[0], -1);
			assert_string_equal(in.settings->log.level, "info");
			introduction_done(&in);
		}
		close(ends[1]);
		if (open_fds() != before)
			fail_msg("case %zu: %u descriptors, before %u", i, open_fds(), before);
	}
}

static void what_is_no_channel(void **unused)
{
	CLEANUP(close_p) int stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CLEANUP(close_p) int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)unused;
	assert_false(introduction_is_channel(stream));
	assert_false(introduction_is_channel(tcp));
	assert_false(introduction_is_channel(STDERR_FILENO));
	assert_false(introduction_is_channel(-1));
	assert_false(introduction_is_channel(250));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scripts),
		cmocka_unit_test(what_is_no_channel),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
