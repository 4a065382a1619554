/* traceparent: the examples of W3C Trace Context and what it calls invalid. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemons/front/trace.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

static void test_cases(void **state)
{
	static const struct {
		const char *text;
		int r;
	} cases[] = {
		{ "00-" ID "-" PARENT "-01", 0 },
		{ "00-" ID "-" PARENT "-00", 0 },
		{ "00-" ID "-" PARENT "-ff", 0 },
		/* versions to come */
		{ "cc-" ID "-" PARENT "-01", 0 },
		{ "cc-" ID "-" PARENT "-01-what-the-future-holds", 0 },
		{ "cc-" ID "-" PARENT "-01.what", -EINVAL },
		{ "cc-" ID "-" PARENT "-011", -EINVAL },
		{ "ff-" ID "-" PARENT "-01", -EINVAL },
		{ "0x-" ID "-" PARENT "-01", -EINVAL },
		{ "CC-" ID "-" PARENT "-01", -EINVAL },
		{ "0-" ID "-" PARENT "-01", -EINVAL },
		/* ours ends after its flags */
		{ "00-" ID "-" PARENT "-01-more", -EINVAL },
		{ "00-" ID "-" PARENT "-011", -EINVAL },
		{ "00-" ID "-" PARENT "-0", -EINVAL },
		{ "00-" ID "-" PARENT "-", -EINVAL },
		{ "00-" ID "-" PARENT, -EINVAL },
		{ "00-" ID "-" PARENT "-0g", -EINVAL },
		{ "00-" ID "-" PARENT "-0A", -EINVAL },
		/* the id */
		{ "00-00000000000000000000000000000000-" PARENT "-01", -EINVAL },
		{ "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01", -EINVAL },
		{ "00-4bf92f3577b34da6a3ce929d0e0e473-" PARENT "-01", -EINVAL },
		{ "00-4bf92f3577b34da6a3ce929d0e0e47361-" PARENT "-01", -EINVAL },
		{ "00-4bf92f3577b34da6a3ce929d0e0e473.-" PARENT "-01", -EINVAL },
		/* the parent */
		{ "00-" ID "-0000000000000000-01", -EINVAL },
		{ "00-" ID "-00f067aa0ba902bg-01", -EINVAL },
		{ "00-" ID "-00f067aa0ba902b-01", -EINVAL },
		/* the dashes */
		{ "00_" ID "-" PARENT "-01", -EINVAL },
		{ "00-" ID "_" PARENT "-01", -EINVAL },
		{ "00-" ID "-" PARENT "_01", -EINVAL },
		{ " 00-" ID "-" PARENT "-01", -EINVAL },
		{ "", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct trace t = { .id = "untouched", .parent = "untouched" };
		int r = trace_parse(str_of(cases[i].text), &t);

		if (r != cases[i].r)
			fail_msg("case %zu: %d for \"%s\"", i, r, cases[i].text);
		assert_string_equal(t.id, r == 0 ? ID : "untouched");
		assert_string_equal(t.parent, r == 0 ? PARENT : "untouched");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
