/* Listening sockets: opened, taken over by name or by address, refused. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemons/supervisor/address.h"
#include "daemons/supervisor/listen.h"

static struct settings settings;
static struct listeners l;

static void settle(const char *first, enum listener_role role, const char *second)
{
	memset(&settings, 0, sizeof(settings));
	settings.listener[0].address = first;
	settings.listener[0].role = role;
	settings.listener[1].address = second;
	settings.listener[1].role = LISTENER_OPERATOR;
	settings.listener_count = second ? 2 : 1;
}

static bool listens(int fd)
{
	int on = 0;
	socklen_t n = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on;
}

static int make_socket(struct address *ret)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address_parse("127.0.0.1:0", ret);
	assert_int_equal(bind(fd, (void *)&ret->storage, ret->size), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (void *)&ret->storage, &ret->size), 0);
	return fd;
}

static void opens_all(void **unused)
{
	struct errbuf err = { "" };
	char path[64];

	(void)unused;
	snprintf(path, sizeof(path), "unix:/tmp/fraudd-listen-%d", (int)getpid());
	settle("127.0.0.1:0", LISTENER_PUBLIC, path);
	assert_int_equal(listeners_open(&l, &settings, NULL, 0, &err), 0);
	assert_true(listens(l.fds[0]) && listens(l.fds[1]));
	assert_true(fcntl(l.fds[0], F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(l.fds[0], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(access(path + 5, F_OK), 0);
	listeners_close(&l);
	listeners_close(&l);
	assert_int_equal(access(path + 5, F_OK), -1);
	assert_int_equal(l.fds[0], -1);
}

static void leftover_of_a_killed_suite(void **unused)
{
	struct errbuf err = { "" };
	char path[64];

	(void)unused;
	snprintf(path, sizeof(path), "unix:/tmp/fraudd-listen-%d", (int)getpid());
	settle(path, LISTENER_PUBLIC, NULL);
	assert_int_equal(listeners_open(&l, &settings, NULL, 0, &err), 0);
	close(l.fds[0]); /* no unlink */
	assert_int_equal(listeners_open(&l, &settings, NULL, 0, &err), 0);
	/* one that is served stays whose it is */
	{
		struct listeners second;

		assert_int_equal(listeners_open(&second, &settings, NULL, 0, &err), -EADDRINUSE);
		assert_non_null(strstr(err.text, path));
	}
	listeners_close(&l);
}

static void address_in_use(void **unused)
{
	struct errbuf err = { "" };
	struct address a;
	CLEANUP(close_p) int fd = make_socket(&a);
	static char text[64]; /* the settings keep it */

	(void)unused;
	address_print(&a, text, sizeof(text));
	settle("127.0.0.1:0", LISTENER_PUBLIC, text);
	assert_int_equal(listeners_open(&l, &settings, NULL, 0, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, text));
	assert_int_equal(l.fds[0], -1); /* the first one is closed again */
}

static void taken_over(void **unused)
{
	static const struct {
		const char *names[2];
		int first, second; /* which of the given ones; -1: opened anew */
	} cases[] = {
		{ { "public", "operator" }, 0, 1 },
		{ { "operator", "public" }, 1, 0 },
		{ { "operator", "operator" }, -1, 0 },
		{ { "fraudd.socket", "" }, 0, -1 }, /* by address: the first one's */
		{ { "other", "other" }, 0, -1 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct errbuf err = { "" };
		struct address a[2];
		struct sdnotify_fd given[2] = { { .fd = make_socket(&a[0]) },
			                        { .fd = make_socket(&a[1]) } };
		int fds[2] = { given[0].fd, given[1].fd };
		char text[64];

		for (unsigned k = 0; k < 2; k++)
			snprintf(given[k].name, sizeof(given[k].name), "%s", cases[i].names[k]);
		address_print(&a[0], text, sizeof(text));
		/* by role the address does not matter; by address it does */
		settle(i < 3 ? "127.0.0.1:0" : text, LISTENER_PUBLIC, "127.0.0.1:0");
		assert_int_equal(listeners_open(&l, &settings, given, 2, &err), 0);
		for (int k = 0; k < 2; k++) {
			if ((l.fds[0] == fds[k]) != (cases[i].first == k) ||
			    (l.fds[1] == fds[k]) != (cases[i].second == k))
				fail_msg("case %zu: given %d", i, k);
			if ((given[k].fd < 0) != (cases[i].first == k || cases[i].second == k))
				fail_msg("case %zu: given %d is not taken as it should", i, k);
		}
		assert_true(fcntl(l.fds[0], F_GETFL) & O_NONBLOCK);
		listeners_close(&l);
		close_p(&given[0].fd);
		close_p(&given[1].fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_all),
		cmocka_unit_test(leftover_of_a_killed_suite),
		cmocka_unit_test(address_in_use),
		cmocka_unit_test(taken_over),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
