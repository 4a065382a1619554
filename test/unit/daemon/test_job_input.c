/* A job's first messages: what comes out is what went in, and what makes no sense is refused. */
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
#include "daemon/daemon.h"
#include "daemon/job_input.h"

static const char image[] = "an image";
static struct settings *settings;
static int saved[2]; /* what the test program itself has at 3 and 4 */

static int setup(void **unused)
{
	static const char *const words[] = { "batch.chunk_rows=77",
		                             "database.url=postgresql:///x" };
	struct settings_sources from = { .overrides = words, .override_count = 2 };

	(void)unused;
	for (int i = 0; i < 2; i++)
		saved[i] = fcntl(DAEMON_CHANNEL_FD + i, F_DUPFD_CLOEXEC, 10);
	return settings_load(&from, NULL, NULL, &settings);
}

static int teardown(void **unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		close(DAEMON_CHANNEL_FD + i);
		if (saved[i] >= 0)
			dup2(saved[i], DAEMON_CHANNEL_FD + i);
	}
	settings_free(settings);
	return 0;
}

static void put(int fd, int number)
{
	if (fd == number)
		return;
	assert_int_equal(dup2(fd, number), number);
	close(fd);
}

/* The image at fd 4, sealed or not; 3 stays free for what comes next. */
static void put_model(bool seal)
{
	int fd;

	close(DAEMON_CHANNEL_FD);
	close(DAEMON_JOB_MODEL_FD);
	assert_int_equal(memfd_new("model", &fd), 0);
	assert_int_equal(file_write_all(fd, image, sizeof(image)), 0);
	if (seal)
		assert_int_equal(memfd_seal(fd), 0);
	put(fd, DAEMON_JOB_MODEL_FD);
}

static void put_channel(const struct msg_model *model)
{
	int fd;

	assert_int_equal(job_input_write(settings, AUDIENCE_SCHEDULER, model, &fd), 0);
	put(fd, DAEMON_CHANNEL_FD);
}

static const struct msg_model some_model = {
	.generation = 7, .size = sizeof(image), .name = "fraud", .version = "20260101-000000"
};

static void test_whole(void **unused)
{
	struct job_input in;
	struct errbuf err;

	(void)unused;
	put_model(true);
	put_channel(&some_model);
	if (job_input_read(&in, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(in.settings->batch.chunk_rows, 77);
	assert_string_equal(in.settings->database.url, "postgresql:///x");
	assert_int_equal(in.model.generation, 7);
	assert_string_equal(in.model.version, some_model.version);
	assert_int_equal(in.model_fd, DAEMON_JOB_MODEL_FD);
	assert_true(fcntl(in.model_fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fcntl(DAEMON_CHANNEL_FD, F_GETFD), -1);
	job_input_done(&in);
}

static void test_without_model(void **unused)
{
	struct job_input in;
	struct errbuf err;

	(void)unused;
	put_model(true);
	put_channel(NULL);
	assert_int_equal(job_input_read(&in, &err), 0);
	assert_int_equal(in.model.generation, 0);
	assert_int_equal(in.model_fd, -1);
	job_input_done(&in);
}

static void test_by_hand(void **unused)
{
	struct job_input in;
	struct errbuf err;

	(void)unused;
	close(DAEMON_CHANNEL_FD);
	assert_int_equal(job_input_read(&in, &err), -ENOENT);
	assert_int_equal(open("/dev/null", O_RDONLY | O_CLOEXEC), DAEMON_CHANNEL_FD);
	assert_int_equal(job_input_read(&in, &err), -ENOENT);
}

static void test_models_that_are_none(void **unused)
{
	static const struct {
		uint64_t size;
		int result;
		bool sealed;
		char first;
	} cases[] = {
		{ sizeof(image), 0, true, 'f' },
		{ sizeof(image), -EBADF, false, 'f' },
		{ sizeof(image) + 1, -EBADF, true, 'f' },
		{ sizeof(image), -EBADMSG, true, (char)0xff },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msg_model model = some_model;
		struct job_input in;
		struct errbuf err;
		int r;

		model.size = cases[i].size;
		model.name[0] = cases[i].first;
		put_model(cases[i].sealed);
		put_channel(&model);
		r = job_input_read(&in, &err);
		if (r != cases[i].result)
			fail_msg("case %zu: %d, not %d", i, r, cases[i].result);
		if (r == 0)
			job_input_done(&in);
	}
}

static void test_other_messages(void **unused)
{
	struct msg_tick tick = { 1 };
	struct job_input in;
	struct errbuf err;
	int ends[2];

	(void)unused;
	close(DAEMON_CHANNEL_FD);
	close(DAEMON_JOB_MODEL_FD);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(channel_send_blocking(ends[1], MSG_TICK, 0, &tick, -1, 1000), 0);
	put(ends[0], DAEMON_CHANNEL_FD);
	assert_int_equal(job_input_read(&in, &err), -EPROTO);
	close(ends[1]);

	close(DAEMON_CHANNEL_FD);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	close(ends[1]);
	put(ends[0], DAEMON_CHANNEL_FD);
	assert_int_equal(job_input_read(&in, &err), -EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),          cmocka_unit_test(test_without_model),
		cmocka_unit_test(test_by_hand),        cmocka_unit_test(test_models_that_are_none),
		cmocka_unit_test(test_other_messages),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
