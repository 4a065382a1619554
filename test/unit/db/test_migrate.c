/* The files of migrations: numbers, checksums, texts. What needs a server is in test_session.c. */
#include "db/migrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FILE(name, text)                                                                           \
	{                                                                                          \
		name, SUM,                                                                         \
		{                                                                                  \
			text, sizeof(text) - 1                                                     \
		}                                                                                  \
	}

static void test_embedded(void **state)
{
	struct errbuf err = { "" };

	(void)state;
	assert_true(embedded_migration_count >= 7);
	assert_string_equal(embedded_migrations[0].name, "001_transactions.sql");
	if (migrate_check_files(embedded_migrations, embedded_migration_count, &err) != 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < embedded_migration_count; i++)
		assert_int_equal(embedded_migrations[i].text.p[embedded_migrations[i].text.n], 0);
}

struct files_case {
	struct embedded_file files[3];
	size_t count;
	const char *words; /* NULL: good */
};

static const struct files_case cases[] = {
	{ { FILE("001_a.sql", "x"), FILE("002_b.sql", "x") }, 2, NULL },
	{ { FILE("001_a.sql", "x"), FILE("003_b.sql", "x") },
	  2,
	  "migration \"003_b.sql\" stands where number 2 is expected" },
	{ { FILE("001_a.sql", "x"), FILE("001_b.sql", "x") },
	  2,
	  "migration \"001_b.sql\" stands where number 2 is expected" },
	{ { FILE("1_a.sql", "x") }, 1, "migration \"1_a.sql\" stands where number 1 is expected" },
	{ { FILE("001_a.txt", "x") },
	  1,
	  "migration \"001_a.txt\" stands where number 1 is expected" },
	{ { FILE("001_a.sql", "") }, 1, "migration \"001_a.sql\" is empty or no text" },
	{ { FILE("001_a.sql", "x\0y") }, 1, "migration \"001_a.sql\" is empty or no text" },
	{ { { "001_a.sql", "short", { "x", 1 } } }, 1, "migration \"001_a.sql\" has no checksum" },
};

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct errbuf err = { "" };
		int r = migrate_check_files(cases[i].files, cases[i].count, &err);

		if (r != (cases[i].words ? -EINVAL : 0) ||
		    (cases[i].words && strcmp(err.text, cases[i].words) != 0))
			fail_msg("case %zu: %d \"%s\"", i, r, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
