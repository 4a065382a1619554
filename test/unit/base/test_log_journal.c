/* The fields that journald gets, and a journald that does not read. The log is compiled into this
 * test with a socket of the test's own folder in the place of the system's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define JOURNAL_SOCKET "journal.socket"
/* NOLINTNEXTLINE(bugprone-suspicious-include): see above */
#include "base/log.c"

#include "base/file.h"

static char folder[] = "/tmp/test_log.XXXXXX";
static int journal;

static int enter(void **unused)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	char stream[64];
	struct stat st;

	(void)unused;
	if (!mkdtemp(folder) || chdir(folder) < 0 || fstat(STDERR_FILENO, &st) < 0)
		return -1;
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return bind(journal, (struct sockaddr *)&address, sizeof(address));
}

static int leave(void **unused)
{
	(void)unused;
	close(journal);
	return file_remove_tree(folder);
}

static void expect_packet(const char *expected)
{
	char packet[8192];
	ssize_t n = recv(journal, packet, sizeof(packet) - 1, MSG_DONTWAIT);

	assert_true(n >= 0);
	packet[n] = '\0';
	assert_string_equal(packet, expected);
}

static void fields(void **unused)
{
	(void)unused;
	log_open("front", LOG_LEVEL_DEBUG);
	log_error(-ENOENT, "could not open \"%s\"", "a\nb");
	expect_packet("PRIORITY=3\nSYSLOG_IDENTIFIER=front\n"
	              "MESSAGE=could not open \"a\\x0ab\": No such file or directory\n");
	log_warning(0, "w");
	expect_packet("PRIORITY=4\nSYSLOG_IDENTIFIER=front\nMESSAGE=w\n");
	log_info("i");
	expect_packet("PRIORITY=6\nSYSLOG_IDENTIFIER=front\nMESSAGE=i\n");
	log_debug("d");
	expect_packet("PRIORITY=7\nSYSLOG_IDENTIFIER=front\nMESSAGE=d\n");
}

static void stopped_journal(void **unused)
{
	char packet[8192], expected[128];
	unsigned received = 0;
	uint64_t dropped;

	(void)unused;
	assert_int_equal(log_set_nonblocking(65536), 0);
	for (unsigned i = 0; i < 2000; i++)
		log_info("line %u", i);
	dropped = log_dropped();
	assert_true(dropped > 0);
	while (recv(journal, packet, sizeof(packet), MSG_DONTWAIT) > 0)
		received++;
	assert_int_equal(received + dropped, 2000);

	log_info("after");
	snprintf(expected, sizeof(expected),
	         "PRIORITY=4\nSYSLOG_IDENTIFIER=front\nMESSAGE=%" PRIu64
	         " log lines were dropped\n",
	         dropped);
	expect_packet(expected);
	expect_packet("PRIORITY=6\nSYSLOG_IDENTIFIER=front\nMESSAGE=after\n");
	assert_int_equal(log_dropped(), dropped);
	assert_false(log_flush());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(stopped_journal),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
