/*
 * Reads a version folder and believes nothing: with artifacts/ every file must be listed in
 * manifest.json with the digest that it has, both places must say the same version and thresholds,
 * and what is needed must be there. Called by the loader and its compile child, by fraudctl and
 * fraud-train. Invariant: a bundle that this returns is one that bundle_write() wrote, or a folder
 * that Python logged, whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bundle/bundle.h"
#include "bundle/member.h"
#include "bundle/texts.h"

#define MANIFEST "artifacts/manifest.json"

const struct bundle_member *bundle_member(const struct bundle *b, const char *path)
{
	for (size_t i = 0; i < b->member_count; i++) {
		if (str_is(b->members[i].path, path))
			return &b->members[i];
	}
	return NULL;
}

static int by_path(const void *a, const void *b)
{
	const struct bundle_member *x = a, *y = b;
	size_t n = x->path.n < y->path.n ? x->path.n : y->path.n;
	int order = memcmp(x->path.p, y->path.p, n);

	return order ? order : (x->path.n > y->path.n) - (x->path.n < y->path.n);
}

static int read_listed(struct member_reader *r, const struct manifest *m, struct errbuf *err)
{
	for (size_t i = 0; i < m->digest_count; i++) {
		const struct manifest_digest *d = &m->digests[i];
		int error;

		if (str_is(d->path, MANIFEST))
			return errbuf_set(err, -EBADMSG, MANIFEST ": lists itself");
		error = member_read(r, d->path, err);
		if (error < 0)
			return error;
		if (memcmp(r->bundle->members[r->bundle->member_count - 1].sha256, d->sha256,
		           sizeof(d->sha256)) != 0)
			return errbuf_set(err, -EBADMSG, MANIFEST ": sha256 of %.*s differs",
			                  STR_ARGS(d->path));
	}
	return 0;
}

/* A known file that nobody vouches for could change what is served. */
static int check_kinds(const struct member_reader *r, struct errbuf *err)
{
	const struct member_kind *k;

	for (size_t i = 0; (k = member_kind_at(i)); i++) {
		if (bundle_member(r->bundle, k->path))
			continue;
		if (k->required)
			return errbuf_set(err, -EBADMSG, MANIFEST ": does not list %s", k->path);
		if (member_exists(r, k->path))
			return errbuf_set(err, -EBADMSG, "%s is not listed in " MANIFEST, k->path);
	}
	return 0;
}

static int apply_thresholds(struct bundle *b, const struct manifest *m, struct arena *a,
                            struct errbuf *err)
{
	struct thresholds t;
	int r = thresholds_read(bundle_member(b, "artifacts/thresholds.yaml")->content, a, &t, err);

	if (r < 0)
		return r;
	if (t.version.n && !str_equal(t.version, m->version))
		return errbuf_set(err, -EBADMSG,
		                  "artifacts/thresholds.yaml is of version \"%.*s\", " MANIFEST
		                  " of \"%.*s\"",
		                  STR_ARGS(t.version), STR_ARGS(m->version));
	/* as float32, or somebody edited one of them */
	if (t.low != m->threshold_low || t.high != m->threshold_high)
		return errbuf_set(err, -EBADMSG,
		                  "artifacts/thresholds.yaml and " MANIFEST
		                  " say different thresholds");
	b->threshold_low = t.low;
	b->threshold_high = t.high;
	return 0;
}

static int read_whole(struct member_reader *r, struct errbuf *err)
{
	struct bundle *b = r->bundle;
	struct manifest m = { 0 };
	int error;

	error = member_read(r, STR(MANIFEST), err);
	if (error == 0)
		error = manifest_read(b->members[0].content, r->arena, &m, err);
	if (error == 0)
		error = read_listed(r, &m, err);
	if (error == 0)
		error = check_kinds(r, err);
	if (error == 0)
		error = apply_thresholds(b, &m, r->arena, err);
	if (error < 0)
		return error;
	b->name = m.name.n ? m.name : r->options->name;
	b->version = m.version;
	b->feature_count = (uint32_t)m.feature_count;
	return 0;
}

static int read_plain(struct member_reader *r, struct str *ret_model, struct errbuf *err)
{
	const struct bundle_options *o = r->options;
	struct bundle *b = r->bundle;
	int error = 0;

	*ret_model = member_exists(r, "model.ubj") ? STR("model.ubj") : STR("model.json");
	if (member_exists(r, "MLmodel")) {
		error = member_read(r, STR("MLmodel"), err);
		if (error == 0)
			error = mlmodel_read(b->members[0].content, r->arena, ret_model, err);
	}
	if (error == 0)
		error = member_read(r, *ret_model, err);
	if (error < 0)
		return error;
	b->name = o->name;
	b->version = o->version;
	b->threshold_low = o->default_threshold_low;
	b->threshold_high = o->default_threshold_high;
	return 0;
}

static int keep_texts(struct bundle *b, struct arena *a)
{
	char *name = arena_strndup(a, b->name);
	char *version = arena_strndup(a, b->version);

	if (!name || !version)
		return -ENOMEM;
	b->name.p = name;
	b->version.p = version;
	return 0;
}

static int read_folder(struct member_reader *r, struct errbuf *err)
{
	struct bundle *b = r->bundle;
	struct str model = STR("model.ubj");
	char *terminated;
	int error;

	b->plain = !member_exists(r, "artifacts");
	error = b->plain ? read_plain(r, &model, err) : read_whole(r, err);
	if (error < 0)
		return error;
	terminated = arena_strndup(r->arena, model);
	if (!terminated || keep_texts(b, r->arena) < 0)
		return errbuf_set(err, -ENOMEM, "no memory for the version");
	qsort(b->members, b->member_count, sizeof(*b->members), by_path);
	b->model = bundle_member(b, terminated);
	return 0;
}

int bundle_read(int dir_fd, const char *path, const struct bundle_options *options, struct arena *a,
                struct bundle **ret, struct errbuf *err)
{
	CLEANUP(close_p) int dir = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct member_reader r = { .dir = dir, .options = options, .arena = a };
	int error;

	if (dir < 0)
		return errbuf_set(err, -errno, "could not open folder \"%s\": %s", path,
		                  strerror(errno));
	r.bundle = arena_calloc(a, 1, sizeof(*r.bundle));
	if (!r.bundle)
		return errbuf_set(err, -ENOMEM, "no memory for the version");
	r.bundle->members = arena_calloc(a, BUNDLE_MAX_MEMBERS, sizeof(*r.bundle->members));
	if (!r.bundle->members)
		return errbuf_set(err, -ENOMEM, "no memory for the version");
	error = read_folder(&r, err);
	if (error == 0)
		*ret = r.bundle;
	return error;
}
