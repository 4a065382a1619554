/*
 * The key of the tokens from a file, so that it need not stand in a settings file or an environment
 * that others may read: the one that is named, or systemd's LoadCredential= by its fixed name. Only
 * who loads settings comes here, so only the supervisor ever opens that file.
 *
 * Called by load.c after every other source.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "config/table.h"

#define MAX_SECRET 4096
#define CREDENTIAL "jwt_secret_key"

struct secret_error {
	settings_on_error *on_error;
	void *self;
};

static void tell(const struct secret_error *e, const char *path, const char *words)
{
	char text[4096 + 128];

	snprintf(text, sizeof(text), "jwt.secret_key from \"%s\": %s", path, words);
	e->on_error(e->self, text);
}

/* Editors end a file with a line end; a secret has none. */
static struct str without_line_end(const char *text, size_t size)
{
	while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
		size--;
	return (struct str){ text, size };
}

/* optional: a file that is not there is no error. */
static void read_secret(struct settings *s, const char *path, bool optional,
                        const struct secret_error *e)
{
	CLEANUP(free_p) char *text = NULL;
	struct errbuf err = { "" };
	size_t size = 0;
	int r = file_read(AT_FDCWD, path, MAX_SECRET, &text, &size);

	if (r == -ENOENT && optional)
		return;
	if (r < 0)
		tell(e, path, strerror(-r));
	else if (setting_set(setting_find(STR("jwt.secret_key")), s, without_line_end(text, size),
	                     &err) < 0)
		tell(e, path, err.text);
	if (text)
		explicit_bzero(text, size);
}

static const char *find_variable(char **words, const char *name)
{
	size_t n = strlen(name);

	for (char **e = words; e && *e; e++) {
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			return *e + n + 1;
	}
	return NULL;
}

void secrets_load(struct settings *s, char **words, settings_on_error *on_error, void *self)
{
	const struct secret_error e = { on_error, self };
	const char *folder = find_variable(words, "CREDENTIALS_DIRECTORY");
	char path[4096];

	if (s->jwt.secret_key_file[0] && s->jwt.secret_key[0])
		tell(&e, s->jwt.secret_key_file, "jwt.secret_key is given, too");
	else if (s->jwt.secret_key_file[0])
		read_secret(s, s->jwt.secret_key_file, false, &e);
	else if (!s->jwt.secret_key[0] && folder &&
	         snprintf(path, sizeof(path), "%s/" CREDENTIAL, folder) < (int)sizeof(path))
		read_secret(s, path, true, &e);
}
