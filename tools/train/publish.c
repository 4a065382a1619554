/*
 * Gathers the files of a version, proves them and writes them. The proof is the same that a loader
 * will demand: the image is built from the very bytes that go to disk and scores the golden rows.
 * A version that our own code disagrees with is never written.
 */
#include "publish.h"

#include <errno.h>
#include <stdlib.h>

#include "flavor.h"
#include "golden_rows.h"

enum member {
	MEMBER_MLMODEL,
	MEMBER_ENCODERS,
	MEMBER_FEATURES,
	MEMBER_GOLDEN,
	MEMBER_HOLDOUT_ROWS,
	MEMBER_MEDIANS,
	MEMBER_MODEL_HOLDOUT,
	MEMBER_REFERENCE,
	MEMBER_THRESHOLDS,
	MEMBER_CONDA,
	MEMBER_MODEL,
	MEMBER_PYTHON_ENV,
	MEMBER_REQUIREMENTS,
	MEMBER_REASONS,  /* absent where there are none */
	MEMBER_MANIFEST, /* lists all before it */
	MEMBER_RUN,      /* what is not the same each time is no part of the version */
	MEMBER_MAX
};

static const char *const paths[MEMBER_MAX] = {
	[MEMBER_MLMODEL] = "MLmodel",
	[MEMBER_ENCODERS] = "artifacts/encoders.json",
	[MEMBER_FEATURES] = "artifacts/features.yaml",
	[MEMBER_GOLDEN] = "artifacts/golden.csv",
	[MEMBER_HOLDOUT_ROWS] = "artifacts/holdout_raw.csv",
	[MEMBER_MEDIANS] = "artifacts/medians.json",
	[MEMBER_MODEL_HOLDOUT] = "artifacts/model_holdout.ubj",
	[MEMBER_REFERENCE] = "artifacts/reference.json",
	[MEMBER_THRESHOLDS] = "artifacts/thresholds.yaml",
	[MEMBER_CONDA] = "conda.yaml",
	[MEMBER_MODEL] = "model.ubj",
	[MEMBER_PYTHON_ENV] = "python_env.yaml",
	[MEMBER_REQUIREMENTS] = "requirements.txt",
	[MEMBER_REASONS] = "artifacts/reasons.yaml",
	[MEMBER_MANIFEST] = "artifacts/manifest.json",
	[MEMBER_RUN] = RUN_FILE,
};

struct publisher {
	const struct publication *publication;
	const struct training *training;
	struct errbuf *err;
	struct strbuf text[MEMBER_MAX];
	struct bundle_file files[MEMBER_MAX];
	size_t file_count;
};

static int write_models(struct publisher *p)
{
	const struct fit *f = p->training->fit;
	int r = xgb_model_save(fit_served(f), "ubj", &p->text[MEMBER_MODEL], p->err);

	if (r == 0)
		r = xgb_model_save(f->holdout_model, "ubj", &p->text[MEMBER_MODEL_HOLDOUT], p->err);
	return r;
}

/* The model is there already. */
static int write_flavor(struct publisher *p)
{
	char xgboost[24];
	const struct flavor flavor = {
		.xgboost = xgboost,
		.program = &p->training->dataset->program,
		.model = strbuf_str(&p->text[MEMBER_MODEL]),
		.created_us = p->training->trained_us,
	};

	xgb_version(xgboost);
	flavor_requirements(&p->text[MEMBER_REQUIREMENTS], xgboost);
	flavor_python_env(&p->text[MEMBER_PYTHON_ENV]);
	flavor_conda(&p->text[MEMBER_CONDA], xgboost);
	return flavor_mlmodel(&p->text[MEMBER_MLMODEL], &flavor);
}

static int write_learned(struct publisher *p)
{
	const struct dataset *d = p->training->dataset;
	int r = learned_write_encoders(d->learned, d->declaration, &p->text[MEMBER_ENCODERS]);

	if (r == 0)
		r = learned_write_medians(d->learned, d->declaration, &p->text[MEMBER_MEDIANS]);
	return r;
}

static void add_file(struct publisher *p, enum member m)
{
	bool is_rows = m == MEMBER_HOLDOUT_ROWS;

	p->files[p->file_count++] = (struct bundle_file){
		.path = paths[m],
		.content = strbuf_str(&p->text[m]),
		.fd = is_rows ? p->training->dataset->holdout_fd : -1,
	};
}

/* The manifest tells the digests of all before it. */
static int list_files(struct publisher *p)
{
	int r;

	for (unsigned m = 0; m < MEMBER_MANIFEST; m++) {
		if (strbuf_error(&p->text[m]))
			return strbuf_error(&p->text[m]);
		if (m != MEMBER_REASONS || p->text[m].n)
			add_file(p, m);
	}
	r = report_manifest(p->training, p->files, p->file_count, &p->text[MEMBER_MANIFEST]);
	if (r == 0)
		r = run_write(p->training, p->publication->origin, &p->text[MEMBER_RUN]);
	if (r < 0)
		return r;
	add_file(p, MEMBER_MANIFEST);
	add_file(p, MEMBER_RUN);
	return 0;
}

static int write_texts(struct publisher *p)
{
	const struct publication *from = p->publication;
	const struct training *t = p->training;
	int r;

	strbuf_add(&p->text[MEMBER_FEATURES], from->features_yaml.p, from->features_yaml.n);
	strbuf_add(&p->text[MEMBER_REASONS], from->reasons_yaml.p, from->reasons_yaml.n);
	report_thresholds(t, &p->text[MEMBER_THRESHOLDS]);
	r = write_models(p);
	if (r == 0)
		r = write_flavor(p);
	if (r == 0)
		r = write_learned(p);
	if (r == 0)
		r = report_reference(t, &p->text[MEMBER_REFERENCE]);
	if (r == 0)
		r = golden_rows_write(t->dataset, fit_served(t->fit), &p->text[MEMBER_GOLDEN],
		                      p->err);
	return r < 0 ? r : list_files(p);
}

/* The files as a bundle, as if they had been read back. */
static int as_bundle(const struct publisher *p, struct arena *a, struct bundle *ret)
{
	const struct training *t = p->training;
	struct bundle b = {
		.name = str_of(t->name),
		.version = str_of(t->version),
		.threshold_low = t->fit->thresholds.low,
		.threshold_high = t->fit->thresholds.high,
		.feature_count = t->dataset->program.feature_count,
	};

	b.members = arena_calloc(a, p->file_count, sizeof(*b.members));
	if (!b.members)
		return -ENOMEM;
	for (size_t i = 0; i < p->file_count; i++) {
		struct bundle_member *m = &b.members[b.member_count++];

		m->path = str_of(p->files[i].path);
		m->content = p->files[i].content;
		m->size = m->content.n;
	}
	*ret = b;
	ret->model = bundle_member(ret, paths[MEMBER_MODEL]);
	return 0;
}

static int prove(struct publisher *p, enum bundle_model which)
{
	struct arena a = { 0 };
	enum score_verified verified;
	struct bundle_image image = { 0 };
	struct bundle b;
	int r = as_bundle(p, &a, &b);

	if (r == 0)
		r = bundle_build_image(&b, which, FOREST_TREES_ALL, &image, p->err);
	/* golden rows are those of the model that is served */
	if (r == 0 && which == BUNDLE_MODEL)
		r = bundle_verify(&b, image.bytes, image.size, &verified, p->err);
	free(image.bytes);
	arena_done(&a);
	return r < 0 ? errbuf_prefix(p->err, r, "the trained model failed its proof") : 0;
}

static int publish(struct publisher *p)
{
	int r = write_texts(p);

	if (r == 0)
		r = prove(p, BUNDLE_MODEL);
	if (r == 0)
		r = prove(p, BUNDLE_MODEL_HOLDOUT);
	if (r == 0)
		r = bundle_write(p->publication->folder, p->training->version, p->files,
		                 p->file_count, p->err);
	return r;
}

int publish_version(const struct publication *from, struct arena *a, const char **ret_path,
                    struct errbuf *err)
{
	struct publisher p = { .publication = from, .training = from->training, .err = err };
	const char *path = arena_printf(a, "%s/%s", from->folder, from->training->version);
	int r;

	errbuf_set(err, 0, "no memory for the version");
	r = path ? publish(&p) : -ENOMEM;
	for (unsigned m = 0; m < MEMBER_MAX; m++)
		strbuf_done(&p.text[m]);
	if (r == 0)
		*ret_path = path;
	return r;
}
