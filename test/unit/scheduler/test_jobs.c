/* Jobs that run: what they are given, how their ends are judged and told, that all can be stopped.
 * fake_job.c stands in for fraud-batch; there is no fraud-train beside this test. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/file.h"
#include "daemon/loop.h"
#include "daemons/scheduler/jobs.h"

#define PATIENCE_MS 60000
#define AN_ID "01234567-89ab-7def-8123-456789abcdef"

struct world {
	struct jobs jobs;
	struct loop_timer *patience;
	struct settings *settings;
	struct msg_model model;
	int model_fd;
	struct job_record last;
	unsigned ends, wanted;
};

static struct world w;

static void on_patience(void *self)
{
	loop_break(self);
}

static void on_ended(void *self, const struct job_record *record)
{
	(void)self;
	w.last = *record;
	if (++w.ends == w.wanted)
		loop_break(w.jobs.base);
}

/* source: what the fake job does; more: another setting or NULL. */
static void begin(const char *source, const char *more)
{
	char what[512];
	const char *words[] = { what, "database.url=postgresql:///x", "batch.nice=7", more };
	struct settings_sources from = { .overrides = words, .override_count = more ? 4 : 3 };

	snprintf(what, sizeof(what), "batch.source=%s", source);
	memset(&w, 0, sizeof(w));
	w.model_fd = -1;
	assert_int_equal(settings_load(&from, NULL, NULL, &w.settings), 0);
	assert_int_equal(loop_new(&w.jobs.base), 0);
	assert_int_equal(loop_timer_new(w.jobs.base, on_patience, w.jobs.base, &w.patience), 0);
	w.jobs.ended = on_ended;
}

static void end(void)
{
	jobs_done(&w.jobs);
	loop_timer_free(w.patience);
	loop_free(w.jobs.base);
	settings_free(w.settings);
	close_p(&w.model_fd);
}

static int start(enum job_kind kind, unsigned partition, const char *id)
{
	struct queue_start what = { kind, partition, CAUSE_INTERVAL, "" };
	const struct jobs_gift gift = { w.settings, &w.model, w.model_fd };

	snprintf(what.ask, sizeof(what.ask), "%s", id);
	return jobs_start(&w.jobs, &what, &gift);
}

static void wait_ends(unsigned count)
{
	w.wanted = count;
	loop_timer_arm(w.patience, PATIENCE_MS);
	assert_int_equal(loop_run(w.jobs.base), 0);
	if (w.ends != count)
		fail_msg("waited in vain for %u ends, %u came", count, w.ends);
}

static void give_model(void)
{
	assert_int_equal(memfd_new("model", &w.model_fd), 0);
	assert_int_equal(file_write_all(w.model_fd, "M", 1), 0);
	assert_int_equal(memfd_seal(w.model_fd), 0);
	w.model = (struct msg_model){ .generation = 9, .size = 1, .name = "fraud" };
}

static void test_ends(void **unused)
{
	static const struct {
		const char *source, *more;
		enum queue_end end;
		const char *message;
	} cases[] = {
		{ "", NULL, END_WELL, "" },
		{ "say=error_x[1]_not_so_bad", NULL, END_WELL, "" },
		{ "status=3", NULL, END_BADLY, "it ended with status 3" },
		{ "say=error_x[1]_no_table status=1", NULL, END_BADLY,
		  "it ended with status 1: no table" },
		{ "say=warning_x[1]_late say=info_x[1]_fine status=1", NULL, END_BADLY,
		  "it ended with status 1: late" },
		{ "say=plain_words status=1", NULL, END_BADLY,
		  "it ended with status 1: plain words" },
		{ "say=errors_abound] status=1", NULL, END_BADLY,
		  "it ended with status 1: errors abound]" },
		{ "signal=9", NULL, END_BADLY, "it was ended by signal 9 (Killed)" },
		{ "hang", "batch.timeout_seconds=1", END_BADLY, "it took too long and was ended" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(cases[i].source, cases[i].more);
		assert_int_equal(start(JOB_BATCH, 0, ""), 0);
		wait_ends(1);
		if (w.last.end != cases[i].end || strcmp(w.last.message, cases[i].message) != 0)
			fail_msg("case %zu: end %d, \"%s\"", i, (int)w.last.end, w.last.message);
		if (w.last.pid <= 0 || w.last.asked || !uuid_is_valid(str_of(w.last.id)))
			fail_msg("case %zu: pid %d, id \"%s\"", i, w.last.pid, w.last.id);
		assert_int_equal(jobs_count(&w.jobs), 0);
		end();
	}
}

static void check_told(const char *path, const char *wanted)
{
	CLEANUP(free_p) char *told = NULL;
	size_t n;

	assert_int_equal(file_read(-1, path, 4096, &told, &n), 0);
	assert_string_equal(told, wanted);
	unlink(path);
}

static void test_what_it_is_given(void **unused)
{
	char path[] = "/tmp/fraudd-jobs-XXXXXX", source[64];
	int fd = mkstemp(path);

	(void)unused;
	assert_true(fd >= 0);
	close(fd);
	snprintf(source, sizeof(source), "tell=%s", path);
	begin(source, NULL);
	give_model();
	assert_int_equal(start(JOB_BATCH, 5, AN_ID), 0);
	wait_ends(1);
	assert_int_equal(w.last.end, END_WELL);
	assert_true(w.last.asked);
	assert_string_equal(w.last.id, AN_ID);
	check_told(path, "fraud-batch --once --quiet --partition 5 --job " AN_ID
	                 "|nice 7|url postgresql:///x|generation 9|model M|openmp -");
	end();
}

static void test_without_a_model(void **unused)
{
	char path[] = "/tmp/fraudd-jobs-XXXXXX", source[64];
	int fd = mkstemp(path);

	(void)unused;
	assert_true(fd >= 0);
	close(fd);
	snprintf(source, sizeof(source), "tell=%s", path);
	begin(source, NULL);
	assert_int_equal(start(JOB_BATCH, 0, AN_ID), 0);
	wait_ends(1);
	check_told(path, "fraud-batch --once --quiet --partition 0 --job " AN_ID
	                 "|nice 7|url postgresql:///x|generation 0|model -|openmp -");
	end();
}

static void test_program_that_is_missing(void **unused)
{
	(void)unused;
	begin("", NULL);
	assert_true(start(JOB_RETRAIN, 0, "") < 0);
	assert_int_equal(jobs_count(&w.jobs), 0);
	end();
}

static void test_stop(void **unused)
{
	static const struct {
		const char *source;
		enum queue_end end;
	} cases[] = {
		{ "hang", END_STOPPED },
		{ "stubborn", END_STOPPED },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(cases[i].source, "stop.timeout_seconds=4");
		for (unsigned p = 0; p < 3; p++)
			assert_int_equal(start(JOB_BATCH, p, ""), 0);
		assert_int_equal(jobs_count(&w.jobs), 3);
		jobs_stop(&w.jobs);
		wait_ends(3);
		if (w.last.end != cases[i].end)
			fail_msg("case %zu: end %d", i, (int)w.last.end);
		end();
	}
}

static void test_lists(void **unused)
{
	struct strbuf text = { 0 };

	(void)unused;
	begin("hang", NULL);
	jobs_print_ids(&w.jobs, &text);
	assert_string_equal(text.p, "{}");
	assert_int_equal(start(JOB_BATCH, 0, AN_ID), 0);
	assert_int_equal(start(JOB_BATCH, 1, ""), 0);
	strbuf_reset(&text);
	jobs_print_ids(&w.jobs, &text);
	assert_int_equal(text.n, 2 * 36 + 3);
	assert_non_null(strstr(text.p, AN_ID));
	strbuf_reset(&text);
	jobs_print_kinds(&w.jobs, 1, &text);
	assert_string_equal(text.p, "{batch}");
	strbuf_reset(&text);
	jobs_print_kinds(&w.jobs, 2, &text);
	assert_string_equal(text.p, "{}");
	strbuf_done(&text);
	end(); /* with both still running */
}

static void test_every_place_taken(void **unused)
{
	(void)unused;
	begin("hang", NULL);
	for (unsigned p = 0; p < JOBS_MAX; p++)
		assert_int_equal(start(JOB_BATCH, p % QUEUE_MAX_PARTITIONS, ""), 0);
	assert_int_equal(start(JOB_BATCH, 0, ""), -ENOMEM);
	end();
}

static void test_words_of_ends(void **unused)
{
	static const struct {
		int status;
		bool late;
		const char *complaint, *says;
	} cases[] = {
		{ 0, false, "whatever", "" },
		{ 75 << 8, false, "", "it ended with status 75" },
		{ SIGKILL, true, "", "it took too long and was ended" },
		{ SIGSEGV, false, "a", "it was ended by signal 11 (Segmentation fault): a" },
	};
	char text[JOBS_MESSAGE];

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		jobs_describe_end(cases[i].status, cases[i].late, cases[i].complaint, text);
		if (strcmp(text, cases[i].says) != 0)
			fail_msg("case %zu: \"%s\"", i, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_what_it_is_given),
		cmocka_unit_test(test_without_a_model),
		cmocka_unit_test(test_program_that_is_missing),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_every_place_taken),
		cmocka_unit_test(test_words_of_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
