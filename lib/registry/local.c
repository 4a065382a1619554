/*
 * The local folder as a registry: alias files, version folders and tag files below
 * <models.dir>/<name>. Several hosts may share it over a network file system; every change is one
 * rename, so nobody reads half of one. Called by registry.c, which has checked all names.
 *
 * Invariant: below models.dir every step is one openat() without following symbolic links, so
 * whoever may write versions cannot point the suite at other files.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "registry/folder.h"
#include "registry/source.h"

#define ALIASES "aliases"
#define TAGS "tags"
#define MAX_VERSIONS 100000

/* Words go to /health: they name the folder, not where it lies. */
static const char *dir_name(const struct registry *r)
{
	const char *end = r->dir + strlen(r->dir);
	const char *p = end;

	while (p > r->dir && p[-1] != '/')
		p--;
	return p < end ? p : r->dir;
}

/* The folder of the model's name. */
static int open_model(const struct registry *r, int *ret, struct errbuf *err)
{
	CLEANUP(close_p) int dir = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error;

	if (dir < 0)
		return errbuf_set(err, -errno,
		                  "could not open the model folder \"%s\": %s; set models.dir or "
		                  "train a version",
		                  dir_name(r), strerror(errno));
	error = folder_open(dir, r->name, ret);
	if (error == -ENOENT)
		return errbuf_set(err, error,
		                  "no model \"%s\" in \"%s\": train a version or set models.name",
		                  r->name, dir_name(r));
	if (error < 0)
		return errbuf_set(err, error, "could not open model \"%s\" in \"%s\": %s", r->name,
		                  dir_name(r), strerror(-error));
	return 0;
}

static bool is_version_name(const char *text)
{
	return registry_name_is_valid(text) && strcmp(text, ALIASES) != 0 &&
	       strcmp(text, TAGS) != 0;
}

static void set_version(struct registry_version *v, const char *text, uint64_t stamp)
{
	memset(v, 0, sizeof(*v));
	memcpy(v->version, text, strlen(text));
	v->stamp = stamp;
}

static int open_version(const struct registry *r, int model, const char *version, int *ret,
                        struct errbuf *err)
{
	int error = is_version_name(version) ? folder_open(model, version, ret) : -ENOENT;

	if (error == -ENOENT)
		return errbuf_set(err, error, "no version \"%s\" of model \"%s\" in \"%s\"",
		                  version, r->name, dir_name(r));
	if (error < 0)
		return errbuf_set(err, error, "could not open version \"%s\" of model \"%s\": %s",
		                  version, r->name, strerror(-error));
	return 0;
}

static int find_version(const struct registry *r, int model, const char *version,
                        struct registry_version *ret, struct errbuf *err)
{
	CLEANUP(close_p) int dir = -1;
	int error = open_version(r, model, version, &dir, err);

	if (error < 0)
		return error;
	set_version(ret, version, folder_stamp(dir));
	return 0;
}

/* -ENOENT, or -EBADMSG for what is no version's name. */
static int read_alias(int model, const char *alias, char ret[REGISTRY_TEXT])
{
	CLEANUP(close_p) int dir = -1;
	char text[REGISTRY_TEXT + 1];
	int r = folder_open(model, ALIASES, &dir);

	if (r == 0)
		r = folder_read_text(dir, alias, text, sizeof(text));
	if (r < 0)
		return r;
	text[strcspn(text, "\r\n")] = '\0';
	if (!is_version_name(text))
		return -EBADMSG;
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

static int alias_error(const struct registry *r, const char *alias, int error, struct errbuf *err)
{
	if (error == -ENOENT)
		return errbuf_set(err, error,
		                  "no alias \"%s\" of model \"%s\" in \"%s\": train a version or "
		                  "set the alias",
		                  alias, r->name, dir_name(r));
	if (error == -EBADMSG || error == -EFBIG)
		return errbuf_set(
		        err, -EBADMSG,
		        "alias \"%s\" of model \"%s\" does not hold the name of a version", alias,
		        r->name);
	return errbuf_set(err, error, "could not read alias \"%s\" of model \"%s\": %s", alias,
	                  r->name, strerror(-error));
}

static int local_resolve(const struct registry *r, const struct registry_request *q,
                         struct registry_result *ret)
{
	CLEANUP(close_p) int model = -1;
	char version[REGISTRY_TEXT];
	int error = open_model(r, &model, &ret->err);

	if (error < 0)
		return error;
	error = read_alias(model, q->alias, version);
	if (error < 0)
		return alias_error(r, q->alias, error, &ret->err);
	error = find_version(r, model, version, &ret->version, &ret->err);
	if (error < 0)
		set_version(&ret->version, version, 0);
	return error < 0 ? errbuf_prefix(&ret->err, error, "alias \"%s\"", q->alias) : 0;
}

static int local_find(const struct registry *r, const struct registry_request *q,
                      struct registry_result *ret)
{
	CLEANUP(close_p) int model = -1;
	int error = open_model(r, &model, &ret->err);

	return error < 0 ? error : find_version(r, model, q->version, &ret->version, &ret->err);
}

static int local_fetch(const struct registry *r, const struct registry_request *q,
                       struct registry_result *ret)
{
	CLEANUP(close_p) int model = -1;
	int error = open_model(r, &model, &ret->err);

	if (error < 0)
		return error;
	return open_version(r, model, q->found->version, &ret->folder.fd, &ret->err);
}

/* Newest first: names are time stamps, and in others numbers count as numbers. */
static int by_age(const void *a, const void *b)
{
	const struct registry_entry *x = a, *y = b;

	return strverscmp(y->version.version, x->version.version);
}

static void fill_entry(int model, const char *name, struct registry_entry *ret)
{
	CLEANUP(close_p) int dir = -1;
	struct stat st;

	set_version(&ret->version, name, 0);
	if (folder_open(model, name, &dir) < 0 || fstat(dir, &st) < 0)
		return;
	ret->version.stamp = folder_stamp(dir);
	ret->created_at_us = st.st_mtim.tv_sec * INT64_C(1000000) + st.st_mtim.tv_nsec / 1000;
}

static void add_alias(struct registry_entry *e, const char *alias)
{
	size_t n = strlen(e->aliases);

	if (n + 2 + strlen(alias) < sizeof(e->aliases))
		snprintf(e->aliases + n, sizeof(e->aliases) - n, "%s%s", n ? ", " : "", alias);
}

static void add_aliases(int model, struct registry_result *ret)
{
	CLEANUP(folder_names_done) struct folder_names aliases = { 0 };
	CLEANUP(close_p) int dir = -1;
	char version[REGISTRY_TEXT];

	/* No aliases yet, or none that can be read: the versions are told all the same. */
	if (folder_open(model, ALIASES, &dir) < 0 || folder_list(dir, MAX_VERSIONS, &aliases) < 0)
		return;
	for (size_t i = 0; i < aliases.count; i++) {
		if (!registry_name_is_valid(aliases.list[i]) ||
		    read_alias(model, aliases.list[i], version) < 0)
			continue;
		for (size_t j = 0; j < ret->count; j++)
			if (strcmp(ret->entries[j].version.version, version) == 0)
				add_alias(&ret->entries[j], aliases.list[i]);
	}
}

static bool is_version(int model, const char *name)
{
	struct stat st;

	return is_version_name(name) && fstatat(model, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static int local_list(const struct registry *r, const struct registry_request *q,
                      struct registry_result *ret)
{
	CLEANUP(folder_names_done) struct folder_names names = { 0 };
	CLEANUP(close_p) int model = -1;
	size_t count = 0;
	int error = open_model(r, &model, &ret->err);

	if (error < 0)
		return error;
	error = folder_list(model, MAX_VERSIONS, &names);
	if (error == 0) {
		ret->entries = calloc(names.count + 1, sizeof(*ret->entries));
		error = ret->entries ? 0 : -ENOMEM;
	}
	if (error < 0)
		return errbuf_set(&ret->err, error, "could not list the versions of \"%s\": %s",
		                  r->name, strerror(-error));
	for (size_t i = 0; i < names.count; i++)
		if (is_version(model, names.list[i]))
			set_version(&ret->entries[count++].version, names.list[i], 0);
	qsort(ret->entries, count, sizeof(*ret->entries), by_age);
	ret->count = count < q->limit ? count : q->limit;
	for (size_t i = 0; i < ret->count; i++) {
		char name[REGISTRY_TEXT];

		memcpy(name, ret->entries[i].version.version, sizeof(name));
		fill_entry(model, name, &ret->entries[i]);
	}
	add_aliases(model, ret);
	return 0;
}

static int write_alias(int model, const char *alias, const char *version)
{
	CLEANUP(close_p) int dir = -1;
	char text[REGISTRY_TEXT + 1];
	int n = snprintf(text, sizeof(text), "%s\n", version);
	int r = folder_make(model, ALIASES, &dir);

	return r < 0 ? r : file_write(dir, alias, (struct str){ text, (size_t)n }, 0644);
}

/* Previous first: a crash in between leaves the alias as it was, and both name whole versions. */
static int local_set_alias(const struct registry *r, const struct registry_request *q,
                           struct registry_result *ret)
{
	CLEANUP(close_p) int model = -1;
	char before[REGISTRY_TEXT];
	int error = open_model(r, &model, &ret->err);

	if (error == 0)
		error = find_version(r, model, q->version, &ret->version, &ret->err);
	if (error < 0)
		return error;
	if (q->keep_previous && read_alias(model, q->alias, before) == 0 &&
	    strcmp(before, q->version) != 0)
		error = write_alias(model, REGISTRY_PREVIOUS, before);
	if (error == 0)
		error = write_alias(model, q->alias, q->version);
	if (error < 0)
		return errbuf_set(&ret->err, error,
		                  "could not set alias \"%s\" of model \"%s\": %s", q->alias,
		                  r->name, strerror(-error));
	return 0;
}

static int tag_error(const struct registry_request *q, int error, struct errbuf *err)
{
	if (error == -ENOENT)
		return errbuf_set(err, error, "version \"%s\" has no tag \"%s\"", q->version,
		                  q->key);
	return errbuf_set(err, error, "tag \"%s\" of version \"%s\": %s", q->key, q->version,
	                  strerror(-error));
}

static int local_get_tag(const struct registry *r, const struct registry_request *q,
                         struct registry_result *ret)
{
	CLEANUP(close_p) int model = -1;
	CLEANUP(close_p) int tags = -1;
	CLEANUP(close_p) int dir = -1;
	int error = open_model(r, &model, &ret->err);

	if (error < 0)
		return error;
	error = folder_open(model, TAGS, &tags);
	if (error == 0)
		error = folder_open(tags, q->version, &dir);
	if (error == 0) {
		ret->text = malloc(REGISTRY_TAG_BYTES + 1);
		error = ret->text ? folder_read_text(dir, q->key, ret->text, REGISTRY_TAG_BYTES + 1)
		                  : -ENOMEM;
	}
	return error < 0 ? tag_error(q, error, &ret->err) : 0;
}

static int local_set_tag(const struct registry *r, const struct registry_request *q,
                         struct registry_result *ret)
{
	CLEANUP(close_p) int model = -1;
	CLEANUP(close_p) int tags = -1;
	CLEANUP(close_p) int dir = -1;
	int error = open_model(r, &model, &ret->err);

	if (error == 0)
		error = find_version(r, model, q->version, &ret->version, &ret->err);
	if (error < 0)
		return error;
	error = folder_make(model, TAGS, &tags);
	if (error == 0)
		error = folder_make(tags, q->version, &dir);
	if (error == 0)
		error = file_write(dir, q->key, q->text, 0644);
	return error < 0 ? tag_error(q, error, &ret->err) : 0;
}

/* --- training --- */

static int local_prepare(const struct registry *r, const struct registry_request *q,
                         struct registry_result *ret)
{
	(void)q;
	if (asprintf(&ret->text, "the folder \"%s/%s\"", r->dir, r->name) >= 0)
		return 0;
	ret->text = NULL;
	return errbuf_set(&ret->err, -ENOMEM, "out of memory");
}

/* Who trains writes the version to its place (bundle_write); here it is only looked up. */
static int local_publish(const struct registry *r, const struct registry_request *q,
                         struct registry_result *ret)
{
	return local_find(r, q, ret);
}

static int (*const verbs[REGISTRY_VERB_MAX])(const struct registry *r,
                                             const struct registry_request *q,
                                             struct registry_result *ret) = {
	[REGISTRY_RESOLVE] = local_resolve,     [REGISTRY_FIND] = local_find,
	[REGISTRY_LIST] = local_list,           [REGISTRY_FETCH] = local_fetch,
	[REGISTRY_SET_ALIAS] = local_set_alias, [REGISTRY_GET_TAG] = local_get_tag,
	[REGISTRY_SET_TAG] = local_set_tag,     [REGISTRY_PREPARE] = local_prepare,
	[REGISTRY_PUBLISH] = local_publish,
};

/* A few small calls to a file system: at once. */
static void local_start(struct registry_call *c)
{
	call_end(c, verbs[c->q.verb](c->registry, &c->q, &c->result));
}

const struct source source_local = { .kind = "local", .start = local_start };
