/*
 * The smallest version that has everything: three features, two trees, one golden row of each kind.
 * Shared by the tests and fuzzers of score and bundle; each changes it in one place.
 */
#ifndef TEST_SMALL_VERSION_H
#define TEST_SMALL_VERSION_H

#include <string.h>

#include "bundle/bundle.h"
#include "bundle/golden.h"
#include "features/row.h"
#include "json/value.h"
#include "json/writer.h"

static const char small_features[] =
        "version: 1\n"
        "timezone: UTC\n"
        "inputs:\n"
        "  - { name: transaction_seq, type: integer, required: true, role: key }\n"
        "  - { name: create_dt, type: datetime, required: true, role: time }\n"
        "  - { name: amount, type: number, required: true }\n"
        "  - { name: country, type: category }\n"
        "  - { name: register_date, type: date }\n"
        "  - { name: pin, type: number, private: true }\n"
        "  - { name: user_name, type: text, private: true }\n"
        "  - { name: sender_name, type: text, private: true }\n"
        "features:\n"
        "  - { name: amount, op: number, of: amount, clip: [0, 1000] }\n"
        "  - { name: country, op: category, of: country }\n"
        "  - { name: name_mismatch, op: not_equal, of: [user_name, sender_name], missing: 0 }\n"
        "  - { name: account_age, op: days_between, of: [create_dt, register_date] }\n"
        "  - { name: pin, op: number, of: pin }\n";

static const char small_encoders[] = "{\"country\":[\"DE\",\"Unknown\",\"VN\"]}\n";
static const char small_medians[] =
        "{\"feature_columns\":[\"amount\",\"country\",\"name_mismatch\",\"account_age\",\"pin\"],"
        "\"medians\":{},\"clipping_bounds\":{},"
        "\"means\":{\"amount\":200,\"name_mismatch\":0.25,\"account_age\":100},"
        "\"standard_deviations\":{\"amount\":100,\"name_mismatch\":0.5,\"account_age\":0}}\n";
static const char small_reasons[] = "amount:\n"
                                    "  high: far above the usual\n"
                                    "  low: far below the usual\n"
                                    "country:\n"
                                    "  text: the country stands out\n"
                                    "unheard_of:\n"
                                    "  text: another program's feature\n";
static const char small_thresholds[] = "threshold_low: 0.4\nthreshold_high: 0.8\n"
                                       "model_version: \"20260101-000000\"\nfpr_cap: 0.01\n";
static const char small_mlmodel[] = "flavors:\n  xgboost:\n    data: model.ubj\n";

/* Tree 0: amount < 100 ? -1 : (country < 1 ? 0.5 : 2). Tree 1: name_mismatch < 0.5 ? -0.25 : 1.
 * Tree 2: account_age < 10 ? 0.75 : -0.125. Tree 3: pin < 5 ? 0.0625 : 0.03125. */
#define SMALL_STUMP(id, feature, condition, hessian)                                               \
	"{\"base_weights\":[0,0,0],\"categories\":[],\"categories_nodes\":[],"                     \
	"\"categories_segments\":[],\"categories_sizes\":[],\"default_left\":[0,0,0],"             \
	"\"id\":" id ",\"left_children\":[1,-1,-1],\"right_children\":[2,-1,-1],"                  \
	"\"loss_changes\":[1,0,0],\"parents\":[2147483647,0,0],\"split_indices\":[" feature        \
	",0,0],\"split_conditions\":" condition ",\"split_type\":[0,0,0],\"sum_hessian\":" hessian \
	",\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"5\",\"num_nodes\":\"3\","        \
	"\"size_leaf_vector\":\"0\"}}"

static const char small_model[] =
        "{\"learner\":{\"attributes\":{},"
        "\"feature_names\":[\"amount\",\"country\",\"name_mismatch\",\"account_age\",\"pin\"],"
        "\"feature_types\":[],"
        "\"gradient_booster\":{\"model\":{\"gbtree_model_param\":{\"num_parallel_tree\":\"1\","
        "\"num_trees\":\"4\",\"size_leaf_vector\":\"0\"},\"tree_info\":[0,0,0,0],\"trees\":["
        "{\"base_weights\":[0,0,0,0,0],\"categories\":[],\"categories_nodes\":[],"
        "\"categories_segments\":[],\"categories_sizes\":[],\"default_left\":[0,0,0,0,0],"
        "\"id\":0,\"left_children\":[1,-1,3,-1,-1],\"right_children\":[2,-1,4,-1,-1],"
        "\"loss_changes\":[1,0,1,0,0],\"parents\":[2147483647,0,0,2,2],"
        "\"split_indices\":[0,0,1,0,0],\"split_conditions\":[100,-1,1,0.5,2],"
        "\"split_type\":[0,0,0,0,0],\"sum_hessian\":[10,6,4,3,1],"
        "\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"5\",\"num_nodes\":\"5\","
        "\"size_leaf_vector\":\"0\"}}," SMALL_STUMP(
                "1", "2", "[0.5,-0.25,1]",
                "[10,8,2]") "," SMALL_STUMP("2", "3", "[10,0.75,-0.125]",
                                            "[10,4,6]") "," SMALL_STUMP("3", "4",
                                                                        "[5,0.0625,0.03125]",
                                                                        "[10,5,5]") "]},\"name\":"
                                                                                    "\"gbtree\"},"
                                                                                    "\"learner_"
                                                                                    "model_param\":"
                                                                                    "{\"base_"
                                                                                    "score\":\"5E-"
                                                                                    "1\",\"num_"
                                                                                    "class\":\"0\","
                                                                                    "\"num_"
                                                                                    "feature\":"
                                                                                    "\"5\",\"num_"
                                                                                    "target\":"
                                                                                    "\"1\"},"
                                                                                    "\"objective\":"
                                                                                    "{\"name\":"
                                                                                    "\"binary:"
                                                                                    "logistic\","
                                                                                    "\"reg_loss_"
                                                                                    "param\":{"
                                                                                    "\"scale_pos_"
                                                                                    "weight\":"
                                                                                    "\"1\"}}},"
                                                                                    "\"version\":["
                                                                                    "1,7,4]}";

static const char small_rows[] =
        "transaction_seq,create_dt,amount,country,register_date,pin,user_name,sender_name\n"
        "1,2026-01-02 03:04:05,50,DE,2026-01-01,,A,A\n"
        "2,2026-01-02 03:04:05,100,VN,2025-01-01,,A,B\n"
        "3,2026-01-02 03:04:05,5000,XX,,,,B\n"
        "4,2026-01-02 03:04:05,99.5,,2025-12-31,,A,B\n";

enum small_member {
	SMALL_MLMODEL,
	SMALL_ENCODERS,
	SMALL_FEATURES,
	SMALL_GOLDEN,
	SMALL_MEDIANS,
	SMALL_REASONS,
	SMALL_THRESHOLDS,
	SMALL_MODEL,
	SMALL_MANIFEST,
	SMALL_MAX
};

static const char *const small_paths[SMALL_MAX] = {
	[SMALL_MLMODEL] = "MLmodel",
	[SMALL_ENCODERS] = "artifacts/encoders.json",
	[SMALL_FEATURES] = "artifacts/features.yaml",
	[SMALL_GOLDEN] = "artifacts/golden.csv",
	[SMALL_MEDIANS] = "artifacts/medians.json",
	[SMALL_REASONS] = "artifacts/reasons.yaml",
	[SMALL_THRESHOLDS] = "artifacts/thresholds.yaml",
	[SMALL_MODEL] = "model.ubj",
	[SMALL_MANIFEST] = "artifacts/manifest.json",
};

struct small_version {
	struct strbuf text[SMALL_MAX];
	struct bundle_file files[SMALL_MAX];
};

static inline void small_set(struct small_version *v, unsigned member, const char *text)
{
	strbuf_reset(&v->text[member]);
	strbuf_adds(&v->text[member], text);
}

/* False if there is no `from` in the text. */
static inline bool small_replace(struct small_version *v, unsigned member, const char *from,
                                 const char *to)
{
	struct strbuf changed = { 0 };
	const char *text = v->text[member].p;
	const char *at = text ? strstr(text, from) : NULL;

	if (!at)
		return false;
	strbuf_add(&changed, text, (size_t)(at - text));
	strbuf_adds(&changed, to);
	strbuf_adds(&changed, at + strlen(from));
	strbuf_done(&v->text[member]);
	v->text[member] = changed;
	return true;
}

/* The texts, without golden rows and manifest. */
static inline void small_fill(struct small_version *v)
{
	small_set(v, SMALL_MLMODEL, small_mlmodel);
	small_set(v, SMALL_ENCODERS, small_encoders);
	small_set(v, SMALL_FEATURES, small_features);
	small_set(v, SMALL_MEDIANS, small_medians);
	small_set(v, SMALL_REASONS, small_reasons);
	small_set(v, SMALL_THRESHOLDS, small_thresholds);
	small_set(v, SMALL_MODEL, small_model);
}

static inline void small_list(struct small_version *v)
{
	for (unsigned i = 0; i < SMALL_MAX; i++)
		v->files[i] = (struct bundle_file){ small_paths[i], strbuf_str(&v->text[i]), -1 };
}

/* The manifest over what the texts are now. */
static inline void small_sign(struct small_version *v)
{
	struct json_writer w = { .out = &v->text[SMALL_MANIFEST] };

	small_list(v);
	small_set(v, SMALL_MANIFEST,
	          "{\"name\":\"fraud\",\"model_version\":\"20260101-000000\","
	          "\"feature_count\":5,\"thresholds\":{\"threshold_low\":0.4,"
	          "\"threshold_high\":0.8},\"digests\":");
	bundle_write_digests(&w, v->files, SMALL_MANIFEST);
	strbuf_adds(&v->text[SMALL_MANIFEST], "}\n");
	small_list(v);
}

/* As if they had been read. Members' digests stay zero. */
static inline void small_bundle(const struct small_version *v, struct bundle_member *members,
                                struct bundle *ret)
{
	for (unsigned i = 0; i < SMALL_MAX; i++) {
		members[i] = (struct bundle_member){ .path = str_of(small_paths[i]),
			                             .content = strbuf_str(&v->text[i]) };
	}
	*ret = (struct bundle){
		.name = STR("fraud"),
		.version = STR("20260101-000000"),
		.threshold_low = 0.4f,
		.threshold_high = 0.8f,
		.feature_count = 5,
		.members = members,
		.member_count = SMALL_MAX,
		.model = &members[SMALL_MODEL],
	};
}

static inline void small_done(struct small_version *v)
{
	for (unsigned i = 0; i < SMALL_MAX; i++)
		strbuf_done(&v->text[i]);
}

/* The image of the texts as they are; free() it. 0 or negative. */
static inline int small_image(const struct small_version *v, void **ret, size_t *ret_size,
                              struct errbuf *err)
{
	struct bundle_member members[SMALL_MAX];
	struct bundle_image image;
	struct bundle b;
	int r;

	small_bundle(v, members, &b);
	r = bundle_build_image(&b, BUNDLE_MODEL, FOREST_TREES_BEST, &image, err);
	if (r == 0) {
		*ret = image.bytes;
		*ret_size = image.size;
	}
	return r;
}

#endif
