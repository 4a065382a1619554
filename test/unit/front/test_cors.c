/* Which origins the setting names. The headers are tested with the suite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemons/front/cors.h"

static void test_lists(void **state)
{
	static const struct {
		const char *origins, *origin;
		bool listed;
	} cases[] = {
		{ "", "https://a.example", false },
		{ "", "", false },
		{ "https://a.example", "https://a.example", true },
		{ "https://a.example", "https://a.example.evil", false },
		{ "https://a.example", "https://a.exampl", false },
		{ "https://a.example", "http://a.example", false },
		{ "https://a.example", "https://a.example:8443", false },
		{ "https://a.example", "https://A.example", false },
		{ "https://a.example", "", false },
		{ "https://a.example", "null", false },
		{ "https://a.example,https://b.example", "https://b.example", true },
		{ " https://a.example , http://localhost:3000 ", "http://localhost:3000", true },
		{ "https://a.example, https://b.example", "https://a.example, https://b.example",
		  false },
		{ "https://a.example,,", "", false },
		{ "https://a.example,", "https://a.example", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cors_lists(cases[i].origins, str_of(cases[i].origin)) != cases[i].listed)
			fail_msg("case %zu: \"%s\" in \"%s\"", i, cases[i].origin,
			         cases[i].origins);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lists) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
