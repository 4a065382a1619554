/*
 * A training takes hours and an upload may fail in its last second, so the two are apart: the
 * version is whole in a staging folder before the first byte leaves, it stays there until the
 * registry has it, and `fraud-train export` can try again as often as it takes.
 *
 * Called by train_command.c, retrain_command.c and export_command.c.
 */
#include "export.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "run_file.h"

#define KIB 1024

bool export_is_wanted(const struct registry *r)
{
	return strcmp(registry_kind(r), "local") != 0;
}

/* --- before --- */

static int name_staging(struct export *x)
{
	const struct settings *s = x->settings;
	bool own = *s->registry.cache_dir;
	int n = snprintf(x->folder, sizeof(x->folder), "%s%s/staging/%s",
	                 own ? s->registry.cache_dir : s->state_dir, own ? "" : "/cache",
	                 s->models.name);

	return n > 0 && (size_t)n < sizeof(x->folder) ? 0 : -ENAMETOOLONG;
}

static int make_staging(struct export *x, struct errbuf *err)
{
	int r = name_staging(x);

	if (r == 0)
		r = file_make_dirs(x->folder, 0750); /* as the cache */
	return r < 0 ? errbuf_set(err, r, "could not make folder \"%s\": %s", x->folder,
	                          strerror(-r))
	             : 0;
}

int export_prepare(struct export *x, struct errbuf *err)
{
	const struct registry_request q = { .verb = REGISTRY_PREPARE };
	struct registry_result answer;
	int r = registry_call(x->registry, &q, &answer);

	if (r < 0)
		*err = answer.err;
	else if (answer.text)
		log_info("the version will go to %s", answer.text);
	registry_result_done(&answer);
	return r == 0 ? make_staging(x, err) : r;
}

bool export_is_taken(void *x, const char *version)
{
	const struct registry_request q = { .verb = REGISTRY_FIND, .version = version };
	struct registry_result answer;
	int r = registry_call(((struct export *)x)->registry, &q, &answer);

	registry_result_done(&answer);
	return r == 0;
}

/* --- staging --- */

void export_clear(const struct export *x, const char *path)
{
	size_t n = strlen(x->folder);
	int r;

	if (n == 0 || strncmp(path, x->folder, n) != 0 || path[n] != '/')
		return;
	r = file_remove_tree(path);
	if (r < 0)
		log_warning(r, "could not remove \"%s\"", path);
}

static int is_version(const struct dirent *e)
{
	return registry_name_is_valid(e->d_name);
}

void export_tidy(const struct export *x, unsigned keep)
{
	struct dirent **list = NULL;
	char path[PATH_MAX];
	int count = scandir(x->folder, &list, is_version, alphasort);

	/* names are times: the oldest come first */
	for (int i = 0; i < count; i++) {
		if ((unsigned)(count - i) > keep &&
		    (size_t)snprintf(path, sizeof(path), "%s/%s", x->folder, list[i]->d_name) <
		            sizeof(path))
			export_clear(x, path);
		free(list[i]);
	}
	free(list);
	if (count > 0)
		log_warning(0, "%u versions wait in \"%s\" for \"fraud-train export\"",
		            (unsigned)count < keep ? (unsigned)count : keep, x->folder);
}

/* --- the upload --- */

struct upload {
	const struct export *export;
	struct progress progress;
	bool begun;
};

static void on_progress(void *self, uint64_t done, uint64_t total)
{
	struct upload *u = self;

	if (!u->begun)
		progress_start(&u->progress, "uploading", "KiB", total / KIB, u->export->quiet);
	u->begun = true;
	progress_at(&u->progress, done / KIB);
	/* whoever watches hears of a lost lock at the next check: half an upload helps nobody */
	(void)watch_tell(u->export->watch, "uploading", done / KIB, total / KIB);
}

static int publish(const struct export *x, const struct registry_request *q, struct exported *ret,
                   struct errbuf *err)
{
	struct registry_result answer;
	int r = registry_call(x->registry, q, &answer);

	if (r < 0) {
		*err = answer.err;
	} else {
		*ret = (struct exported){ .version = answer.version };
		snprintf(ret->run_id, sizeof(ret->run_id), "%s", answer.text ? answer.text : "");
	}
	registry_result_done(&answer);
	return r;
}

/* What cannot be read is told and not uploaded: the version counts for more. */
static const struct registry_run *find_run(int fd, struct arena *a, struct registry_run *run)
{
	struct errbuf words;
	int r = run_read(fd, a, run, &words);

	if (r == 0)
		return run;
	if (r == -ENOENT)
		log_info("the folder has no " RUN_FILE ": its run will have no figures");
	else
		log_warning(0, "its run will have no figures: %s", words.text);
	return NULL;
}

static int upload(const struct export *x, int fd, const char *version, struct exported *ret,
                  struct errbuf *err)
{
	struct upload u = { .export = x };
	struct arena a = { 0 };
	struct registry_run run;
	const struct registry_request q = {
		.verb = REGISTRY_PUBLISH,
		.version = version,
		.folder_fd = fd,
		.run = find_run(fd, &a, &run),
		.on_progress = on_progress,
		.progress_self = &u,
	};
	int r = publish(x, &q, ret, err);

	if (u.begun && r == 0)
		progress_end(&u.progress, u.progress.total);
	else if (u.begun && u.progress.terminal && !x->quiet)
		fputc('\n', stderr);
	arena_done(&a);
	return r;
}

int export_version(const struct export *x, const char *path, const char *version,
                   struct exported *ret, struct errbuf *err)
{
	CLEANUP(close_p) int fd = -1;
	int r = 0;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		r = errbuf_set(err, -errno, "could not open \"%s\": %s", path, strerror(errno));
	else
		r = upload(x, fd, version, ret, err);
	if (r < 0)
		log_warning(0, "version %s stays in \"%s\"; \"fraud-train export %s\" uploads it",
		            version, path, path);
	else
		log_info("version %s is %s of \"%s\"", version, ret->version.registry_version,
		         x->settings->models.name);
	return r;
}
