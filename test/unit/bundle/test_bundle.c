/*
 * A version folder there and back, and what makes one be refused: a table of edits. "Signed" edits
 * change a text before the manifest is made, so only the deeper checks can see them; the others
 * change the manifest or the folder on disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/file.h"
#include "small_version.h"

#define VERSION "20260101-000000"

static char parent[64];
static struct small_version version; /* with golden rows, signed */

static const struct bundle_options options = {
	.name = { "fraud", 5 },
	.version = { "plain", 5 },
	.default_threshold_low = 0.5f,
	.default_threshold_high = 0.9f,
};

/* Golden rows of the small model, by our own kernels: what XGBoost says is the trainer's business.
 */
static void add_golden(struct small_version *v)
{
	struct csv_rows {
		const char *line, *end;
	} at = { small_rows, strchr(small_rows, '\n') };
	struct strbuf *out = &v->text[SMALL_GOLDEN];
	struct arena a = { 0 };
	struct score_scratch s;
	struct score_model m;
	struct errbuf err;
	size_t size = 0;
	void *image = NULL;

	assert_int_equal(small_image(v, &image, &size, &err), 0);
	assert_int_equal(score_open(image, size, true, &a, &m, &err), 0);
	assert_int_equal(score_scratch_init(&s, &m), 0);
	strbuf_add(out, at.line, (size_t)(at.end - at.line));
	golden_write_header(out, &m.program);
	strbuf_addc(out, '\n');
	for (at.line = at.end + 1; *at.line; at.line = at.end + 1) {
		struct cell row[8];
		const char *field = at.line;
		float contributions[6];
		struct score_result r;

		at.end = strchr(at.line, '\n');
		for (unsigned i = 0; i < 8; i++) {
			size_t n = strcspn(field, ",\n");
			struct field_fault fault;

			assert_int_equal(cell_from_text(&m.program.inputs[i],
			                                (struct str){ field, n }, &row[i], &fault),
			                 0);
			field += n + 1;
		}
		score_row(&m, row, &(struct score_options){ DECISION_ALLOW, 1 }, &s, &r);
		for (unsigned i = 0; i < 6; i++)
			contributions[i] = (float)s.contributions[i];
		strbuf_add(out, at.line, (size_t)(at.end - at.line));
		golden_write_row(out, &m.program, r.margin, contributions);
	}
	score_scratch_done(&s);
	arena_done(&a);
	free(image);
}

static int set_up(void **state)
{
	(void)state;
	json_setup();
	snprintf(parent, sizeof(parent), "/tmp/fraudd-bundle-XXXXXX");
	if (!mkdtemp(parent))
		return -1;
	small_fill(&version);
	add_golden(&version);
	small_sign(&version);
	return strbuf_error(&version.text[SMALL_GOLDEN]);
}

static int tear_down(void **state)
{
	(void)state;
	small_done(&version);
	return file_remove_tree(parent);
}

static void path_of(const char *member, char ret[256])
{
	snprintf(ret, 256, "%s/" VERSION "/%s", parent, member);
}

static void remove_version(void)
{
	char path[256];

	path_of("", path);
	file_remove_tree(path);
}

static int clean_up(void **state)
{
	(void)state;
	remove_version();
	return 0;
}

/* Everything that happens to a version before it is served. */
static int serve(enum score_verified *ret, struct errbuf *err)
{
	struct arena a = { 0 };
	struct bundle *b;
	struct bundle_image image = { 0 };
	char path[256];
	int r;

	path_of("", path);
	r = bundle_read(AT_FDCWD, path, &options, &a, &b, err);
	if (r == 0)
		r = bundle_build_image(b, BUNDLE_MODEL, FOREST_TREES_BEST, &image, err);
	if (r == 0)
		r = bundle_verify(b, image.bytes, image.size, ret, err);
	free(image.bytes);
	arena_done(&a);
	return r;
}

static void test_round_trip(void **state)
{
	struct arena a = { 0 };
	struct bundle *b = NULL;
	enum score_verified verified = SCORE_VERIFIED_SELF;
	uint8_t digest[32], again[32];
	struct errbuf err = { "" };

	(void)state;
	if (bundle_write(parent, VERSION, version.files, SMALL_MAX, &err) < 0)
		fail_msg("%s", err.text);
	if (serve(&verified, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(verified, SCORE_VERIFIED_GOLDEN);
	assert_int_equal(bundle_write(parent, VERSION, version.files, SMALL_MAX, &err), -EEXIST);
	for (unsigned i = 0; i < 2; i++) {
		char path[256];

		path_of("", path);
		assert_int_equal(bundle_read(AT_FDCWD, path, &options, &a, &b, &err), 0);
		assert_true(str_is(b->name, "fraud"));
		assert_true(str_is(b->version, VERSION));
		assert_true(b->threshold_low == 0.4f && b->threshold_high == 0.8f);
		assert_int_equal(b->member_count, SMALL_MAX);
		assert_true(str_is(b->model->content, small_model));
		assert_int_equal(bundle_digest(b, i ? again : digest), 0);
		remove_version();
		arena_done(&a);
		assert_int_equal(bundle_write(parent, VERSION, version.files, SMALL_MAX, &err), 0);
	}
	assert_memory_equal(digest, again, sizeof(digest));
	remove_version();
}

enum edit {
	SIGNED,   /* from -> to in the text, then the manifest is made */
	UNSIGNED, /* from -> to in the text on disk */
	REMOVED,
	TRUNCATED, /* to half */
	FLIPPED,   /* one bit in the middle */
	GROWN,
	LINKED, /* moved aside, a symbolic link in its place */
	PIPE,
	FOLDER,
	HUGE,
};

#define ENCODERS "artifacts/encoders.json"
#define FEATURES "artifacts/features.yaml"
#define GOLDEN "artifacts/golden.csv"
#define MANIFEST "artifacts/manifest.json"
#define MEDIANS "artifacts/medians.json"
#define REASONS "artifacts/reasons.yaml"
#define THRESHOLDS "artifacts/thresholds.yaml"
#define MODEL "model.ubj"

static const struct {
	enum edit edit;
	int r; /* 0: any failure */
	const char *path, *from, *to;
	const char *words;
} cases[] = {
	{ TRUNCATED, -EBADMSG, MODEL, NULL, NULL, "sha256 of model.ubj differs" },
	{ FLIPPED, -EBADMSG, MODEL, NULL, NULL, "sha256 of model.ubj differs" },
	{ GROWN, -EBADMSG, MODEL, NULL, NULL, "sha256 of model.ubj differs" },
	{ FLIPPED, -EBADMSG, GOLDEN, NULL, NULL, "sha256 of artifacts/golden.csv differs" },
	{ FLIPPED, -EBADMSG, ENCODERS, NULL, NULL, "sha256 of artifacts/encoders.json differs" },
	{ TRUNCATED, -EBADMSG, REASONS, NULL, NULL, "sha256 of artifacts/reasons.yaml differs" },
	{ UNSIGNED, -EBADMSG, THRESHOLDS, "0.4", "0.1",
	  "sha256 of artifacts/thresholds.yaml differs" },
	{ REMOVED, -ENOENT, MODEL, NULL, NULL, "model.ubj is missing" },
	{ REMOVED, -ENOENT, MANIFEST, NULL, NULL, "artifacts/manifest.json is missing" },
	{ REMOVED, -ENOENT, FEATURES, NULL, NULL, "artifacts/features.yaml is missing" },
	{ REMOVED, -ENOENT, GOLDEN, NULL, NULL, "artifacts/golden.csv is missing" },
	{ LINKED, -ELOOP, MODEL, NULL, NULL, "model.ubj is a symbolic link" },
	{ LINKED, -ELOOP, MANIFEST, NULL, NULL, "artifacts/manifest.json is a symbolic link" },
	{ LINKED, -ELOOP, "artifacts", NULL, NULL, "artifacts/manifest.json is a symbolic link" },
	{ PIPE, -EINVAL, MODEL, NULL, NULL, "model.ubj is no regular file" },
	{ FOLDER, -EINVAL, MODEL, NULL, NULL, "model.ubj is no regular file" },
	{ HUGE, -EFBIG, MANIFEST, NULL, NULL, "artifacts/manifest.json has" },
	{ HUGE, -EFBIG, THRESHOLDS, NULL, NULL, "artifacts/thresholds.yaml has" },
	{ TRUNCATED, -EBADMSG, MANIFEST, NULL, NULL, "artifacts/manifest.json: byte" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "{\"name\"", "[{\"name\"",
	  "artifacts/manifest.json: byte" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "\"feature_count\":5", "\"feature_count\":4",
	  "model.ubj has 5 features, artifacts/manifest.json says 4" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "\"feature_count\":5", "\"feature_count\":0",
	  "\"feature_count\" must be" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "\"feature_count\":5", "\"feature_count\":\"5\"",
	  "feature_count" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "\"feature_count\":5,", "", "feature_count" },
	{ UNSIGNED, -EBADMSG, MANIFEST, VERSION, "", "\"model_version\" must have" },
	{ UNSIGNED, -EBADMSG, MANIFEST, VERSION, "20260101-000001", "is of version" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "\"threshold_low\":0.4", "\"threshold_low\":0.41",
	  "say different thresholds" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "\"threshold_low\":0.4", "\"threshold_low\":null",
	  "threshold_low" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "\"threshold_high\":0.8", "\"threshold_high\":1e400",
	  "thresholds are no pair" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "\"threshold_high\":0.8", "\"threshold_high\":0.3",
	  "thresholds are no pair" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "\"digests\":{", "\"digest\":{", "\"digests\" must name" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "\"model.ubj\"", "\"../model.ubj\"",
	  "\"../model.ubj\" is no name of a member" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "\"model.ubj\"", "\"/etc/passwd\"",
	  "is no name of a member" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "\"model.ubj\"", "\"a/b/c\"", "is no name of a member" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "\"model.ubj\"", "\"artifacts/..\"",
	  "is no name of a member" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "\"model.ubj\"", "\"artifacts/manifest.json\"",
	  "lists itself" },
	{ UNSIGNED, -EBADMSG, MANIFEST, "\"model.ubj\":\"", "\"model.ubj\":\"x",
	  "digest of model.ubj is no sha256" },
	{ UNSIGNED, -ENOENT, MANIFEST, "\"artifacts/golden.csv\"", "\"other.csv\"",
	  "other.csv is missing" },
	{ SIGNED, -EBADMSG, THRESHOLDS, "threshold_low: 0.4", "threshold_low: .nan",
	  "\"threshold_low\" must be a number" },
	{ SIGNED, -EBADMSG, THRESHOLDS, "threshold_low: 0.4", "threshold_low: 0.9",
	  "need 0 <= threshold_low" },
	{ SIGNED, -EBADMSG, THRESHOLDS, "threshold_low: 0.4", "threshold_low: -0.1",
	  "need 0 <= threshold_low" },
	{ SIGNED, -EBADMSG, THRESHOLDS, "threshold_low: 0.4\n", "",
	  "\"threshold_low\" is missing" },
	{ SIGNED, -EBADMSG, THRESHOLDS, "threshold_low: 0.4", "threshold_low: 0.40000004",
	  "say different thresholds" },
	{ SIGNED, -EBADMSG, THRESHOLDS, "threshold_low: 0.4", "threshold_low: [0.4]",
	  "threshold_low" },
	{ SIGNED, 0, THRESHOLDS, "threshold_low:", "threshold_low", "artifacts/thresholds.yaml" },
	{ SIGNED, 0, MODEL, "binary:logistic", "multi:softprob", "model.ubj" },
	{ SIGNED, -EBADMSG, MODEL, "\"split_conditions\":[100,", "\"split_conditions\":[100,1,",
	  "model.ubj" },
	{ SIGNED, -EBADMSG, MODEL, "[100,-1,1,0.5,2]", "[101,-1,1,0.5,2]",
	  "golden.csv: row 2: margin is" },
	{ SIGNED, -EBADMSG, MODEL, "\"sum_hessian\":[10,6,4,3,1]", "\"sum_hessian\":[10,5,5,3,2]",
	  "golden.csv: row 1: contribution of \"amount\" is" },
	{ SIGNED, -EBADMSG, MODEL, "\"amount\",\"country\"", "\"country\",\"amount\"",
	  "feature 0 is \"country\" in the model" },
	{ SIGNED, 0, FEATURES, "op: not_equal", "op: no_equal", "features.yaml:15" },
	{ SIGNED, -EBADMSG, ENCODERS, "[\"DE\",\"Unknown\",\"VN\"]", "[\"VN\",\"DE\"]",
	  "encoders.json" },
	{ SIGNED, -EBADMSG, ENCODERS, "\"DE\",", "\"AA\",\"DE\",", "golden.csv: row" },
	{ SIGNED, -EBADMSG, MEDIANS, "\"amount\",\"country\"", "\"country\",\"amount\"",
	  "medians.json" },
	{ SIGNED, -EBADMSG, GOLDEN, "@margin", "margin", "no columns @margin" },
	{ SIGNED, -EBADMSG, GOLDEN, "@shap:country", "@shap:land", "should be @shap:country" },
	{ SIGNED, 0, GOLDEN, "transaction_seq,", "seq,", "golden.csv" },
	{ SIGNED, 0, GOLDEN, "-0.46875", "-0.468750", NULL },
	{ SIGNED, -EBADMSG, GOLDEN, "-0.46875", "-0.46875003",
	  "golden.csv: row 1: margin is -0.46875 instead of -0.46875003" },
	{ SIGNED, -EBADMSG, GOLDEN, "-0.46875", "", "golden.csv: row 1: no margin" },
	{ SIGNED, -EBADMSG, GOLDEN, "-0.46875", "nan", "golden.csv: row 1: no margin" },
	{ SIGNED, -EBADMSG, GOLDEN, ",50,DE", ",fifty,DE", "row 1, column \"amount\"" },
};

/* The edit with words NULL is the one that must pass. */
#define PASSES(i) (!cases[i].words)

static unsigned member_of(const char *path)
{
	unsigned m = 0;

	while (m < SMALL_MAX && strcmp(small_paths[m], path) != 0)
		m++;
	return m;
}

static void replace(struct small_version *v, unsigned member, size_t i)
{
	if (!small_replace(v, member, cases[i].from, cases[i].to))
		fail_msg("case %zu: no \"%s\"", i, cases[i].from);
}

static void write_disk(const char *path, const struct strbuf *text)
{
	assert_int_equal(file_write(AT_FDCWD, path, strbuf_str(text), 0644), 0);
}

static void spoil_text(struct small_version *v, unsigned member, size_t i)
{
	struct strbuf *text = &v->text[member];

	if (cases[i].edit == UNSIGNED)
		replace(v, member, i);
	else if (cases[i].edit == TRUNCATED)
		text->n /= 2;
	else if (cases[i].edit == FLIPPED)
		text->p[text->n / 2] ^= 1;
	else
		strbuf_addc(text, ' ');
}

static void edit_disk(struct small_version *v, unsigned member, size_t i, const char *path)
{
	char aside[300];

	snprintf(aside, sizeof(aside), "%s/.aside", parent);
	switch (cases[i].edit) {
	case SIGNED:
		break;
	case LINKED:
		assert_int_equal(rename(path, aside), 0);
		assert_int_equal(symlink(aside, path), 0);
		break;
	case HUGE:
		assert_int_equal(truncate(path, 65 << 20), 0);
		break;
	case REMOVED:
	case PIPE:
	case FOLDER:
		assert_int_equal(unlink(path), 0);
		if (cases[i].edit == PIPE)
			assert_int_equal(mkfifo(path, 0600), 0);
		if (cases[i].edit == FOLDER)
			assert_int_equal(mkdir(path, 0700), 0);
		break;
	default:
		spoil_text(v, member, i);
		write_disk(path, &v->text[member]);
	}
}

static void make_case(size_t i)
{
	struct small_version v = { 0 };
	unsigned m = member_of(cases[i].path);
	struct errbuf err;
	char path[256];

	small_fill(&v);
	strbuf_add(&v.text[SMALL_GOLDEN], version.text[SMALL_GOLDEN].p,
	           version.text[SMALL_GOLDEN].n);
	if (cases[i].edit == SIGNED)
		replace(&v, m, i);
	small_sign(&v);
	assert_int_equal(bundle_write(parent, VERSION, v.files, SMALL_MAX, &err), 0);
	path_of(cases[i].path, path);
	edit_disk(&v, m, i, path);
	small_done(&v);
}

static void test_refused(void **state)
{
	char aside[300];

	(void)state;
	snprintf(aside, sizeof(aside), "%s/.aside", parent);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct errbuf err = { "" };
		enum score_verified verified;
		int r;

		make_case(i);
		r = serve(&verified, &err);
		if (PASSES(i) ? r < 0 : r == 0 || (cases[i].r && r != cases[i].r))
			fail_msg("case %zu: %d, %s", i, r, err.text);
		if (!PASSES(i) && !strstr(err.text, cases[i].words))
			fail_msg("case %zu: %s", i, err.text);
		remove_version();
		file_remove_tree(aside);
		unlink(aside);
	}
}

/* Without golden rows the proof is the forest's own. A file that nobody vouches for is refused if
 * it could matter, left alone if not. */
static void test_without_golden_rows(void **state)
{
	struct bundle_file files[SMALL_MAX];
	struct small_version v = { 0 };
	enum score_verified verified;
	struct errbuf err = { "" };
	char path[256];
	size_t n = 0;

	(void)state;
	small_fill(&v);
	small_list(&v);
	for (unsigned i = 0; i < SMALL_MANIFEST; i++) {
		if (i != SMALL_GOLDEN)
			files[n++] = v.files[i];
	}
	strbuf_adds(&v.text[SMALL_MANIFEST],
	            "{\"model_version\":\"" VERSION "\",\"feature_count\":5,"
	            "\"thresholds\":{\"threshold_low\":0.4,"
	            "\"threshold_high\":0.8},\"digests\":");
	struct json_writer w = { .out = &v.text[SMALL_MANIFEST] };

	assert_int_equal(bundle_write_digests(&w, files, n), 0);
	strbuf_addc(&v.text[SMALL_MANIFEST], '}');
	files[n++] = (struct bundle_file){ MANIFEST, strbuf_str(&v.text[SMALL_MANIFEST]), -1 };
	assert_int_equal(bundle_write(parent, VERSION, files, n, &err), 0);
	if (serve(&verified, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(verified, SCORE_VERIFIED_SELF);
	path_of("notes.txt", path);
	write_disk(path, &v.text[SMALL_MLMODEL]);
	assert_int_equal(serve(&verified, &err), 0);
	path_of(GOLDEN, path);
	write_disk(path, &version.text[SMALL_GOLDEN]);
	assert_int_equal(serve(&verified, &err), -EBADMSG);
	assert_string_equal(err.text, GOLDEN " is not listed in " MANIFEST);
	remove_version();
	small_done(&v);
}

/* Folders as Python logs them: the names of the model's features are the inputs. */
static void test_plain(void **state)
{
	static const struct {
		const char *mlmodel; /* NULL: none */
		const char *model;   /* its name; NULL: none */
		int r;
		const char *words;
	} plain[] = {
		{ small_mlmodel, "model.ubj", 0, NULL },
		{ "flavors:\n  xgboost:\n    data: model.xgb\n    code: null\n", "model.xgb", 0,
		  NULL },
		{ NULL, "model.ubj", 0, NULL },
		{ NULL, "model.json", 0, NULL },
		{ NULL, NULL, -ENOENT, "model.json is missing" },
		{ small_mlmodel, "model.json", -ENOENT, "model.ubj is missing" },
		{ "flavors:\n  sklearn:\n    data: x\n", "x", -EOPNOTSUPP, "no xgboost flavor" },
		{ "flavors:\n  xgboost:\n    data: ../x\n", "x", -EBADMSG, "no name of a file" },
		{ "flavors:\n  xgboost:\n    data: [a]\n", "x", -EBADMSG, "no name of a file" },
		{ "flavour: x\n", "x", -EBADMSG, "\"flavors\" is missing" },
		{ "a: b: c\n", "x", 0, "MLmodel" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct bundle_file files[2];
		enum score_verified verified = SCORE_VERIFIED_GOLDEN;
		struct errbuf err = { "" };
		size_t n = 0;
		int r;

		if (plain[i].mlmodel)
			files[n++] =
			        (struct bundle_file){ "MLmodel", str_of(plain[i].mlmodel), -1 };
		if (plain[i].model)
			files[n++] = (struct bundle_file){ plain[i].model, STR(small_model), -1 };
		assert_int_equal(bundle_write(parent, VERSION, files, n, &err), 0);
		r = serve(&verified, &err);
		if (plain[i].words ? r >= 0 || (plain[i].r && r != plain[i].r) : r < 0)
			fail_msg("case %zu: %d, %s", i, r, err.text);
		if (plain[i].words && !strstr(err.text, plain[i].words))
			fail_msg("case %zu: %s", i, err.text);
		if (!plain[i].words)
			assert_int_equal(verified, SCORE_VERIFIED_SELF);
		remove_version();
	}
}

static void test_plain_takes_settings(void **state)
{
	const struct bundle_file model = { "model.json", STR(small_model), -1 };
	struct arena a = { 0 };
	struct score_model m;
	struct errbuf err = { "" };
	struct bundle *b;
	char path[256];
	struct bundle_image image;

	(void)state;
	path_of("", path);
	assert_int_equal(bundle_write(parent, VERSION, &model, 1, &err), 0);
	assert_int_equal(bundle_read(AT_FDCWD, path, &options, &a, &b, &err), 0);
	assert_int_equal(bundle_build_image(b, BUNDLE_MODEL, FOREST_TREES_ALL, &image, &err), 0);
	assert_int_equal(score_open(image.bytes, image.size, true, &a, &m, &err), 0);
	assert_true(m.threshold_low == 0.5f && m.threshold_high == 0.9f);
	assert_true(str_is(m.version, "plain"));
	assert_true(program_find_input(&m.program, STR("country")) >= 0);
	assert_int_equal(
	        bundle_build_image(b, BUNDLE_MODEL_HOLDOUT, FOREST_TREES_ALL, &image, &err),
	        -ENOENT);
	free(image.bytes);
	arena_done(&a);
	remove_version();
}

/* Nothing is left behind by a write that fails. */
static void test_failed_writes(void **state)
{
	static const struct {
		const char *version;
		struct bundle_file file;
		int r;
	} bad[] = {
		{ "..", { "x", { "", 0 }, -1 }, -EINVAL },
		{ "", { "x", { "", 0 }, -1 }, -EINVAL },
		{ "a/b", { "x", { "", 0 }, -1 }, -EINVAL },
		{ ".hidden", { "x", { "", 0 }, -1 }, -EINVAL },
		{ "v1", { "../x", { "", 0 }, -1 }, -EINVAL },
		{ "v1", { "a/b/c", { "", 0 }, -1 }, -EINVAL },
		{ "v1", { "/x", { "", 0 }, -1 }, -EINVAL },
		{ "v1", { "x", { "", 0 }, 9999 }, -EBADF },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct errbuf err = { "" };
		int r = bundle_write(parent, bad[i].version, &bad[i].file, 1, &err);

		if (r != bad[i].r || !err.text[0])
			fail_msg("case %zu: %d, %s", i, r, err.text);
		assert_int_equal(rmdir(parent), 0);
		assert_int_equal(mkdir(parent, 0700), 0);
	}
}

static void test_digest(void **state)
{
	uint8_t digest[32], of_file[32];
	char hex[65];
	char path[80];
	int fd;

	(void)state;
	assert_int_equal(bundle_sha256(STR("abc"), digest), 0);
	hex_encode(digest, 32, hex);
	/* FIPS 180-2, appendix B.1 */
	assert_string_equal(hex,
	                    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	snprintf(path, sizeof(path), "%s/abc", parent);
	assert_int_equal(file_write(AT_FDCWD, path, STR("abc"), 0600), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(bundle_sha256_fd(fd, of_file), 0);
	assert_memory_equal(digest, of_file, 32);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_round_trip, clean_up),
		cmocka_unit_test_teardown(test_refused, clean_up),
		cmocka_unit_test_teardown(test_without_golden_rows, clean_up),
		cmocka_unit_test_teardown(test_plain, clean_up),
		cmocka_unit_test_teardown(test_plain_takes_settings, clean_up),
		cmocka_unit_test_teardown(test_failed_writes, clean_up),
		cmocka_unit_test_teardown(test_digest, clean_up),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
