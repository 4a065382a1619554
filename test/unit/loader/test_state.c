/* The files of the state folder: numbers that never come again, pins, locks. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "daemons/loader/record.h"
#include "daemons/loader/state.h"

#define TOO_LONG_PIN "fraud 1234567890123456789012345678901234567890123456789012345678901234\n"

static char folder[64];

static int setup(void **unused)
{
	(void)unused;
	strcpy(folder, "/tmp/test_state.XXXXXX");
	return mkdtemp(folder) ? chdir(folder) : -1;
}

static int teardown(void **unused)
{
	(void)unused;
	return file_remove_tree(folder);
}

static void write_file(const char *path, const char *text)
{
	assert_int_equal(file_write(AT_FDCWD, path, str_of(text), 0600), 0);
}

static void expect_next(uint64_t floor, uint64_t expected)
{
	struct errbuf err = { "" };
	uint64_t n = 0;

	if (state_next_generation("a/state", floor, &n, &err) < 0 || n != expected)
		fail_msg("%llu: %s", (unsigned long long)n, err.text);
}

static void numbers_grow(void **unused)
{
	(void)unused;
	expect_next(0, 1);
	expect_next(0, 2);
	expect_next(10, 11);
	expect_next(3, 12);
	write_file("a/state/generation", "18446744073709551614\n");
	expect_next(0, UINT64_MAX);
}

static void broken_counter_is_no_start(void **unused)
{
	static const char *const bad[] = { "",
		                           "\n",
		                           "7",
		                           "7\n8\n",
		                           "-1\n",
		                           "x\n",
		                           " 7\n",
		                           "7 \n",
		                           "99999999999999999999\n",
		                           "18446744073709551615\n" };
	struct errbuf err;
	uint64_t n = 77;

	(void)unused;
	expect_next(0, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_file("a/state/generation", bad[i]);
		if (state_next_generation("a/state", 0, &n, &err) >= 0 || n != 77)
			fail_msg("case %zu gave %llu", i, (unsigned long long)n);
	}
}

/* Four processes, 100 numbers each, none twice. */
static void numbers_are_unique(void **unused)
{
	enum { PROCESSES = 4, TIMES = 100, ALL = PROCESSES * TIMES };
	static bool seen[ALL + 1];
	int ends[2];
	uint64_t n;

	(void)unused;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	for (unsigned i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		for (unsigned k = 0; k < TIMES;) {
			/* a lock that others hold for too long is an error like any other */
			if (state_next_generation("state", 0, &n, NULL) < 0)
				continue;
			if (write(ends[1], &n, sizeof(n)) != (ssize_t)sizeof(n))
				_exit(1);
			k++;
		}
		_exit(0);
	}
	close(ends[1]);
	for (unsigned k = 0; k < ALL; k++) {
		assert_int_equal(file_read_all(ends[0], &n, sizeof(n)), 0);
		assert_true(n >= 1 && n <= ALL && !seen[n]);
		seen[n] = true;
	}
	close(ends[0]);
	for (unsigned i = 0; i < PROCESSES; i++)
		assert_true(wait(NULL) > 0);
}

static void lock_is_waited_for(void **unused)
{
	CLEANUP(close_p) int held = -1;
	int second = -1;
	struct errbuf err;
	uint64_t n;

	(void)unused;
	assert_int_equal(state_lock("state", STATE_LOCK, 0, &held, &err), 0);
	assert_int_equal(state_lock("state", STATE_LOCK, 10, &second, &err), -EAGAIN);
	assert_string_equal(err.text, "could not lock state_dir/lock: another process holds it");
	assert_int_equal(state_next_generation("state", 0, &n, &err), -EAGAIN);
	/* the copy of a model holds another one */
	assert_int_equal(state_lock("state", STATE_LOCK_KEPT, 0, &second, &err), 0);
	close(second);
	close(held);
	held = -1;
	assert_int_equal(state_next_generation("state", 0, &n, &err), 0);
}

static void expect_pin(const char *name, const char *expected)
{
	char pin[MESSAGE_NAME];
	struct errbuf err = { "" };

	if (state_read_pin("state", name, pin, &err) < 0 || strcmp(pin, expected) != 0)
		fail_msg("\"%s\": %s", pin, err.text);
}

static void pin_is_of_a_model(void **unused)
{
	struct errbuf err;

	(void)unused;
	expect_pin("fraud", "");
	assert_int_equal(state_write_pin("state", "fraud", "", &err), 0);
	assert_int_equal(state_write_pin("state", "fraud", "20260101-000000", &err), 0);
	expect_pin("fraud", "20260101-000000");
	expect_pin("frau", "");
	expect_pin("fraud2", "");
	assert_int_equal(state_write_pin("state", "fraud", "", &err), 0);
	expect_pin("fraud", "");
}

static void broken_pin_is_an_error(void **unused)
{
	static const char *const bad[] = { "",        "\n",           "fraud\n",
		                           "fraud 1", "fraud 1\nx\n", TOO_LONG_PIN };
	char pin[MESSAGE_NAME];
	struct errbuf err;

	(void)unused;
	assert_int_equal(mkdir("state", 0700), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_file("state/pin", bad[i]);
		if (state_read_pin("state", "fraud", pin, &err) != -EBADMSG || *pin)
			fail_msg("case %zu", i);
	}
	assert_int_equal(state_write_pin("state", "fraud", "", &err), 0);
	expect_pin("fraud", "");
}

static const struct record sound = {
	.name = "fraud",
	.version = "20260101-000000",
	.registry_version = "7",
	.recipe = "best 0.5 0.9",
	.generation = 12,
	.stamp = UINT64_MAX,
	.size = 4096,
	.verified = MODEL_VERIFIED_GOLDEN,
	.digest = { 1, 2, 0xff },
};

static void record_comes_back(void **unused)
{
	struct strbuf text = { .p = NULL };
	struct record r;

	(void)unused;
	assert_int_equal(record_write(&sound, &text), 0);
	assert_int_equal(record_read(strbuf_str(&text), &r), 0);
	assert_memory_equal(&r, &sound, sizeof(r));
	strbuf_done(&text);
}

/* Every prefix, and every byte changed: never a crash, and no number out of its range. */
static void broken_records_are_refused(void **unused)
{
	struct strbuf text = { .p = NULL };
	struct record r;

	(void)unused;
	assert_int_equal(record_write(&sound, &text), 0);
	for (size_t n = 0; n < text.n; n++)
		assert_int_equal(record_read((struct str){ text.p, n }, &r), -EBADMSG);
	for (size_t i = 0; i < text.n; i++) {
		for (int c = 0; c < 256; c += 5) {
			char before = text.p[i];

			text.p[i] = (char)c;
			if (record_read(strbuf_str(&text), &r) == 0)
				assert_true(r.generation > 0 &&
				            r.verified <= MODEL_VERIFIED_GOLDEN &&
				            message_text(r.version, sizeof(r.version)));
			text.p[i] = before;
		}
	}
	strbuf_addc(&text, '\n');
	assert_int_equal(record_read(strbuf_str(&text), &r), -EBADMSG);
	strbuf_done(&text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers_grow),       TEST(broken_counter_is_no_start),
		TEST(numbers_are_unique), TEST(lock_is_waited_for),
		TEST(pin_is_of_a_model),  TEST(broken_pin_is_an_error),
		TEST(record_comes_back),  TEST(broken_records_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
