/* What a log gets of long work: nothing until ten seconds have passed, one line at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/progress.h"
#include "capture.h"

static int work(const void *quiet)
{
	struct progress p;

	progress_start(&p, "reading", "rows", 1000, *(const bool *)quiet);
	for (uint64_t done = 0; done < 1000; done++)
		progress_at(&p, done);
	progress_end(&p, 1000);
	return 0;
}

static int late_work(const void *unused)
{
	struct progress p;

	(void)unused;
	progress_start(&p, "reading", "rows", 1000, false);
	/* As if the work had begun 20 s ago and said nothing since. */
	p.started_ns -= UINT64_C(20000000000);
	p.shown_ns = p.started_ns;
	progress_at(&p, 250);
	progress_at(&p, 251);
	return 0;
}

static void a_line_at_the_end(void **unused)
{
	bool quiet = false;
	char output[256] = "";

	(void)unused;
	assert_int_equal(capture(work, &quiet, output, sizeof(output)), 0);
	assert_memory_equal(output, "reading: 1000 rows in ", 22);
	assert_ptr_equal(strchr(output, '\n'), output + strlen(output) - 1);
}

static void nothing_when_quiet(void **unused)
{
	bool quiet = true;
	char output[256] = "";

	(void)unused;
	assert_int_equal(capture(work, &quiet, output, sizeof(output)), 0);
	assert_string_equal(output, "");
}

static void one_line_when_it_is_due(void **unused)
{
	char output[256] = "";

	(void)unused;
	assert_int_equal(capture(late_work, NULL, output, sizeof(output)), 0);
	assert_memory_equal(output, "reading: 25 %, 250 rows, ", 25);
	assert_non_null(strstr(output, " rows/s, "));
	assert_non_null(strstr(output, " s left\n"));
	assert_ptr_equal(strchr(output, '\n'), output + strlen(output) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_at_the_end),
		cmocka_unit_test(nothing_when_quiet),
		cmocka_unit_test(one_line_when_it_is_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
