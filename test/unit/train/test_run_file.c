/*
 * run.json of a version's folder: what was written comes back, and a file that somebody has edited
 * gets words.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "tools/train/run_file.h"
#include "json/value.h"

#define TIMES "\"started_ms\":1000,\"ended_ms\":2500,"
#define FACTS "\"params\":{\"a\":\"1\",\"b\":\"x\"},\"tags\":{},"
#define METRIC "{\"key\":\"loss\",\"value\":0.25,\"step\":3,\"at_ms\":1500}"

static char folder[64];
static int fd;

static int set_up(void **state)
{
	(void)state;
	json_setup();
	snprintf(folder, sizeof(folder), "/tmp/fraudd-run-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(fd);
	return file_remove_tree(folder);
}

static void write_file(const char *text)
{
	assert_int_equal(file_write(fd, RUN_FILE, str_of(text), 0644), 0);
}

static void test_reads(void **state)
{
	struct arena a = { 0 };
	struct errbuf err = { "" };
	struct registry_run run;

	(void)state;
	assert_int_equal(run_read(fd, &a, &run, &err), -ENOENT);
	write_file("{" TIMES FACTS "\"metrics\":[" METRIC "," METRIC "],"
	           "\"data\":{\"name\":\"n\",\"digest\":\"d\",\"source\":\"s\",\"rows\":7}}");
	assert_int_equal(run_read(fd, &a, &run, &err), 0);
	assert_int_equal(run.started_ms, 1000);
	assert_int_equal(run.ended_ms, 2500);
	assert_int_equal(run.param_count, 2);
	assert_string_equal(run.params[1].key, "b");
	assert_string_equal(run.params[1].value, "x");
	assert_int_equal(run.tag_count, 0);
	assert_int_equal(run.metric_count, 2);
	assert_string_equal(run.metrics[1].key, "loss");
	assert_true(run.metrics[1].value == 0.25);
	assert_int_equal(run.metrics[1].step, 3);
	assert_int_equal(run.metrics[1].at_ms, 1500);
	assert_string_equal(run.data_digest, "d");
	assert_int_equal(run.data_rows, 7);
	write_file("{" TIMES FACTS "\"metrics\":[]}");
	assert_int_equal(run_read(fd, &a, &run, &err), 0);
	assert_null(run.data_name);
	arena_done(&a);
}

static void test_refuses(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "", RUN_FILE ": " },
		{ "[]", "started_ms" },
		{ "{" TIMES "\"tags\":{},\"metrics\":[]}", "\"params\" must be an object" },
		{ "{" TIMES "\"params\":[],\"tags\":{},\"metrics\":[]}", "\"params\"" },
		{ "{" TIMES "\"params\":{\"a\":1},\"tags\":{},\"metrics\":[]}",
		  "\"params\" may hold texts only" },
		{ "{" TIMES FACTS "\"metrics\":{}}", "\"metrics\" must be an array" },
		{ "{" TIMES FACTS "\"metrics\":[{\"key\":\"a\"}]}", "value" },
		{ "{" TIMES FACTS "\"metrics\":[{\"key\":\"a\",\"value\":1e999,\"step\":0,"
		  "\"at_ms\":0}]}",
		  "out of range" },
		{ "{" TIMES FACTS "\"metrics\":[],\"data\":{\"name\":\"n\"}}", "digest" },
		{ "{\"started_ms\":\"x\"," FACTS "\"metrics\":[]}", "started_ms" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = { 0 };
		struct errbuf err = { "" };
		struct registry_run run;
		int r;

		write_file(cases[i].text);
		r = run_read(fd, &a, &run, &err);
		if (r != -EBADMSG || !strstr(err.text, cases[i].words))
			fail_msg("case %zu: %d, %s", i, r, err.text);
		arena_done(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
