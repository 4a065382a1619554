/* The border between two processes: what passes, what is refused, what a slow or dead peer does. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/channel.h"
#include "daemon/loop.h"

/* As packet.c has it: an independent description of the wire. */
struct wire {
	uint32_t type, size;
	uint64_t id;
	unsigned char payload[CHANNEL_MAX_PAYLOAD + 64];
};

struct peer {
	struct event_base *base;
	struct channel *channel;
	int other; /* the end without a channel */
	unsigned ticks, drains;
	uint64_t last;
	int kept_fd;
	int end; /* reason */
	bool ended, free_in_handler, free_in_end;
};

static struct peer p;

static void on_tick(void *self, struct message *m)
{
	const struct msg_tick *tick = m->payload;
	struct peer *peer = self;

	peer->ticks++;
	peer->last = tick->sequence;
	if (peer->free_in_handler) {
		channel_free(peer->channel);
		peer->channel = NULL;
		loop_break(peer->base);
	}
}

static void on_drain(void *self, struct message *m)
{
	struct peer *peer = self;

	peer->drains++;
	peer->kept_fd = take_fd(&m->fd);
	loop_break(peer->base);
}

static void on_end(struct channel *c, void *self, int reason)
{
	struct peer *peer = self;

	peer->ended = true;
	peer->end = reason;
	if (peer->free_in_end) {
		channel_free(c);
		peer->channel = NULL;
	}
	loop_break(peer->base);
}

static const struct channel_handler handlers[] = {
	{ MSG_TICK, on_tick },
	{ MSG_DRAIN, on_drain },
	{ .handler = NULL },
};

static int setup(void **unused)
{
	struct channel_options o = { handlers, on_end, &p };
	int ends[2];

	(void)unused;
	p = (struct peer){ .kept_fd = -1 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(loop_new(&p.base), 0);
	assert_int_equal(channel_new(p.base, ends[0], &o, &p.channel), 0);
	p.other = ends[1];
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	channel_free(p.channel);
	loop_free(p.base);
	close_p(&p.other);
	close_p(&p.kept_fd);
	return 0;
}

static unsigned open_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Sends raw bytes with so many descriptors. */
static void send_raw(int fd, const void *bytes, size_t n, unsigned fd_count)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(16 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)bytes, n };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[16] = { 0 };

	if (fd_count > 0) {
		h.msg_control = control.room;
		h.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, fd_count * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &h, MSG_NOSIGNAL), (ssize_t)n);
}

static void messages_arrive_in_order(void **unused)
{
	struct msg_drain drain = { .seconds = 3 };

	(void)unused;
	for (uint64_t i = 1; i <= 40; i++) {
		struct msg_tick tick = { i };

		assert_int_equal(channel_send_blocking(p.other, MSG_TICK, i, &tick, -1, 1000), 0);
	}
	assert_int_equal(channel_send_blocking(p.other, MSG_DRAIN, 0, &drain, -1, 1000), 0);
	assert_int_equal(loop_run(p.base), 0);
	assert_int_equal(p.ticks, 40);
	assert_int_equal(p.last, 40);
	assert_int_equal(p.drains, 1);
}

static void descriptors_travel(void **unused)
{
	struct msg_drain drain = { .seconds = 3 };
	struct msg_tick tick = { 1 };
	unsigned before = open_fds();
	struct stat sent, got;
	int pipe_fds[2];

	(void)unused;
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	assert_int_equal(fstat(pipe_fds[0], &sent), 0);
	channel_send_blocking(p.other, MSG_TICK, 0, &tick, pipe_fds[0], 1000);
	channel_send_blocking(p.other, MSG_DRAIN, 0, &drain, pipe_fds[0], 1000);
	assert_int_equal(loop_run(p.base), 0);
	assert_int_equal(p.ticks, 1);
	assert_int_equal(fstat(p.kept_fd, &got), 0);
	assert_int_equal(sent.st_ino, got.st_ino);
	assert_true(fcntl(p.kept_fd, F_GETFD) & FD_CLOEXEC);
	/* the tick's descriptor, which nobody took, is closed: only the drain's is there */
	assert_int_equal(open_fds(), before + 3);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void what_is_refused(void **unused)
{
	static const struct {
		uint32_t type, size;
		size_t sent; /* payload bytes */
		unsigned fds;
		int end;
	} cases[] = {
		{ MSG_TICK, 8, 8, 0, 1 }, /* good: does not end */
		{ MSG_TICK, 8, 8, 1, 1 },
		{ MSG_TICK, 8, 8, 2, -EBADMSG },
		{ MSG_TICK, 8, 8, 8, -EBADMSG },
		{ MSG_TICK, 8, 8, 9, -EBADMSG },
		{ MSG_TICK, 8, 8, 16, -EBADMSG },
		{ MSG_TICK, 8, 7, 0, -EBADMSG },
		{ MSG_TICK, 8, 9, 0, -EBADMSG },
		{ MSG_TICK, 7, 7, 0, -EBADMSG },
		{ MSG_TICK, 0, 0, 0, -EBADMSG },
		{ MSG_TICK, 16, 16, 0, -EBADMSG },
		{ MSG_TICK, UINT32_MAX, 8, 0, -EBADMSG },
		{ MESSAGE_MAX, 8, 8, 0, -EBADMSG },
		{ UINT32_MAX, 8, 8, 1, -EBADMSG },
		{ MSG_TICK, CHANNEL_MAX_PAYLOAD, CHANNEL_MAX_PAYLOAD, 0, -EBADMSG },
		{ MSG_TICK, CHANNEL_MAX_PAYLOAD + 1, CHANNEL_MAX_PAYLOAD + 1, 0, -EBADMSG },
		{ MSG_READY, sizeof(struct msg_ready), sizeof(struct msg_ready), 1, -EPROTO },
	};

	(void)unused;
	teardown(NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire wire = { .type = cases[i].type, .size = cases[i].size };
		struct msg_drain drain = { 0 };
		unsigned before;

		setup(NULL);
		before = open_fds();
		send_raw(p.other, &wire, offsetof(struct wire, payload) + cases[i].sent,
		         cases[i].fds);
		channel_send_blocking(p.other, MSG_DRAIN, 0, &drain, -1, 1000);
		loop_run(p.base);
		if (p.ended != (cases[i].end < 0) || (p.ended && p.end != cases[i].end))
			fail_msg("case %zu: ended %d, %d", i, p.ended, p.end);
		if (p.drains != !p.ended)
			fail_msg("case %zu: what followed was%s read", i, p.drains ? "" : " not");
		if (open_fds() != before)
			fail_msg("case %zu: %u descriptors, before %u", i, open_fds(), before);
		teardown(NULL);
	}
	setup(NULL);
}

static void short_packets(void **unused)
{
	(void)unused;
	send_raw(p.other, "fifteen bytes..", 15, 3);
	loop_run(p.base);
	assert_true(p.ended);
	assert_int_equal(p.end, -EBADMSG);
}

static void end_of_peer(void **unused)
{
	struct msg_tick tick = { 7 };

	(void)unused;
	channel_send_blocking(p.other, MSG_TICK, 0, &tick, -1, 1000);
	close(p.other);
	p.other = -1;
	loop_run(p.base);
	assert_int_equal(p.ticks, 1);
	assert_true(p.ended);
	assert_int_equal(p.end, 0);
	assert_int_equal(channel_send(p.channel, MSG_TICK, 0, &tick, -1), -EPIPE);
}

static void end_with_unread_packets(void **unused)
{
	struct msg_tick tick = { 7 };

	(void)unused;
	assert_int_equal(channel_send(p.channel, MSG_TICK, 0, &tick, -1), 0);
	close(p.other);
	p.other = -1;
	loop_run(p.base);
	assert_int_equal(p.end, 0);
}

static void freed_by_its_own_handler(void **unused)
{
	struct msg_tick tick = { 7 };

	(void)unused;
	p.free_in_handler = true;
	channel_send_blocking(p.other, MSG_TICK, 0, &tick, -1, 1000);
	channel_send_blocking(p.other, MSG_TICK, 0, &tick, -1, 1000);
	loop_run(p.base);
	assert_int_equal(p.ticks, 1);
	assert_false(p.ended);
}

static void freed_at_its_end(void **unused)
{
	(void)unused;
	p.free_in_end = true;
	send_raw(p.other, "x", 1, 1);
	loop_run(p.base);
	assert_true(p.ended);
	assert_null(p.channel);
}

/* Fills the socket, then the queue; then reads all, in order, with the descriptors. */
static void slow_peer(void **unused)
{
	_Alignas(16) unsigned char buffer[CHANNEL_MAX_PAYLOAD];
	unsigned before = open_fds(), sent = 0;
	int r = 0;

	(void)unused;
	while (r == 0 && sent < 100000) {
		struct msg_tick tick = { sent };

		r = channel_send(p.channel, MSG_TICK, sent, &tick, STDERR_FILENO);
		sent += r == 0;
	}
	assert_int_equal(r, -ENOBUFS);
	assert_int_equal(open_fds(), before + 64); /* the duplicates of those that wait */
	for (uint64_t i = 0; i < sent; i++) {
		struct loop_timer *timer;
		struct message m;

		r = channel_recv_blocking(p.other, 0, buffer, &m);
		if (r == -ETIMEDOUT) { /* what waits goes out when the loop turns */
			assert_int_equal(
			        loop_timer_new(p.base, (loop_fn *)loop_break, p.base, &timer), 0);
			loop_timer_arm(timer, 1);
			loop_run(p.base);
			loop_timer_free(timer);
			r = channel_recv_blocking(p.other, 0, buffer, &m);
		}
		assert_int_equal(r, 0);
		assert_int_equal(m.id, i);
		assert_true(m.fd >= 0);
		close(m.fd);
	}
	assert_int_equal(open_fds(), before);
}

static void blocking_calls(void **unused)
{
	_Alignas(16) unsigned char buffer[CHANNEL_MAX_PAYLOAD];
	struct msg_tick tick = { 1 };
	struct message m = { .fd = -2 };
	int r = 0;

	(void)unused;
	assert_int_equal(channel_recv_blocking(p.other, 20, buffer, &m), -ETIMEDOUT);
	assert_int_equal(m.fd, -2);
	while (r == 0)
		r = channel_send_blocking(p.other, MSG_TICK, 0, &tick, -1, 0);
	assert_int_equal(r, -ETIMEDOUT);
	channel_free(p.channel);
	p.channel = NULL;
	assert_int_equal(channel_recv_blocking(p.other, 1000, buffer, &m), -EPIPE);
	assert_int_equal(channel_send_blocking(p.other, MSG_TICK, 0, &tick, -1, 1000), -EPIPE);
}

static void names_and_sizes(void **unused)
{
	(void)unused;
	assert_string_equal(message_name(MSG_MODEL_USE), "MSG_MODEL_USE");
	assert_int_equal(message_size(MSG_MODEL_USE), sizeof(struct msg_model));
	assert_string_equal(message_name(MESSAGE_MAX), "unknown");
	assert_int_equal(message_size((enum message_type)999), 0);
}

static void texts(void **unused)
{
	static const struct {
		const char bytes[5];
		bool good;
	} cases[] = {
		{ "", true },
		{ "abc", true },
		{ "abcd", true },
		{ "\xc3\xa4", true },
		{ "ab\xc3", false },
		{ "\xff", false },
		{ "\xed\xa0\x80", false },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (message_text(cases[i].bytes, 5) != cases[i].good)
			fail_msg("case %zu", i);
	assert_false(message_text("abcd", 4));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(messages_arrive_in_order),
		TEST(descriptors_travel),
		TEST(what_is_refused),
		TEST(short_packets),
		TEST(end_of_peer),
		TEST(end_with_unread_packets),
		TEST(freed_by_its_own_handler),
		TEST(freed_at_its_end),
		TEST(slow_peer),
		TEST(blocking_calls),
		cmocka_unit_test(names_and_sizes),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
