/* What the commands of fraud-train do the same way: settings, words, exit statuses, and files that
 * come with the suite. */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/option.h"

#define DEFAULT_CONFIG "/etc/fraudd/fraudd.yaml"

extern char **environ;

static void on_settings_error(void *self, const char *text)
{
	(void)self;
	fprintf(stderr, "fraud-train: %s\n", text);
}

int command_settings(const struct command_source *from, struct settings **ret)
{
	struct settings_sources sources = {
		.yaml_path = from->config,
		.environ = environ,
		.overrides = from->set,
		.override_count = from->set_count,
	};

	if (!sources.yaml_path && access(DEFAULT_CONFIG, F_OK) == 0)
		sources.yaml_path = DEFAULT_CONFIG;
	return settings_load(&sources, on_settings_error, NULL, ret);
}

void command_settings_free_p(struct settings *const *s)
{
	settings_free(*s);
}

int command_want_mlflow(const char *command, const struct settings *s)
{
	if (*s->mlflow.tracking_uri)
		return 0;
	fprintf(stderr,
	        "fraud-train %s: MLFLOW_TRACKING_URI (mlflow.tracking_uri) is not set: the "
	        "address of an MLflow server, such as http://mlflow:5000, is wanted\n",
	        command);
	return EXIT_CONFIG;
}

int command_usage(int r)
{
	return r == OPTION_ANSWERED ? EXIT_DONE : EXIT_USAGE;
}

int command_status(int r)
{
	if (r == -EBUSY)
		return EXIT_BUSY;
	if (r == -ENOKEY)
		return EXIT_CONFIG;
	return r == -EINVAL || r == -EBADMSG || r == -ENOENT || r == -EEXIST || r == -EDOM
	               ? EXIT_DATA
	               : EXIT_FAILED;
}

int command_failed(const char *command, int r, const struct errbuf *err)
{
	fprintf(stderr, "fraud-train %s: %s\n", command, err->text[0] ? err->text : strerror(-r));
	return command_status(r);
}

void command_print(struct strbuf *text)
{
	if (text->n && strbuf_error(text) == 0)
		fwrite(text->p, 1, text->n, stdout);
	strbuf_done(text);
}

int command_find_file(const char *name, char *ret, size_t room, struct errbuf *err)
{
	static const char *const folders[] = { ".", "/etc/fraudd", FRAUDD_DATA_DIR };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		int n = snprintf(ret, room, "%s/%s", folders[i], name);

		if (n > 0 && (size_t)n < room && access(ret, R_OK) == 0)
			return 0;
	}
	return errbuf_set(err, -ENOENT, "could not find \"%s\" here, in /etc/fraudd or in %s", name,
	                  FRAUDD_DATA_DIR);
}
