/*
 * What every command does the same way: read the host's settings, open the database, say what
 * failed.
 *
 * Called by the commands of main.c's table.
 */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/option.h"
#include "daemon/control.h"
#include "db/db.h"

#define DEFAULT_CONFIG "/etc/fraudd/fraudd.yaml"

extern char **environ;

int command_usage(int r)
{
	return r == OPTION_ANSWERED ? EXIT_DONE : EXIT_USAGE;
}

int command_failed(const char *command, const struct errbuf *err)
{
	fprintf(stderr, "fraudctl %s: %s\n", command, err->text);
	return EXIT_FAILED;
}

static void on_settings_error(void *self, const char *text)
{
	(void)self;
	fprintf(stderr, "fraudctl: %s\n", text);
}

static struct settings_sources sources(const char *path)
{
	struct settings_sources from = { .yaml_path = path, .environ = environ };

	if (!from.yaml_path && access(DEFAULT_CONFIG, F_OK) == 0)
		from.yaml_path = DEFAULT_CONFIG;
	return from;
}

int command_settings(const char *path, struct settings **ret)
{
	const struct settings_sources from = sources(path);

	return settings_load(&from, on_settings_error, NULL, ret);
}

void command_settings_free_p(struct settings *const *s)
{
	settings_free(*s);
}

int command_connect(struct command_suite *suite, int *ret_fd, struct errbuf *err)
{
	CLEANUP(command_settings_free_p) struct settings *settings = NULL;
	struct settings_sources from = sources(suite->config);
	const char *dir = suite->runtime_dir;
	int r;

	from.in_spite_of_faults = true;
	r = settings_load(&from, dir ? NULL : on_settings_error, NULL, &settings);
	if (r < 0)
		return errbuf_set(err, r, "the settings cannot be used");
	if (!dir) {
		dir = settings->runtime_dir;
		if (r > 0)
			fprintf(stderr,
			        "fraudctl: the settings have faults; the suite is asked in "
			        "\"%s\", --runtime-dir names another folder\n",
			        dir);
	}
	suite->reload_seconds = settings->reload.timeout_seconds;
	return control_connect(dir, ret_fd, err);
}

int command_open_database(const char *url, const char *config, struct db **ret, struct errbuf *err)
{
	CLEANUP(command_settings_free_p) struct settings *settings = NULL;
	struct db_options o = { .url = url, .application = "fraudctl" };
	int r;

	if (!url) {
		r = command_settings(config, &settings);
		if (r < 0)
			return errbuf_set(err, r, "the settings cannot be used");
		o.url = settings->database.url;
		o.connect_timeout_ms = settings->database.connect_timeout_ms;
	}
	return db_open(&o, ret, err);
}
