/* The setting `services`: names, repetition, programs that are not installed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemons/supervisor/service.h"

/* This test stands beside copies of two of the three programs: see CMakeLists.txt. */
static void selections(void **unused)
{
	static const struct {
		const char *text;
		int r;
		bool front, loader;
		const char *words;
	} cases[] = {
		{ "front, loader", 0, true, true, "" },
		{ "loader", 0, false, true, "" },
		{ " loader ,front ", 0, true, true, "" },
		{ "front, scheduler", -ENOENT, false, false, "fraud-scheduler" },
		{ "front, front", -EINVAL, false, false, "twice" },
		{ "", -EINVAL, false, false, "none of" },
		{ "front,", -EINVAL, false, false, "none of" },
		{ "fron", -EINVAL, false, false, "\"fron\"" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ret[SERVICE_MAX] = { false };
		struct errbuf err = { "" };
		int r = service_select(cases[i].text, ret, &err);

		if (r != cases[i].r || !strstr(err.text, cases[i].words))
			fail_msg("case %zu: %d, \"%s\"", i, r, err.text);
		if (ret[SERVICE_FRONT] != cases[i].front || ret[SERVICE_LOADER] != cases[i].loader)
			fail_msg("case %zu: selected", i);
	}
}

static void instances(void **unused)
{
	struct settings s = { .front = { .workers = 7 } };

	(void)unused;
	assert_int_equal(services[SERVICE_FRONT].instances(&s), 7);
	assert_int_equal(services[SERVICE_LOADER].instances(&s), 1);
	s.front.workers = 0;
	assert_true(services[SERVICE_FRONT].instances(&s) >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selections),
		cmocka_unit_test(instances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
