/* What SQLSTATEs mean, and that words keep values, details and statements to themselves. */
#include "db/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

struct code_case {
	const char *state;
	int code;
};

static const struct code_case codes[] = {
	{ "08006", -ECONNRESET }, { "57P01", -ECONNRESET },
	{ "57014", -ETIMEDOUT },  { "23505", -EEXIST },
	{ "23503", -EINVAL },     { "22P02", -EINVAL },
	{ "28P01", -EACCES },     { "42501", -EACCES },
	{ "42P01", -ENOENT },     { "42703", -ENOENT },
	{ "42601", -EINVAL },     { "3D000", -ENOENT },
	{ "40001", -EAGAIN },     { "40P01", -EAGAIN },
	{ "53100", -ENOSPC },     { "53200", -ENOMEM },
	{ "55P03", -EBUSY },      { "25006", -EROFS },
	{ "XX000", -EIO },        { "", -EIO },
	{ NULL, -EIO },
};

static void test_codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (db_error_code(codes[i].state) != codes[i].code)
			fail_msg("case %zu (%s): %d, expected %d", i, codes[i].state,
			         db_error_code(codes[i].state), codes[i].code);
}

struct words_case {
	const char *state, *message, *words;
};

static const struct words_case words[] = {
	{ "42P01", "relation \"x\" does not exist",
	  "database: relation \"x\" does not exist (42P01)" },
	{ "22P02", "invalid input syntax for type bigint: \"4111111111111111\"",
	  "database: invalid input syntax for type bigint (22P02)" },
	{ "22003", "value out of range: \"9\"\nDETAIL: row (9)",
	  "database: value out of range (22003)" },
	{ "23505",
	  "duplicate key value violates unique constraint \"a\"\nDETAIL:  Key (name)=(eve)",
	  "database: duplicate key value violates unique constraint \"a\" (23505)" },
	{ NULL, "connection refused\n\tIs the server running?\n", "database: connection refused" },
	{ NULL, "", "the database gave no reason" },
	{ "22000", NULL, "the database gave no reason" },
};

static void test_words(void **state)
{
	struct errbuf err;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		db_error_words(words[i].state, words[i].message, &err);
		if (strcmp(err.text, words[i].words) != 0)
			fail_msg("case %zu: \"%s\", expected \"%s\"", i, err.text, words[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
