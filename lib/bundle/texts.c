/*
 * The small texts of a version folder. All come from outside (a registry, a person with an editor),
 * so every member is looked at: type, range, and that both files say the same thresholds is
 * read.c's business. Messages begin with the member's path.
 */
#include "bundle/texts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "bundle/member.h"
#include "config/yaml.h"
#include "features/program.h"
#include "json/value.h"

#define MANIFEST "artifacts/manifest.json"
#define THRESHOLDS "artifacts/thresholds.yaml"
/* Just above 1 means that no score reaches it. */
#define THRESHOLD_MAX 1.5f

static bool is_threshold_pair(float low, float high)
{
	/* false for NaN, too */
	return low >= 0.0f && low <= high && high <= THRESHOLD_MAX;
}

static int read_digest(const struct cJSON *v, struct manifest_digest *ret, struct errbuf *err)
{
	struct str path = json_name(v);

	if (!member_path_is_valid(path))
		return errbuf_set(err, -EBADMSG, MANIFEST ": \"%.*s\" is no name of a member",
		                  STR_ARGS(path));
	if (json_type(v) != JSON_TYPE_TEXT ||
	    hex_decode(json_text(v), ret->sha256, sizeof(ret->sha256)) < 0)
		return errbuf_set(err, -EBADMSG, MANIFEST ": digest of %.*s is no sha256",
		                  STR_ARGS(path));
	ret->path = path;
	return 0;
}

static int read_digests(const struct cJSON *object, struct arena *a, struct manifest *ret,
                        struct errbuf *err)
{
	size_t count = object ? json_count(object) : 0;

	if (!object || json_type(object) != JSON_TYPE_OBJECT || count == 0 ||
	    count >= BUNDLE_MAX_MEMBERS)
		return errbuf_set(err, -EBADMSG, MANIFEST ": \"digests\" must name 1 to %d files",
		                  BUNDLE_MAX_MEMBERS - 1);
	ret->digests = arena_calloc(a, count, sizeof(*ret->digests));
	if (!ret->digests)
		return -ENOMEM;
	for (const struct cJSON *v = json_first(object); v; v = json_next(v)) {
		int r = read_digest(v, &ret->digests[ret->digest_count], err);

		if (r < 0)
			return r;
		ret->digest_count++;
	}
	return 0;
}

static int read_float(const struct cJSON *object, const char *name, float *ret, struct errbuf *err)
{
	double v;
	int r = json_get_number(object, name, &v, err);

	if (r < 0)
		return errbuf_prefix(err, r, MANIFEST);
	/* The text is the shortest of a float32, so its double rounds back to it. */
	*ret = (float)v;
	return 0;
}

static int read_manifest_thresholds(const struct cJSON *root, struct manifest *ret,
                                    struct errbuf *err)
{
	const struct cJSON *t = json_member(root, "thresholds");
	int r;

	if (!t || json_type(t) != JSON_TYPE_OBJECT)
		return errbuf_set(err, -EBADMSG, MANIFEST ": \"thresholds\" is missing");
	r = read_float(t, "threshold_low", &ret->threshold_low, err);
	if (r == 0)
		r = read_float(t, "threshold_high", &ret->threshold_high, err);
	if (r < 0)
		return r;
	if (!is_threshold_pair(ret->threshold_low, ret->threshold_high))
		return errbuf_set(err, -EBADMSG, MANIFEST ": thresholds are no pair within [0, 1]");
	return 0;
}

static int read_manifest_head(const struct cJSON *root, struct manifest *ret, struct errbuf *err)
{
	const struct cJSON *name = json_member(root, "name");
	int r;

	r = json_get_text(root, "model_version", &ret->version, err);
	if (r == 0)
		r = json_get_integer(root, "feature_count", &ret->feature_count, err);
	if (r < 0)
		return errbuf_prefix(err, r, MANIFEST);
	if (ret->version.n == 0 || ret->version.n > 63)
		return errbuf_set(err, -EBADMSG,
		                  MANIFEST ": \"model_version\" must have 1 to 63 bytes");
	if (ret->feature_count < 1 || ret->feature_count > PROGRAM_MAX_FEATURES)
		return errbuf_set(err, -EBADMSG, MANIFEST ": \"feature_count\" must be 1 to %d",
		                  PROGRAM_MAX_FEATURES);
	if (name && json_type(name) == JSON_TYPE_TEXT)
		ret->name = json_text(name);
	return 0;
}

int manifest_read(struct str json, struct arena *a, struct manifest *ret, struct errbuf *err)
{
	struct manifest m = { 0 };
	struct json_fault fault;
	const struct cJSON *root;
	int r;

	r = json_parse(json, a, &root, &fault);
	if (r == -EBADMSG)
		return errbuf_set(err, r, MANIFEST ": byte %zu: %s", fault.offset, fault.what);
	if (r < 0)
		return errbuf_set(err, r, MANIFEST ": no memory");
	if (json_type(root) != JSON_TYPE_OBJECT)
		return errbuf_set(err, -EBADMSG, MANIFEST ": must be an object");
	r = read_manifest_head(root, &m, err);
	if (r == 0)
		r = read_manifest_thresholds(root, &m, err);
	if (r == 0)
		r = read_digests(json_member(root, "digests"), a, &m, err);
	if (r == 0)
		*ret = m;
	return r;
}

static int yaml_float(const struct yaml_node *root, const char *name, float *ret,
                      struct errbuf *err)
{
	const struct yaml_node *n = yaml_get(root, name);
	char *end;

	if (!n || n->kind != YAML_SCALAR || n->text.n == 0)
		return errbuf_set(err, -EBADMSG, THRESHOLDS ": \"%s\" is missing", name);
	if (strspn(n->text.p, "0123456789+-.eE") != n->text.n)
		return errbuf_set(err, -EBADMSG, THRESHOLDS ":%u: \"%s\" must be a number", n->line,
		                  name);
	*ret = strtof(n->text.p, &end);
	if (end != n->text.p + n->text.n || !isfinite(*ret))
		return errbuf_set(err, -EBADMSG, THRESHOLDS ":%u: \"%s\" must be a number", n->line,
		                  name);
	return 0;
}

int thresholds_read(struct str yaml, struct arena *a, struct thresholds *ret, struct errbuf *err)
{
	struct thresholds t = { 0 };
	const struct yaml_node *version;
	struct yaml_node *root;
	int r = yaml_parse(yaml, THRESHOLDS, a, &root, err);

	if (r < 0)
		return r;
	if (root->kind != YAML_MAPPING)
		return errbuf_set(err, -EBADMSG, THRESHOLDS ": must be a mapping");
	r = yaml_float(root, "threshold_low", &t.low, err);
	if (r == 0)
		r = yaml_float(root, "threshold_high", &t.high, err);
	if (r < 0)
		return r;
	if (!is_threshold_pair(t.low, t.high))
		return errbuf_set(err, -EBADMSG,
		                  THRESHOLDS ": need 0 <= threshold_low <= threshold_high <= 1");
	version = yaml_get(root, "model_version");
	if (version && version->kind == YAML_SCALAR)
		t.version = version->text;
	*ret = t;
	return 0;
}

int mlmodel_read(struct str yaml, struct arena *a, struct str *ret_data, struct errbuf *err)
{
	const struct yaml_node *flavors, *flavor, *data;
	struct yaml_node *root;
	int r = yaml_parse(yaml, "MLmodel", a, &root, err);

	if (r < 0)
		return r;
	flavors = root->kind == YAML_MAPPING ? yaml_get(root, "flavors") : NULL;
	if (!flavors || flavors->kind != YAML_MAPPING)
		return errbuf_set(err, -EBADMSG, "MLmodel: \"flavors\" is missing");
	flavor = yaml_get(flavors, "xgboost");
	if (!flavor || flavor->kind != YAML_MAPPING)
		return errbuf_set(err, -EOPNOTSUPP, "MLmodel: there is no xgboost flavor");
	data = yaml_get(flavor, "data");
	if (!data || data->kind != YAML_SCALAR || !member_path_is_valid(data->text))
		return errbuf_set(err, -EBADMSG,
		                  "MLmodel: \"data\" of xgboost is no name of a file");
	*ret_data = data->text;
	return 0;
}
