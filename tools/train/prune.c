/*
 * A version goes as it came: renamed first, so that it is whole or absent, then removed.
 *
 * Called by retrain_command.c, which holds the lock of all retrains.
 */
#include "prune.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "db/db.h"

#define LEFT_OVER_SECONDS 3600
#define MAX_VERSIONS 100000

/* --- what is in use --- */

static const char served_sql[] = "select distinct model_version from model_live_history"
                                 " where live_until is null and model_name = $1";

static int find_served(const struct settings *s, struct pg_result **ret, struct errbuf *err)
{
	const struct db_options o = { .url = s->database.url,
		                      .application = "fraud-train",
		                      .connect_timeout_ms = s->database.connect_timeout_ms };
	const struct db_param params[] = { DB_TEXT(s->models.name) };
	CLEANUP(db_close_p) struct db *db = NULL;
	int r = db_open(&o, &db, err);

	return r == 0 ? db_query(db, served_sql, params, 1, ret, err) : r;
}

static bool is_served(const struct pg_result *served, const char *version)
{
	for (size_t i = 0; i < db_rows(served); i++)
		if (str_is(db_text(served, i, 0), version))
			return true;
	return false;
}

/* --- removing --- */

static int remove_version(const struct settings *s, const char *version, struct errbuf *err)
{
	char from[PATH_MAX], to[PATH_MAX], tags[PATH_MAX];
	const char *dir = s->models.dir, *name = s->models.name;
	int r;

	snprintf(from, sizeof(from), "%s/%s/%s", dir, name, version);
	snprintf(to, sizeof(to), "%s/%s/.old-%s-%d", dir, name, version, (int)getpid());
	snprintf(tags, sizeof(tags), "%s/%s/tags/%s", dir, name, version);
	r = rename(from, to) < 0 ? -errno : file_remove_tree(to);
	if (r == 0)
		r = file_remove_tree(tags);
	return r < 0 && r != -ENOENT ? errbuf_set(err, r, "could not remove version \"%s\": %s",
	                                          version, strerror(-r))
	                             : 0;
}

static int remove_old(const struct settings *s, const struct registry_result *list,
                      const struct pg_result *served, unsigned *ret, struct errbuf *err)
{
	unsigned kept = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->count; i++) {
		const struct registry_entry *e = &list->entries[i];

		if (*e->aliases || is_served(served, e->version.version))
			continue;
		if (kept++ < s->retrain.keep_versions)
			continue;
		r = remove_version(s, e->version.version, err);
		*ret += r == 0;
	}
	return r;
}

/* --- left over by kills --- */

static void closedir_p(DIR *const *d)
{
	if (*d)
		closedir(*d);
}

static bool is_left_over(int dir, const char *name)
{
	struct stat st;

	return (strncmp(name, ".new-", 5) == 0 || strncmp(name, ".old-", 5) == 0) &&
	       fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_mtime < time(NULL) - LEFT_OVER_SECONDS;
}

static void sweep(const struct settings *s)
{
	CLEANUP(closedir_p) DIR *d = NULL;
	const struct dirent *e;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", s->models.dir, s->models.name);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		if (!is_left_over(dirfd(d), e->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", s->models.dir, s->models.name, e->d_name);
		file_remove_tree(path);
	}
}

int prune_versions(const struct settings *s, struct registry *r, unsigned *ret, struct errbuf *err)
{
	const struct registry_request q = { .verb = REGISTRY_LIST, .limit = MAX_VERSIONS };
	CLEANUP(db_result_free_p) struct pg_result *served = NULL;
	struct registry_result list = { .folder = { .fd = -1 } };
	int error;

	*ret = 0;
	if (strcmp(registry_kind(r), "local") != 0)
		return 0;
	sweep(s);
	error = registry_call(r, &q, &list);
	if (error < 0)
		*err = list.err;
	else
		error = find_served(s, &served, err);
	if (error == 0)
		error = remove_old(s, &list, served, ret, err);
	registry_result_done(&list);
	return error;
}
