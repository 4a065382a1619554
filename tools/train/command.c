/* What the commands of fraud-train do the same way: settings, and files that come with the suite.
 */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/fraudd/fraudd.yaml"

extern char **environ;

static void on_settings_error(void *self, const char *text)
{
	(void)self;
	fprintf(stderr, "fraud-train: %s\n", text);
}

int command_settings(const char *path, const char *const *overrides, size_t count,
                     struct settings **ret)
{
	struct settings_sources from = {
		.yaml_path = path,
		.environ = environ,
		.overrides = overrides,
		.override_count = count,
	};

	if (!from.yaml_path)
		from.yaml_path = getenv("FRAUDD_CONFIG");
	if (!from.yaml_path && access(DEFAULT_CONFIG, F_OK) == 0)
		from.yaml_path = DEFAULT_CONFIG;
	return settings_load(&from, on_settings_error, NULL, ret);
}

void command_settings_free_p(struct settings *const *s)
{
	settings_free(*s);
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
