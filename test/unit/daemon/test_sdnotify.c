/* What systemd is told and what its variables mean, without systemd. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/sdnotify.h"

static bool is_fd(const struct sdnotify_fd *got, int fd, const char *name)
{
	return got->fd == fd && name && strcmp(got->name, name) == 0;
}

static void descriptors_by_name(void **unused)
{
	static const struct {
		const char *pid, *fds, *names;
		int r;
		const char *first, *last;
	} cases[] = {
		{ NULL, NULL, NULL, 0, NULL, NULL },
		{ "100", NULL, NULL, 0, NULL, NULL },
		{ NULL, "2", "a:b", 0, NULL, NULL },
		{ "99", "2", "a:b", 0, NULL, NULL },
		{ "100", "2", "public:operator", 2, "public", "operator" },
		{ "100", "1", NULL, 1, "", "" },
		{ "100", "2", NULL, 2, "", "" },
		{ "100", "1", "", 1, "", "" },
		{ "100", "2", ":", 2, "", "" },
		{ "100", "0", "", 0, NULL, NULL },
		{ "100", "2", "public", -EINVAL, NULL, NULL },
		{ "100", "1", "public:operator", -EINVAL, NULL, NULL },
		{ "100", "x", NULL, -EINVAL, NULL, NULL },
		{ "100", "-1", NULL, -EINVAL, NULL, NULL },
		{ "100", "4", NULL, -E2BIG, NULL, NULL },
		{ "100", "18446744073709551615", NULL, -E2BIG, NULL, NULL },
		{ "100 ", "1", NULL, 0, NULL, NULL },
		{ "100", "1",
		  "0123456789012345678901234567890123456789012345678901234567890123456789", 1,
		  "012345678901234567890123456789012345678901234567890123456789012",
		  "012345678901234567890123456789012345678901234567890123456789012" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *values[3] = { cases[i].pid, cases[i].fds, cases[i].names };
		struct sdnotify_fd ret[3];
		int r = sdnotify_listen_fds(values, 100, ret, 3);

		if (r != cases[i].r)
			fail_msg("case %zu: %d", i, r);
		if (r <= 0)
			continue;
		if (!is_fd(&ret[0], 3, cases[i].first) || !is_fd(&ret[r - 1], 2 + r, cases[i].last))
			fail_msg("case %zu: \"%s\", \"%s\"", i, ret[0].name, ret[r - 1].name);
	}
}

static void watchdog_times(void **unused)
{
	static const struct {
		const char *usec, *pid;
		uint64_t ms;
	} cases[] = {
		{ NULL, NULL, 0 },
		{ "30000000", NULL, 15000 },
		{ "30000000", "100", 15000 },
		{ "30000000", "99", 0 },
		{ "junk", NULL, 0 },
		{ "0", NULL, 0 },
		{ "30000000", "junk", 0 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (sdnotify_watchdog_ms(cases[i].usec, cases[i].pid, 100) != cases[i].ms)
			fail_msg("case %zu", i);
}

static void addresses(void **unused)
{
	static const struct {
		const char *socket;
		int r, open;
	} cases[] = {
		{ NULL, 0, 0 },
		{ "", 0, 0 },
		{ "/run/systemd/notify", 0, 1 },
		{ "@abstract", 0, 1 },
		{ "relative", -EINVAL, 0 },
		{ "vsock:2:1", -EINVAL, 0 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sdnotify n;
		int r = sdnotify_open(&n, cases[i].socket);

		if (r != cases[i].r || (n.fd >= 0) != cases[i].open)
			fail_msg("case %zu: %d, %d", i, r, n.fd);
		sdnotify_done(&n);
	}
}

static void receive(int from, char *ret, size_t room, int *ret_fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { ret, room - 1 };
	struct msghdr h = { .msg_iov = &iov,
		            .msg_iovlen = 1,
		            .msg_control = control.room,
		            .msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(from, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	assert_true(n >= 0);
	ret[n] = '\0';
	*ret_fd = -1;
	if (CMSG_FIRSTHDR(&h))
		memcpy(ret_fd, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(int));
}

static void what_is_said(void **unused)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP(close_p) int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sdnotify n;
	char name[64], text[512];
	int fd;

	(void)unused;
	snprintf(name, sizeof(name), "@fraudd-test-%d", (int)getpid());
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	assert_int_equal(bind(manager, (struct sockaddr *)&address,
	                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
	                 0);
	assert_int_equal(sdnotify_open(&n, name), 0);
	assert_int_equal(sdnotify_ready(&n, "2 of 2 workers"), 0);
	receive(manager, text, sizeof(text), &fd);
	assert_string_equal(text, "READY=1\nSTATUS=2 of 2 workers");
	assert_int_equal(sdnotify_reloading(&n), 0);
	receive(manager, text, sizeof(text), &fd);
	assert_memory_equal(text, "RELOADING=1\nMONOTONIC_USEC=", 27);
	assert_int_equal(sdnotify_store(&n, STDERR_FILENO, "model-7"), 0);
	receive(manager, text, sizeof(text), &fd);
	assert_string_equal(text, "FDSTORE=1\nFDNAME=model-7");
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(sdnotify_unstore(&n, "model-7"), 0);
	receive(manager, text, sizeof(text), &fd);
	assert_string_equal(text, "FDSTOREREMOVE=1\nFDNAME=model-7");
	assert_int_equal(sdnotify_watchdog(&n) | sdnotify_stopping(&n) | sdnotify_status(&n, "x"),
	                 0);
	receive(manager, text, sizeof(text), &fd);
	assert_string_equal(text, "WATCHDOG=1");
	receive(manager, text, sizeof(text), &fd);
	assert_string_equal(text, "STOPPING=1");
	receive(manager, text, sizeof(text), &fd);
	assert_string_equal(text, "STATUS=x");
	sdnotify_done(&n);
	assert_int_equal(sdnotify_ready(&n, "nobody listens"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_by_name),
		cmocka_unit_test(watchdog_times),
		cmocka_unit_test(addresses),
		cmocka_unit_test(what_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
