/*
 * `fraudctl migrate`: brings the database up to date and says each step; --check only asks, so that
 * a deployment can see whether a migration is due, and whether old tables can be adopted.
 *
 * Called by main.c through its table.
 */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/option.h"
#include "command.h"
#include "db/migrate.h"

static void on_line(void *self, const char *text)
{
	(void)self;
	printf("%s\n", text);
	fflush(stdout);
}

static int migrate(struct db *db, bool check, struct errbuf *err)
{
	const struct migrate_options o = { .files = embedded_migrations,
		                           .count = embedded_migration_count,
		                           .on_line = on_line };
	int r = check ? migrate_pending(db, &o, err) : migrate_run(db, &o, err);

	if (r < 0)
		return r;
	if (check)
		printf("%d of %zu migrations are not applied\n", r, embedded_migration_count);
	else if (r == 0)
		puts("the database is up to date");
	else
		printf("%d migrations applied\n", r);
	return check && r > 0 ? -EAGAIN : 0;
}

int command_migrate(int argc, char **argv)
{
	CLEANUP(db_close_p) struct db *db = NULL;
	const char *url = NULL, *config = NULL;
	bool check = false;
	const struct option_row rows[] = {
		{ .name = "database",
		  .argument = "URL",
		  .text = &url,
		  .help = "this database (database.url of the settings)" },
		{ .name = "config", .argument = "FILE", .text = &config, .help = "settings file" },
		{ .name = "check",
		  .flag = &check,
		  .help = "change nothing; exit status 1 if migrations are due, with a line for "
		          "each "
		          "table that would be adopted and for what stands against it" },
	};
	const struct option_command c = { "fraudctl migrate",
		                          "[--database URL] [--check]",
		                          "Brings the database's tables up to date. Each step is a "
		                          "transaction; running it twice does no harm.",
		                          rows,
		                          sizeof(rows) / sizeof(rows[0]),
		                          0,
		                          0 };
	struct errbuf err;
	int r = option_parse(&c, argc, argv);

	if (r < 0)
		return command_usage(r);
	r = command_open_database(url, config, &db, &err);
	if (r == 0)
		r = migrate(db, check, &err);
	if (check && r == -EAGAIN)
		return EXIT_FAILED;
	return r < 0 ? command_failed("migrate", &err) : EXIT_DONE;
}
