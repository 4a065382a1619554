/*
 * From the bytes of a version to its image: importer, feature program, learned values, thresholds
 * and reason texts meet here. Called by the compile child for what is served and by fraud-train for
 * what is compared; both get what a worker would map.
 */
#include <errno.h>
#include <string.h>

#include "bundle/bundle.h"
#include "features/learn.h"
#include "features/program.h"
#include "score/build.h"

struct source {
	const struct bundle *bundle;
	const struct bundle_member *model;
	struct forest_model *forest;
	struct declaration *declaration;
	struct learned *learned;
};

static int find_model(struct source *s, enum bundle_model which, struct errbuf *err)
{
	s->model = s->bundle->model;
	if (which == BUNDLE_MODEL_HOLDOUT)
		s->model = bundle_member(s->bundle, "artifacts/model_holdout.ubj");
	if (!s->model)
		return errbuf_set(err, -ENOENT, "artifacts/model_holdout.ubj is missing");
	if (s->model->content.n == 0)
		return errbuf_set(err, -EBADMSG, "%.*s is empty", STR_ARGS(s->model->path));
	return 0;
}

static void note_trees(const struct forest_model *f, struct errbuf *ret)
{
	if (f->tree_count == f->trees_in_file)
		errbuf_set(ret, 0, "all %u trees", f->tree_count);
	else
		errbuf_set(ret, 0, "%u of %u trees (best iteration %d)", f->tree_count,
		           f->trees_in_file, f->best_iteration);
}

/* XGBoost calls nameless features f0, f1, … */
static struct str *feature_names(const struct forest_model *f, struct arena *a)
{
	struct str *names = arena_calloc(a, f->feature_count, sizeof(*names));

	if (f->feature_names)
		return f->feature_names;
	for (uint32_t i = 0; names && i < f->feature_count; i++) {
		const char *text = arena_printf(a, "f%u", i);

		if (!text)
			return NULL;
		names[i] = str_of(text);
	}
	return names;
}

static int declare_plain(struct source *s, struct arena *a, struct errbuf *err)
{
	struct str *names = feature_names(s->forest, a);

	if (!names)
		return errbuf_set(err, -ENOMEM, "no memory for feature names");
	return program_declare_plain(names, s->forest->feature_count, a, &s->declaration, err);
}

static struct str content_of(const struct bundle *b, const char *path)
{
	const struct bundle_member *m = bundle_member(b, path);

	return m ? m->content : (struct str){ "", 0 };
}

static int declare(struct source *s, struct arena *a, struct errbuf *err)
{
	const struct bundle *b = s->bundle;
	int r;

	if (b->plain)
		return declare_plain(s, a, err);
	if (s->forest->feature_count != b->feature_count)
		return errbuf_set(
		        err, -EBADMSG, "%.*s has %u features, artifacts/manifest.json says %u",
		        STR_ARGS(s->model->path), s->forest->feature_count, b->feature_count);
	r = program_declare(content_of(b, "artifacts/features.yaml"), "artifacts/features.yaml", a,
	                    &s->declaration, err);
	if (r < 0)
		return r;
	return learned_read(s->declaration, content_of(b, "artifacts/encoders.json"),
	                    content_of(b, "artifacts/medians.json"), a, &s->learned, err);
}

static int build(struct source *s, struct bundle_image *ret, struct errbuf *err)
{
	const struct bundle *b = s->bundle;
	struct score_parts parts = {
		.forest = s->forest,
		.declaration = s->declaration,
		.learned = s->learned,
		.name = b->name,
		.version = b->version,
		.threshold_low = b->threshold_low,
		.threshold_high = b->threshold_high,
		.reasons_yaml = content_of(b, "artifacts/reasons.yaml"),
		.verified = SCORE_VERIFIED_SELF,
	};

	memcpy(parts.model_sha256, s->model->sha256, sizeof(parts.model_sha256));
	return score_image_build(&parts, &ret->bytes, &ret->size, err);
}

int bundle_build_image(const struct bundle *b, enum bundle_model which, enum forest_trees trees,
                       struct bundle_image *ret, struct errbuf *err)
{
	struct source s = { .bundle = b };
	struct arena a = { 0 };
	int r;

	r = find_model(&s, which, err);
	if (r == 0) {
		r = forest_import(s.model->content, trees, NULL, &a, &s.forest, err);
		if (r < 0)
			errbuf_prefix(err, r, "%.*s", STR_ARGS(s.model->path));
	}
	if (r == 0)
		r = declare(&s, &a, err);
	if (r == 0)
		r = build(&s, ret, err);
	if (r == 0)
		note_trees(s.forest, &ret->note);
	arena_done(&a);
	return r;
}
