/*
 * Takes a version out of the registry, believes nothing until the digests hold, and opens the model
 * that the holdout judged: the served one may have been trained on the very rows.
 *
 * Called by compare_command.c and promotion.c.
 */
#include "contender.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bundle/bundle.h"
#include "features/row.h"
#include "json/value.h"

#define HOLDOUT "artifacts/holdout_raw.csv"
#define HOLDOUT_MODEL "artifacts/model_holdout.ubj"
#define MANIFEST "artifacts/manifest.json"

/* --- from the registry --- */

static int ask(struct registry *r, const struct registry_request *q, struct registry_version *ret,
               struct errbuf *err)
{
	struct registry_result answer = { .folder = { .fd = -1 } };
	int error = registry_call(r, q, &answer);

	if (error == 0)
		*ret = answer.version;
	else
		*err = answer.err;
	registry_result_done(&answer);
	return error;
}

int contender_find(struct registry *r, const char *words, struct registry_version *ret,
                   struct errbuf *err)
{
	const struct registry_request find = { .verb = REGISTRY_FIND, .version = words };
	const struct registry_request resolve = { .verb = REGISTRY_RESOLVE, .alias = words };
	struct errbuf other;
	int error = ask(r, &find, ret, err);

	if (error != -ENOENT)
		return error;
	return ask(r, &resolve, ret, &other) == 0 ? 0 : error;
}

static int fetch(struct registry *r, const struct registry_version *version,
                 struct registry_folder *ret, struct errbuf *err)
{
	const struct registry_request q = { .verb = REGISTRY_FETCH, .found = version };
	struct registry_result answer = { .folder = { .fd = -1 } };
	int error = registry_call(r, &q, &answer);

	if (error == 0) {
		*ret = answer.folder;
		answer.folder = (struct registry_folder){ .fd = -1 };
	} else {
		*err = answer.err;
	}
	registry_result_done(&answer);
	return error;
}

static int read_bundle(int dir, const struct registry_version *version, const struct settings *s,
                       struct arena *a, struct bundle **ret, struct errbuf *err)
{
	const struct bundle_options o = {
		.max_bytes = s->models.max_bytes,
		.name = str_of(s->models.name),
		.version = str_of(version->version),
		.default_threshold_low = (float)s->models.default_threshold_low,
		.default_threshold_high = (float)s->models.default_threshold_high,
		.holdout = true,
	};

	return bundle_read(dir, ".", &o, a, ret, err);
}

/* A loader refuses it, too: no alias and no pin could say what is live. */
static int check_version(const struct bundle *b, const struct registry_version *version,
                         struct errbuf *err)
{
	if (b->plain || *version->registry_version || str_is(b->version, version->version))
		return 0;
	return errbuf_set(err, -EBADMSG, "the folder holds version \"%.*s\"", STR_ARGS(b->version));
}

static enum forest_trees trees_of(const struct settings *s)
{
	return strcmp(s->models.trees, "all") == 0 ? FOREST_TREES_ALL : FOREST_TREES_BEST;
}

/* --- what it says of itself --- */

/* The manifest's time is in the program's zone and says none. */
static int read_cutoff(struct contender *c, const struct cJSON *manifest, struct errbuf *err)
{
	int32_t zone = program_zone_seconds(&c->model.program);
	const struct program_input in = { .type = INPUT_DATETIME, .zone_seconds = zone };
	struct field_fault fault;
	struct cell cell = { 0 };
	struct str text;
	int r = json_get_text(manifest, "cutoff_time", &text, err);

	if (r < 0)
		return r;
	if (cell_from_text(&in, text, &cell, &fault) < 0 || !cell.present)
		return errbuf_set(err, -EBADMSG, "\"cutoff_time\" is no time");
	c->cutoff_us = cell.v.time_us - (int64_t)zone * 1000000;
	return 0;
}

static void read_sample(struct contender *c, const struct cJSON *manifest)
{
	const struct cJSON *v = json_member(manifest, "sample_non_fraud");
	double share = v && json_type(v) == JSON_TYPE_NUMBER ? json_number(v) : 1;

	c->sample_non_fraud = share > 0 && share <= 1 ? share : 1;
}

static int read_manifest(struct contender *c, const struct bundle *b, struct errbuf *err)
{
	const struct bundle_member *m = bundle_member(b, MANIFEST);
	const struct cJSON *manifest;
	struct json_fault fault;
	int r = json_parse(m->content, &c->arena, &manifest, &fault);

	if (r < 0)
		return errbuf_set(err, r, MANIFEST ": %s", fault.what);
	r = read_cutoff(c, manifest, err);
	if (r < 0)
		return errbuf_prefix(err, r, MANIFEST);
	read_sample(c, manifest);
	return 0;
}

/* --- the model and its rows --- */

static int open_holdout(struct contender *c, struct errbuf *err)
{
	CLEANUP(close_p) int artifacts = -1;
	struct stat st;

	artifacts =
	        openat(c->folder.fd, "artifacts", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (artifacts >= 0)
		c->holdout_fd = openat(artifacts, "holdout_raw.csv",
		                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (c->holdout_fd < 0 || fstat(c->holdout_fd, &st) < 0)
		return errbuf_set(err, -errno, "could not open " HOLDOUT ": %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return errbuf_set(err, -EBADMSG, HOLDOUT " is no regular file");
	return 0;
}

static int open_model(struct contender *c, const struct bundle *b, const struct settings *s,
                      struct errbuf *err)
{
	struct bundle_image image = { 0 };
	int r = bundle_build_image(b, BUNDLE_MODEL_HOLDOUT, trees_of(s), &image, err);

	if (r < 0)
		return errbuf_prefix(err, r, HOLDOUT_MODEL);
	c->image = image.bytes;
	r = score_open(image.bytes, image.size, true, &c->arena, &c->model, err);
	if (r == 0 && score_scratch_init(&c->scratch, &c->model) < 0)
		r = errbuf_set(err, -ENOMEM, "no memory for the model");
	if (r == 0 && (c->model.program.time < 0 || c->model.program.key < 0))
		r = errbuf_set(err, -ENODATA, "its program has no time or no key");
	return r;
}

static int open_judged(struct contender *c, const struct settings *s, struct errbuf *err)
{
	struct arena reading = { 0 };
	struct bundle *b;
	int r = read_bundle(c->folder.fd, &c->version, s, &reading, &b, err);

	if (r == 0)
		r = check_version(b, &c->version, err);
	if (r == 0 && (b->plain || !bundle_member(b, HOLDOUT) || !bundle_member(b, HOLDOUT_MODEL)))
		r = errbuf_set(err, -ENODATA, "it came without a holdout and a model for it");
	if (r == 0)
		r = open_model(c, b, s, err);
	if (r == 0)
		r = read_manifest(c, b, err);
	if (r == 0)
		r = open_holdout(c, err);
	arena_done(&reading);
	return r;
}

int contender_open(struct contender *c, struct registry *r, const struct registry_version *version,
                   const struct settings *s, struct errbuf *err)
{
	int error;

	c->version = *version;
	error = fetch(r, version, &c->folder, err);
	if (error == 0)
		error = open_judged(c, s, err);
	return error < 0 ? errbuf_prefix(err, error, "version \"%s\"", version->version) : 0;
}

static int prove(const struct bundle *b, const struct settings *s, struct errbuf *err)
{
	struct bundle_image image = { 0 };
	enum score_verified verified;
	int r = bundle_build_image(b, BUNDLE_MODEL, trees_of(s), &image, err);

	if (r == 0)
		r = bundle_verify(b, image.bytes, image.size, &verified, err);
	free(image.bytes);
	return r;
}

int contender_prove(struct registry *r, const struct registry_version *version,
                    const struct settings *s, struct errbuf *err)
{
	struct registry_folder folder = { .fd = -1 };
	struct arena a = { 0 };
	struct bundle *b;
	int error = fetch(r, version, &folder, err);

	if (error == 0)
		error = read_bundle(folder.fd, version, s, &a, &b, err);
	if (error == 0)
		error = check_version(b, version, err);
	if (error == 0)
		error = prove(b, s, err);
	arena_done(&a);
	registry_folder_done(&folder);
	return error < 0 ? errbuf_prefix(err, error, "version \"%s\"", version->version) : 0;
}

static int name_folder(const char *path, struct registry_version *ret, struct errbuf *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (!registry_name_is_valid(name))
		return errbuf_set(err, -EINVAL, "\"%s\" is no name of a version", name);
	*ret = (struct registry_version){ 0 };
	memcpy(ret->version, name, strlen(name) + 1);
	return 0;
}

int contender_prove_folder(const char *path, const struct settings *s, char ret[REGISTRY_TEXT],
                           struct errbuf *err)
{
	CLEANUP(close_p) int dir = -1;
	struct registry_version version;
	struct arena a = { 0 };
	struct bundle *b;
	int r = name_folder(path, &version, err);

	if (r < 0)
		return r;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errbuf_set(err, -errno, "could not open \"%s\": %s", path, strerror(errno));
	r = read_bundle(dir, &version, s, &a, &b, err);
	if (r == 0)
		r = prove(b, s, err);
	if (r == 0 && b->version.n >= REGISTRY_TEXT)
		r = errbuf_set(err, -EBADMSG, "the name of its version is too long");
	if (r == 0)
		snprintf(ret, REGISTRY_TEXT, "%.*s", STR_ARGS(b->version));
	arena_done(&a);
	return r < 0 ? errbuf_prefix(err, r, "folder \"%s\"", path) : 0;
}

void contender_close(struct contender *c)
{
	registry_folder_done(&c->folder);
	score_scratch_done(&c->scratch);
	arena_done(&c->arena);
	free(c->image);
	close_p(&c->holdout_fd);
	*c = (struct contender)CONTENDER_NONE;
}

void contender_close_p(struct contender *c)
{
	contender_close(c);
}
