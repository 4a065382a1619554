/* Addresses to listen on: what is one and what it is printed as. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemons/supervisor/address.h"

static void forms(void **unused)
{
	static const struct {
		const char *text, *printed; /* NULL: refused */
	} cases[] = {
		{ "127.0.0.1:8000", "127.0.0.1:8000" },
		{ "0.0.0.0:0", "0.0.0.0:0" },
		{ "127.0.0.1:65535", "127.0.0.1:65535" },
		{ "127.0.0.1:65536", NULL },
		{ "127.0.0.1:", NULL },
		{ "127.0.0.1", NULL },
		{ "127.0.0.1:http", NULL },
		{ "127.0.0.1:+1", NULL },
		{ "127.0.0:80", NULL },
		{ ":8000", NULL },
		{ "localhost:8000", NULL },
		{ "", NULL },
		{ "[::1]:8000", "[::1]:8000" },
		{ "[::]:8000", "[::]:8000" },
		{ "[0:0:0:0:0:0:0:1]:1", "[::1]:1" },
		{ "[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.1]:1" },
		{ "[::1:8000", NULL },
		{ "[::1]8000", NULL },
		{ "[]:8000", NULL },
		{ "::1:8000", NULL },
		{ "[127.0.0.1]:8000", NULL },
		{ "[1111111111111111111111111111111111111111111111111111111111111111]:1", NULL },
		{ "unix:/run/x.sock", "unix:/run/x.sock" },
		{ "unix:relative", NULL },
		{ "unix:", NULL },
		{ "unix:/"
		  "123456789012345678901234567890123456789012345678901234567890123456789012345"
		  "6789012345678901234567890123456789",
		  NULL },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address a;
		char text[160] = "";
		int r = address_parse(cases[i].text, &a);

		if (r != (cases[i].printed ? 0 : -EINVAL))
			fail_msg("case %zu: %d", i, r);
		if (!cases[i].printed)
			continue;
		address_print(&a, text, sizeof(text));
		if (strcmp(text, cases[i].printed) != 0)
			fail_msg("case %zu: \"%s\"", i, text);
	}
}

static void equality(void **unused)
{
	struct address a, b, c;

	(void)unused;
	address_parse("[::1]:80", &a);
	address_parse("[0::1]:80", &b);
	address_parse("[::1]:81", &c);
	assert_true(address_equal(&a, &b));
	assert_false(address_equal(&a, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(equality),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
