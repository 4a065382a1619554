/* What the scheduler hands to a job arrives; what is no model is refused. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../bundle/small_version.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "daemon/daemon.h"
#include "daemon/job_input.h"
#include "tools/batch/intake.h"

struct fixture {
	struct small_version version;
	void *image;
	size_t size;
	struct settings *settings;
};

static int set_up(void **state)
{
	static struct fixture f;
	static const char *const words[] = { "batch.chunk_rows=17" };
	const struct settings_sources from = { .overrides = words, .override_count = 1 };
	struct errbuf err = { "" };

	f = (struct fixture){ 0 };
	json_setup();
	small_fill(&f.version);
	*state = &f;
	if (small_image(&f.version, &f.image, &f.size, &err) < 0)
		return -1;
	return settings_load(&from, NULL, NULL, &f.settings);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	settings_free(f->settings);
	free(f->image);
	small_done(&f->version);
	close(DAEMON_CHANNEL_FD);
	close(DAEMON_JOB_MODEL_FD);
	return 0;
}

/* As the scheduler does it; bytes of the image that are changed make it a bad one. */
static void hand_over(struct fixture *f, uint64_t generation, bool spoil)
{
	const struct msg_model about = {
		.generation = generation,
		.size = f->size,
		.name = "fraud",
		.version = "20260101-000000",
		.registry_version = "12",
	};
	CLEANUP(close_p) int channel = -1;
	CLEANUP(close_p) int image = -1;

	assert_int_equal(memfd_new("image", &image), 0);
	assert_int_equal(file_write_all(image, f->image, f->size), 0);
	if (spoil)
		assert_int_equal(pwrite(image, "spoilt", 6, (off_t)f->size / 2), 6);
	assert_int_equal(memfd_seal(image), 0);
	assert_int_equal(job_input_write(f->settings, AUDIENCE_SCHEDULER, &about, &channel), 0);
	/* Beyond both numbers first: one may be the other. */
	channel = fcntl(channel, F_DUPFD_CLOEXEC, 10);
	image = fcntl(image, F_DUPFD_CLOEXEC, 10);
	assert_int_equal(dup2(channel, DAEMON_CHANNEL_FD), DAEMON_CHANNEL_FD);
	assert_int_equal(dup2(image, DAEMON_JOB_MODEL_FD), DAEMON_JOB_MODEL_FD);
}

static void test_job(void **state)
{
	struct fixture *f = *state;
	struct intake in = { .job_model_fd = -1 };
	struct errbuf err = { "" };

	hand_over(f, 42, false);
	assert_int_equal(intake_settings(&in, NULL, NULL, 0, &err), 0);
	assert_true(in.is_job);
	assert_int_equal(in.settings->batch.chunk_rows, 17);
	assert_int_equal(intake_model(&in, &err), 0);
	assert_int_equal(in.origin, INTAKE_SCHEDULER);
	assert_int_equal(in.generation, 42);
	assert_string_equal(in.registry_version, "12");
	assert_string_equal(in.version, "20260101-000000");
	intake_done(&in);
}

static void test_job_without_model(void **state)
{
	struct fixture *f = *state;
	struct intake in = { .job_model_fd = -1 };
	struct errbuf err = { "" };

	hand_over(f, 0, false);
	assert_int_equal(intake_settings(&in, NULL, NULL, 0, &err), 0);
	assert_int_equal(intake_model(&in, &err), -ENODATA);
	assert_string_equal(err.text, "no model to score with: the suite has none yet");
	intake_done(&in);
}

static void test_job_with_spoilt_model(void **state)
{
	struct fixture *f = *state;
	struct intake in = { .job_model_fd = -1 };
	struct errbuf err = { "" };

	hand_over(f, 42, true);
	assert_int_equal(intake_settings(&in, NULL, NULL, 0, &err), 0);
	assert_int_equal(intake_model(&in, &err), -EBADMSG);
	intake_done(&in);
}

/* By hand: no suite, no models folder; the words say both. */
static void test_by_hand(void **state)
{
	static const char *const words[] = { "runtime_dir=/nowhere", "models.dir=/nowhere" };
	struct intake in = { .job_model_fd = -1 };
	struct errbuf err = { "" };

	(void)state;
	assert_int_equal(intake_settings(&in, NULL, words, 2, &err), 0);
	assert_false(in.is_job);
	assert_true(intake_model(&in, &err) < 0);
	assert_non_null(strstr(err.text, "no model to score with: "));
	assert_non_null(strstr(err.text, "nowhere"));
	intake_done(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_job, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_job_without_model, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_job_with_spoilt_model, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_by_hand, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
