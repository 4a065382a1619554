/* The client of the control socket against a server that does not do what it should. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "daemon/control.h"

static int ends[2];

static int setup(void **unused)
{
	(void)unused;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int teardown(void **unused)
{
	(void)unused;
	close_p(&ends[0]);
	close_p(&ends[1]);
	return 0;
}

/* The server's answers are sent before the question: a socket keeps them. */
static void answer(enum message_type type, uint64_t id, const void *payload, int fd)
{
	assert_int_equal(channel_send_blocking(ends[1], type, id, payload, fd, 1000), 0);
}

static void nobody_answers(void **unused)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/fraudd-control-XXXXXX", longer[200];
	CLEANUP(close_p) int leftover = -1;
	struct errbuf err = { "" };
	int fd = -7;

	(void)unused;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(control_connect(dir, &fd, &err), -ENOENT);
	assert_non_null(strstr(err.text, "fraudd does not run"));
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/control.sock", dir);
	leftover = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(leftover, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(control_connect(dir, &fd, &err), -ECONNREFUSED);
	assert_non_null(strstr(err.text, "fraudd does not run"));
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(control_connect(longer, &fd, &err), -ENAMETOOLONG);
	assert_int_equal(fd, -7);
	file_remove_tree(dir);
}

static void closed_without_a_word(void **unused)
{
	struct msg_reload_done done;
	struct msg_reload wish = { 0 };
	struct msg_status status;
	struct errbuf err = { "" };

	(void)unused;
	close(ends[1]);
	ends[1] = -1;
	assert_int_equal(control_reload(ends[0], &wish, 100, &done, &err), -EPIPE);
	assert_non_null(strstr(err.text, "does not answer this user"));
	assert_int_equal(control_status(ends[0], &status, NULL, 0, &err), -EPIPE);
}

static void no_answer_in_time(void **unused)
{
	struct msg_reload wish = { 0 };
	struct msg_reload_done done;
	struct errbuf err = { "" };

	(void)unused;
	assert_int_equal(control_reload(ends[0], &wish, 20, &done, &err), -ETIMEDOUT);
	assert_string_equal(err.text, "fraudd did not answer in time");
}

static void answers_of_another_kind(void **unused)
{
	struct msg_reload wish = { 0 };
	struct msg_reload_done done;
	struct msg_model model;
	struct msg_nothing nothing = { 0 };
	struct errbuf err = { "" };
	int fd = -7;

	(void)unused;
	answer(MSG_STATUS_WANTED, 1, &nothing, -1);
	assert_int_equal(control_reload(ends[0], &wish, 1000, &done, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "another version"));
	answer(MSG_STATUS_WANTED, 1, &nothing, -1);
	assert_int_equal(control_model(ends[0], &model, &fd, &err), -EBADMSG);
	assert_int_equal(send(ends[1], "rubbish", 7, 0), 7);
	assert_int_equal(control_model(ends[0], &model, &fd, &err), -EBADMSG);
	assert_int_equal(fd, -7);
}

static void what_is_for_others_is_left_out(void **unused)
{
	struct msg_reload wish = { 0 };
	struct msg_reload_done done = { .outcome = RELOAD_DONE_REFUSED }, got;
	struct errbuf err = { "" };

	(void)unused;
	answer(MSG_RELOAD_DONE, 77, &done, STDERR_FILENO);
	done.outcome = RELOAD_DONE_RELOADED;
	answer(MSG_RELOAD_DONE, 1, &done, -1);
	assert_int_equal(control_reload(ends[0], &wish, 1000, &got, &err), 0);
	assert_int_equal(got.outcome, RELOAD_DONE_RELOADED);
}

static void models(void **unused)
{
	struct msg_model m = { .generation = 5, .size = 1 }, got;
	struct errbuf err = { "" };
	int memory, fd = -7;

	(void)unused;
	answer(MSG_MODEL_USE, 1, &m, -1);
	assert_int_equal(control_model(ends[0], &got, &fd, &err), -ENOENT);
	assert_string_equal(err.text, "fraudd serves no model");
	assert_int_equal(memfd_new("model", &memory), 0);
	answer(MSG_MODEL_USE, 1, &m, memory);
	assert_int_equal(control_model(ends[0], &got, &fd, &err), -EPERM);
	assert_int_equal(fd, -7);
	assert_int_equal(memfd_seal(memory), 0);
	answer(MSG_MODEL_USE, 1, &m, memory);
	assert_int_equal(control_model(ends[0], &got, &fd, &err), 0);
	assert_true(fd >= 0);
	assert_int_equal(got.generation, 5);
	close(fd);
	close(memory);
}

static void more_children_than_room(void **unused)
{
	struct msg_status_child child = { .service = "front" }, rows[2];
	struct msg_status status = { .children = 5 }, got;
	struct errbuf err = { "" };

	(void)unused;
	for (child.instance = 0; child.instance < 5; child.instance++)
		answer(MSG_STATUS_CHILD, 1, &child, -1);
	answer(MSG_STATUS, 1, &status, -1);
	assert_int_equal(control_status(ends[0], &got, rows, 2, &err), 2);
	assert_int_equal(got.children, 5);
	assert_int_equal(rows[1].instance, 1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nobody_answers),
		TEST(closed_without_a_word),
		TEST(no_answer_in_time),
		TEST(answers_of_another_kind),
		TEST(what_is_for_others_is_left_out),
		TEST(models),
		TEST(more_children_than_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
