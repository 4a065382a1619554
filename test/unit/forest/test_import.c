/* What the importer takes and what it refuses: one small document, changed in one place a case,
 * read as JSON and as UBJSON. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forest/build.h"
#include "forest/check.h"
#include "forest/forest.h"
#include "forest/model.h"
#include "ubj_writer.h"

/* Tree 0: one split. Tree 1: two splits, one of them categorical. */
static const char document[] =
        "{\"learner\":{\"attributes\":{},\"feature_names\":[\"amount\",\"kind\"],"
        "\"feature_types\":[\"float\",\"c\"],"
        "\"gradient_booster\":{\"model\":{"
        "\"gbtree_model_param\":{\"num_parallel_tree\":\"1\",\"num_trees\":\"2\"},"
        "\"iteration_indptr\":[0,1,2],\"tree_info\":[0,0],\"trees\":["
        "{\"base_weights\":[0,0,0],\"categories\":[],\"categories_nodes\":[],"
        "\"categories_segments\":[],\"categories_sizes\":[],\"default_left\":[1,0,0],\"id\":0,"
        "\"left_children\":[1,-1,-1],\"parents\":[2147483647,0,0],\"right_children\":[2,-1,-1],"
        "\"split_conditions\":[1.5,-2.5E-1,7.5E-1],\"split_indices\":[0,0,0],"
        "\"split_type\":[0,0,0],\"sum_hessian\":[4,3,1],"
        "\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"2\",\"num_nodes\":\"3\","
        "\"size_leaf_vector\":\"1\"}},"
        "{\"base_weights\":[0,0,0,0,0],\"categories\":[1,3],\"categories_nodes\":[2],"
        "\"categories_segments\":[0],\"categories_sizes\":[2],\"default_left\":[0,0,1,0,0],"
        "\"id\":1,\"left_children\":[1,-1,3,-1,-1],\"parents\":[2147483647,0,0,2,2],"
        "\"right_children\":[2,-1,4,-1,-1],\"split_conditions\":[0.5,1,0,2,4],"
        "\"split_indices\":[0,0,1,0,0],\"split_type\":[0,0,1,0,0],\"sum_hessian\":[8,4,4,1,3],"
        "\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"2\",\"num_nodes\":\"5\","
        "\"size_leaf_vector\":\"1\"}}]},\"name\":\"gbtree\"},"
        "\"learner_model_param\":{\"base_score\":\"5E-1\",\"boost_from_average\":\"1\","
        "\"num_class\":\"0\",\"num_feature\":\"2\",\"num_target\":\"1\"},"
        "\"objective\":{\"name\":\"binary:logistic\",\"reg_loss_param\":{}}},"
        "\"version\":[2,0,3]}";

static char *replace(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);
	char *out;

	if (!at)
		fail_msg("no \"%s\" in the document", old);
	if (asprintf(&out, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old)) < 0)
		abort();
	return out;
}

/* The same document in both spellings. */
static struct ubj_writer ubj;

static struct str spelled(const char *json, bool as_ubj)
{
	if (!as_ubj)
		return str_of(json);
	if (ubj_from_json(str_of(json), &ubj) < 0)
		fail_msg("not JSON: %s", json);
	return (struct str){ (const char *)ubj.bytes, ubj.n };
}

struct loaded {
	struct arena arena;
	struct forest_model *model;
	struct forest forest;
	void *image;
	struct errbuf err;
};

static int load(struct loaded *l, struct str text, enum forest_trees which,
                const struct forest_limits *limits)
{
	int r;
	size_t n;

	*l = (struct loaded){ 0 };
	r = forest_import(text, which, limits, &l->arena, &l->model, &l->err);
	if (r < 0)
		return r;
	n = forest_image_size(l->model);
	l->image = aligned_alloc(64, n);
	r = forest_image_build(l->model, l->image, &l->err);
	r = r ? r : forest_open(l->image, n, &l->forest, &l->err);
	return r ? r : forest_self_check(&l->forest, &l->arena, &l->err);
}

static void done(struct loaded *l)
{
	arena_done(&l->arena);
	free(l->image);
}

struct edit {
	const char *old, *new;
};

/* ---- taken ---- */

static const struct {
	struct edit edits[4];
	enum forest_trees which;
	float row[2];
	float margin;
} taken[] = {
	{ .edits = { { "", "" } }, .row = { 1, 0 }, .margin = -0.25f + 2 },
	{ .edits = { { "", "" } }, .row = { 2, 3 }, .margin = 0.75f + 4 },
	{ .edits = { { "", "" } }, .row = { NAN, NAN }, .margin = -0.25f + 2 },
	/* base_score: three spellings, three objectives, cut since 3.2 */
	{ .edits = { { "\"5E-1\"", "\"[2.5E-1]\"" } },
	  .row = { 0, 0 },
	  .margin = -1.0986123f + 0.75f },
	{ .edits = { { "\"5E-1\"", "\"2.5E-1\"" } },
	  .row = { 0, 0 },
	  .margin = -1.0986123f + 0.75f },
	{ .edits = { { "\"5E-1\"", "\"0.25\"" }, { "binary:logistic", "reg:logistic" } },
	  .row = { 0, 0 },
	  .margin = -1.0986123f + 0.75f },
	{ .edits = { { "binary:logistic", "binary:logitraw" } }, .row = { 0, 0 }, .margin = 1.25f },
	{ .edits = { { "binary:logistic", "binary:logitraw" }, { "\"5E-1\"", "\"[-3]\"" } },
	  .row = { 0, 0 },
	  .margin = -2.25f },
	{ .edits = { { "\"5E-1\"", "\"[0E0]\"" }, { "[2,0,3]", "[3,2,0]" } },
	  .row = { 0, 0 },
	  .margin = -13.81551f + 0.75f },
	/* what old documents lack or spell otherwise */
	{ .edits = { { "[1,0,0]", "[true,false,false]" } },
	  .row = { NAN, 0 },
	  .margin = -0.25f + 2 },
	{ .edits = { { "\"split_type\":[0,0,0],", "" } }, .row = { 0, 0 }, .margin = 0.75f },
	{ .edits = { { "\"iteration_indptr\":[0,1,2],", "" }, { "[2,0,3]", "[1,0,2]" } },
	  .row = { 0, 0 },
	  .margin = 0.75f },
	{ .edits = { { "\"feature_names\":[\"amount\",\"kind\"],\"feature_types\":[\"float\",\"c\"]"
	               ",",
	               "" },
	             { ",\"num_target\":\"1\"", "" } },
	  .row = { 0, 0 },
	  .margin = 0.75f },
	{ .edits = { { "[2,0,3]", "[3,4,1]" } }, .row = { 0, 0 }, .margin = 0.75f },
	/* dart: its weights in three places */
	{ .edits = { { "{\"model\":", "{\"gbtree\":{\"name\":\"gbtree\",\"model\":" },
	             { "\"name\":\"gbtree\"},\"learner_m",
	               "\"id\":0},\"name\":\"dart\",\"weight_drop\":[2,0.5]},\"learner_m" } },
	  .row = { 0, 0 },
	  .margin = -0.5f + 0.5f },
	{ .edits = { { "}]},\"name\"", "}],\"weight_drop\":[2,0.5]},\"name\"" } },
	  .row = { 0, 0 },
	  .margin = -0.5f + 0.5f },
	{ .edits = { { "{\"model\":", "{\"gbtree\":{\"model\":" },
	             { "}]},\"name\":\"gbtree\"}",
	               "}],\"weight_drop\":[2,0.5]}},\"name\":\"dart\"}" } },
	  .row = { 0, 0 },
	  .margin = -0.5f + 0.5f },
	/* which trees */
	{ .edits = { { "\"attributes\":{}", "\"attributes\":{\"best_iteration\":\"0\"}" } },
	  .row = { 0, 0 },
	  .margin = -0.25f },
	{ .edits = { { "\"attributes\":{}", "\"attributes\":{\"best_iteration\":\"0\"}" } },
	  .which = FOREST_TREES_ALL,
	  .row = { 0, 0 },
	  .margin = 0.75f },
	{ .edits = { { "\"attributes\":{}", "\"attributes\":{\"best_iteration\":\"seven\"}" } },
	  .which = FOREST_TREES_ALL,
	  .row = { 0, 0 },
	  .margin = 0.75f },
	{ .edits = { { "\"attributes\":{}", "\"attributes\":{\"best_iteration\":\"0\"}" },
	             { "\"iteration_indptr\":[0,1,2],", "" } },
	  .row = { 0, 0 },
	  .margin = -0.25f },
	{ .edits = { { "\"attributes\":{}", "\"attributes\":{\"best_iteration\":\"0\"}" },
	             { "\"iteration_indptr\":[0,1,2],", "" },
	             { "\"num_parallel_tree\":\"1\"", "\"num_parallel_tree\":\"2\"" } },
	  .row = { 0, 0 },
	  .margin = 0.75f },
	{ .edits = { { "\"attributes\":{}",
	               "\"attributes\":{\"best_iteration\":\"0\",\"best_ntree_limit\":\"2\"}" },
	             { "\"iteration_indptr\":[0,1,2],", "" },
	             { "\"num_parallel_tree\":\"1\",", "" } },
	  .row = { 0, 0 },
	  .margin = 0.75f },
	/* nodes that nothing leads to may hold anything */
	{ .edits = { { "[1,-1,-1],\"parents\"", "[1,-1,-1,99],\"parents\"" },
	             { "[2,-1,-1],\"split_conditions\":[1.5,-2.5E-1,7.5E-1],\"split_indices\":"
	               "[0,0,0],\"split_type\":[0,0,0],\"sum_hessian\":[4,3,1]",
	               "[2,-1,-1,-7],\"split_conditions\":[1.5,-2.5E-1,7.5E-1,NaN],"
	               "\"split_indices\":[0,0,0,-1],\"split_type\":[0,0,0,7],"
	               "\"sum_hessian\":[4,3,1,-1]" },
	             { "[1,0,0],\"id\":0", "[1,0,0,5],\"id\":0" },
	             { "\"num_nodes\":\"3\"", "\"num_nodes\":\"4\"" } },
	  .row = { 0, 0 },
	  .margin = 0.75f },
	{ .edits = { { "[1,-1,-1],\"parents\":[2147483647,0,0],\"right_children\":[2,-1,-1]",
	               "[-1,-1,-1],\"parents\":[2147483647,0,0],\"right_children\":[-1,-1,-1]" } },
	  .row = { 0, 0 },
	  .margin = 2.5f },
	/* categories that are their own codes, and features without any */
	{ .edits = { { "\"gbtree_model_param\"",
	               "\"cats\":{\"enc\":[{\"offsets\":[],\"values\":[]},{\"type\":15,\"values\":"
	               "[0,1,2,3]}],\"feature_segments\":[0,0,4]},\"gbtree_model_param\"" } },
	  .row = { 0, 0 },
	  .margin = 0.75f },
	/* members that mean nothing here may be anything */
	{ .edits = { { "\"id\":0", "\"id\":[{\"a\":[[1,{}],null,\"x\"]},true,-3.5e7]" } },
	  .row = { 0, 0 },
	  .margin = 0.75f },
	{ .edits = { { "[1.5,-2.5E-1,7.5E-1]", "[-Infinity,-2.5E-1,7.5E-1]" } },
	  .row = { 0, 0 },
	  .margin = 1.75f },
	{ .edits = { { "[4,3,1]", "[0,0,0]" } }, .row = { 0, 0 }, .margin = 0.75f },
};

static char *edited(const struct edit *edits, size_t n)
{
	char *text = strdup(document);

	for (size_t i = 0; i < n && edits[i].old; i++) {
		char *next = replace(text, edits[i].old, edits[i].new);

		free(text);
		text = next;
	}
	return text;
}

static void test_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(taken) / sizeof(taken[0]); i++) {
		char *json = edited(taken[i / 2].edits, 4);
		struct loaded l;
		float margin;

		if (load(&l, spelled(json, i % 2), taken[i / 2].which, NULL) < 0)
			fail_msg("case %zu, ubj %zu: %s", i / 2, i % 2, l.err.text);
		margin = forest_margin(&l.forest, taken[i / 2].row);
		if (margin != taken[i / 2].margin)
			fail_msg("case %zu, ubj %zu: margin %.9g, not %.9g", i / 2, i % 2,
			         (double)margin, (double)taken[i / 2].margin);
		done(&l);
		free(json);
	}
}

static void test_what_is_known_of_a_model(void **state)
{
	struct loaded l;

	(void)state;
	assert_int_equal(load(&l, str_of(document), FOREST_TREES_BEST, NULL), 0);
	assert_int_equal(l.model->version[0], 2);
	assert_int_equal(l.model->objective, FOREST_BINARY_LOGISTIC);
	assert_true(l.model->base_score == 0.5f && l.model->base_margin == 0);
	assert_int_equal(l.model->feature_count, 2);
	assert_true(str_is(l.model->feature_names[1], "kind"));
	assert_true(str_is(l.model->feature_types[1], "c"));
	assert_int_equal(l.model->tree_count, 2);
	assert_int_equal(l.model->best_iteration, -1);
	assert_int_equal(l.model->dart, 0);
	assert_true(l.model->trees[1].shares[0] == 0.5 && l.model->trees[1].shares[2] == 0.25);
	assert_true(fabs(l.forest.bias - (0.0 + 0.5 * 1 + 0.5 * 3.5)) < 1e-12);
	done(&l);
}

/* ---- refused ---- */

static const struct {
	const char *old, *new;
	int r;
	const char *words;
} refused[] = {
	/* sound, but not served */
	{ "binary:logistic", "reg:squarederror", -EOPNOTSUPP, "objective \"reg:squarederror\"" },
	{ "\"name\":\"gbtree\"", "\"name\":\"gblinear\"", -EOPNOTSUPP, "booster \"gblinear\"" },
	{ "\"num_class\":\"0\"", "\"num_class\":\"3\"", -EOPNOTSUPP, "3 classes" },
	{ "\"num_target\":\"1\"", "\"num_target\":\"2\"", -EOPNOTSUPP, "2 targets" },
	{ "\"5E-1\"", "\"[5E-1,5E-1]\"", -EOPNOTSUPP, "models of one output" },
	{ "\"tree_info\":[0,0]", "\"tree_info\":[0,1]", -EOPNOTSUPP, "tree 1 is for another" },
	{ "\"size_leaf_vector\":\"1\"", "\"size_leaf_vector\":\"3\"", -EOPNOTSUPP,
	  "tree 0: leaves are vectors" },
	{ "[2,0,3]", "[3,5,0]", -EOPNOTSUPP, "written by XGBoost 3.5.0" },
	{ "[2,0,3]", "[0,90,0]", -EOPNOTSUPP, "written by XGBoost 0.90.0" },
	{ "\"gbtree_model_param\"",
	  "\"cats\":{\"enc\":[{\"offsets\":[],\"values\":[]},{\"offsets\":[0,1,2],\"values\":"
	  "[97,98]}]},\"gbtree_model_param\"",
	  -EOPNOTSUPP, "feature \"kind\" has named categories" },
	{ "\"gbtree_model_param\"",
	  "\"cats\":{\"enc\":[{\"type\":15,\"values\":[0,2]}]},\"gbtree_model_param\"", -EOPNOTSUPP,
	  "feature \"amount\" has named categories" },
	/* trees */
	{ "[1,-1,-1],\"parents\"", "[99,-1,-1],\"parents\"", -EBADMSG,
	  "tree 0, node 0: left child 99 is outside 0..2" },
	{ "[1,-1,-1],\"parents\"", "[-2,-1,-1],\"parents\"", -EBADMSG,
	  "tree 0, node 0: left child -2 is outside 0..2" },
	{ "[2,-1,-1],\"split_c", "[3,-1,-1],\"split_c", -EBADMSG,
	  "tree 0, node 0: right child 3 is outside 0..2" },
	{ "[2,-1,-1],\"split_c", "[-1,-1,-1],\"split_c", -EBADMSG,
	  "tree 0, node 0: right child -1 is outside 0..2" },
	{ "[2,-1,-1],\"split_c", "[2,0,-1],\"split_c", -EBADMSG,
	  "tree 0, node 1: no left child, but right child 0" },
	{ "\"left_children\":[1,-1,3,-1,-1]", "\"left_children\":[1,-1,2,-1,-1]", -EBADMSG,
	  "tree 1, node 2: right child 4 does not follow left child 2" },
	{ "\"left_children\":[1,-1,3,-1,-1],\"parents\":[2147483647,0,0,2,2],\"right_children\":"
	  "[2,-1,4,-1,-1]",
	  "\"left_children\":[1,-1,0,-1,-1],\"parents\":[2147483647,0,0,2,2],\"right_children\":"
	  "[2,-1,1,-1,-1]",
	  -EBADMSG, "tree 1, node 0: reached twice" },
	{ "\"left_children\":[1,-1,3,-1,-1],\"parents\":[2147483647,0,0,2,2],\"right_children\":"
	  "[2,-1,4,-1,-1]",
	  "\"left_children\":[1,3,3,-1,-1],\"parents\":[2147483647,0,0,2,2],\"right_children\":"
	  "[2,4,4,-1,-1]",
	  -EBADMSG, "tree 1, node 3: reached twice" },
	{ "[1.5,-2.5E-1,7.5E-1]", "[NaN,-2.5E-1,7.5E-1]", -EBADMSG,
	  "tree 0, node 0: threshold is not a number" },
	{ "[1.5,-2.5E-1,7.5E-1]", "[1.5,NaN,7.5E-1]", -EBADMSG,
	  "tree 0, node 1: leaf value nan is not finite" },
	{ "[1.5,-2.5E-1,7.5E-1]", "[1.5,-2.5E-1,1e39]", -EBADMSG,
	  "tree 0, node 2: leaf value inf is not finite" },
	{ "[1.5,-2.5E-1,7.5E-1]", "[1.5,\"x\",7.5E-1]", -EBADMSG,
	  "tree 0, node 1: element of \"split_conditions\" is not a number" },
	{ "[1.5,-2.5E-1,7.5E-1]", "[1.5,[],7.5E-1]", -EBADMSG,
	  "tree 0, node 1: element of \"split_conditions\" is not a number" },
	{ "[1.5,-2.5E-1,7.5E-1]", "[1.5,true,7.5E-1]", -EBADMSG,
	  "tree 0, node 1: element of \"split_conditions\" is not a number" },
	{ "[1.5,-2.5E-1,7.5E-1]", "[1.5,7.5E-1]", -EBADMSG,
	  "tree 0: \"split_conditions\" has 2 elements, \"left_children\" has 3" },
	{ "\"split_conditions\":[1.5,-2.5E-1,7.5E-1],", "", -EBADMSG,
	  "tree 0: \"split_conditions\" has 0 elements" },
	{ "\"sum_hessian\":[4,3,1],", "", -EBADMSG, "tree 0: \"sum_hessian\" has 0 elements" },
	{ "[4,3,1]", "[4,3,-1]", -EBADMSG, "tree 0, node 0: covers of its children are 3 and -1" },
	{ "[4,3,1]", "[4,NaN,1]", -EBADMSG, "tree 0, node 0: covers" },
	{ "[1,0,0],\"id\"", "[2,0,0],\"id\"", -EBADMSG,
	  "tree 0, node 0: \"default_left\" is 2, not 0 or 1" },
	{ "\"split_type\":[0,0,0]", "\"split_type\":[2,0,0]", -EBADMSG,
	  "tree 0, node 0: \"split_type\" is 2" },
	{ "\"split_type\":[0,0,0]", "\"split_type\":[1,0,0]", -EBADMSG,
	  "tree 0, node 0: categorical split without categories" },
	{ "\"split_indices\":[0,0,0]", "\"split_indices\":[2,0,0]", -EBADMSG,
	  "tree 0, node 0: feature 2 is outside 0..1" },
	{ "\"split_indices\":[0,0,0]", "\"split_indices\":[-1,0,0]", -EBADMSG,
	  "tree 0, node 0: feature -1 is impossible" },
	{ "\"split_indices\":[0,0,0]", "\"split_indices\":[0.5,0,0]", -EBADMSG,
	  "tree 0, node 0: element of \"split_indices\" is not an integer" },
	{ "\"num_nodes\":\"3\"", "\"num_nodes\":\"4\"", -EBADMSG,
	  "tree 0: \"num_nodes\" is \"4\", \"left_children\" has 3" },
	{ "\"num_nodes\":\"3\"", "\"num_nodes\":3", -EBADMSG,
	  "tree 0: \"num_nodes\" is not a string" },
	{ "\"left_children\":[1,-1,-1]", "\"left_children\":{}", -EBADMSG,
	  "tree 0: \"left_children\" is not a list of integers" },
	{ "\"id\":0", "\"sum_hessian\":[4,3,1]", -EBADMSG, "tree 0: \"sum_hessian\" comes twice" },
	/* categories */
	{ "\"categories\":[1,3]", "\"categories\":[1]", -EBADMSG,
	  "tree 1, node 2: categories 0..0+2 outside 0..1" },
	{ "\"categories_segments\":[0],\"categories_sizes\":[2]",
	  "\"categories_segments\":[-1],\"categories_sizes\":[2]", -EBADMSG,
	  "tree 1, node 2: categories -1" },
	{ "\"categories_sizes\":[2]", "\"categories_sizes\":[0]", -EBADMSG,
	  "tree 1, node 2: categories 0..0+0" },
	{ "\"categories_sizes\":[2]", "\"categories_sizes\":[]", -EBADMSG, "have 1, 1 and 0" },
	{ "\"categories\":[1,3]", "\"categories\":[1,16777216]", -EBADMSG,
	  "tree 1, node 2: category 16777216 is outside 0..16777215" },
	{ "\"categories\":[1,3]", "\"categories\":[-1,3]", -EBADMSG, "category -1 is outside" },
	{ "\"categories_nodes\":[2],\"categories_segments\":[0],\"categories_sizes\":[2]",
	  "\"categories_nodes\":[2,2],\"categories_segments\":[0,0],\"categories_sizes\":[2,2]",
	  -EBADMSG, "tree 1: \"categories_nodes\" does not rise" },
	/* the rest of the document */
	{ "\"num_feature\":\"2\",\"num_target\"", "\"num_feature\":\"0\",\"num_target\"", -EBADMSG,
	  "\"num_feature\" is 0" },
	{ "\"num_feature\":\"2\",\"num_target\"", "\"num_feature\":\"-2\",\"num_target\"", -EBADMSG,
	  "\"num_feature\" is \"-2\", not a count" },
	{ "\"num_feature\":\"2\",\"num_target\"", "\"num_feature\":\"70000\",\"num_target\"",
	  -E2BIG, "70000 features" },
	{ "\"num_feature\":\"2\",\"num_target\"", "\"num_feature\":\"3\",\"num_target\"", -EBADMSG,
	  "3 features, but 2 feature names" },
	{ "\"5E-1\"", "\"x\"", -EBADMSG, "\"base_score\" is \"x\", not a number" },
	{ "\"5E-1\"", "\"\"", -EBADMSG, "\"base_score\" is \"\", not a number" },
	{ "\"5E-1\"", "\"[]\"", -EBADMSG, "\"base_score\" is \"[]\", not a number" },
	{ "\"5E-1\"", "\"NaN\"", -EBADMSG, "\"base_score\" is not finite" },
	{ "\"5E-1\"", "\"1.5\"", -EBADMSG, "\"base_score\" 1.5 is no probability" },
	{ "\"5E-1\"", "\"0\"", -EBADMSG, "\"base_score\" 0 has no log-odds" },
	{ "\"base_score\":\"5E-1\",", "", -EBADMSG,
	  "no \"learner.learner_model_param.base_score\"" },
	{ "\"num_trees\":\"2\"", "\"num_trees\":\"3\"", -EBADMSG, "\"num_trees\" is 3" },
	{ "\"tree_info\":[0,0]", "\"tree_info\":[0]", -EBADMSG, "\"tree_info\" has 1" },
	{ "\"trees\"", "\"bushes\"", -EBADMSG, "no trees" },
	{ "}]},\"name\"", "}],\"trees\":[]},\"name\"", -EBADMSG, "\"trees\" comes twice" },
	{ "\"version\":[2,0,3]", "\"id\":0", -EBADMSG, "\"version\" is not a list of 3" },
	{ "[2,0,3]", "[2,-1,3]", -EBADMSG, "\"version\" is no version" },
	{ "\"name\":\"gbtree\"", "\"name\":\"dart\"", -EBADMSG, "no \"weight_drop\"" },
	{ "}]},\"name\"", "}],\"weight_drop\":[1]},\"name\"", -EBADMSG,
	  "2 trees, but \"weight_drop\" has 1" },
	{ "}]},\"name\"", "}],\"weight_drop\":[1,Infinity]},\"name\"", -EBADMSG,
	  "tree 1: with weight inf its leaves are not finite" },
	{ "}]},\"name\"", "}],\"weight_drop\":[1,3e38]},\"name\"", -EBADMSG,
	  "tree 1: with weight 3e+38 its leaves are not finite" },
	{ "}]},\"name\"", "}],\"weight_drop\":[1,1]},\"weight_drop\":[1,1],\"name\"", -EBADMSG,
	  "\"weight_drop\" comes twice" },
	{ "\"attributes\":{}", "\"attributes\":{\"best_iteration\":\"2\"}", -EBADMSG,
	  "\"best_iteration\" is 2 of 2 rounds" },
	{ "\"attributes\":{}", "\"attributes\":{\"best_iteration\":\"x\"}", -EBADMSG,
	  "\"best_iteration\" is \"x\", not a count" },
	{ "\"attributes\":{}", "\"attributes\":{\"best_iteration\":1}", -EBADMSG,
	  "\"best_iteration\" is not a string" },
	{ "\"attributes\":{}", "\"attributes\":{\"best_iteration\":\"0\",\"best_iteration\":\"0\"}",
	  -EBADMSG, "\"best_iteration\" comes twice" },
	{ "{\"learner\":", "{\"learner\":7,\"x\":", -EBADMSG, "\"learner\" is not an object" },
	{ "\"objective\":{", "\"objective\":null,\"x\":{", -EBADMSG,
	  "\"objective\" is not an object" },
	{ "[\"amount\",\"kind\"]", "[\"amount\",1]", -EBADMSG,
	  "element 1 of \"feature_names\" is not a string" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(refused) / sizeof(refused[0]); i++) {
		struct edit edit = { refused[i / 2].old, refused[i / 2].new };
		char *json = edited(&edit, 1);
		struct loaded l;
		int r = load(&l, spelled(json, i % 2), FOREST_TREES_BEST, NULL);

		if (r != refused[i / 2].r)
			fail_msg("case %zu, ubj %zu: %d (%s)", i / 2, i % 2, r, l.err.text);
		if (!strstr(l.err.text, refused[i / 2].words))
			fail_msg("case %zu, ubj %zu: \"%s\"", i / 2, i % 2, l.err.text);
		done(&l);
		free(json);
	}
}

#define TEXT(literal)                                                                              \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

static const struct {
	struct str text;
	int r;
	const char *words;
} no_documents[] = {
	{ TEXT(""), -EBADMSG, "empty document" },
	{ TEXT("binf...."), -EOPNOTSUPP, "old binary format" },
	{ TEXT("bs64...."), -EOPNOTSUPP, "old binary format" },
	{ TEXT("[1]"), -EBADMSG, "neither JSON nor UBJSON" },
	{ TEXT("{"), -EBADMSG, "byte 1" },
	{ TEXT("{}"), -EBADMSG, "\"version\"" },
	{ TEXT("{\"a\":1} x"), -EBADMSG, "byte 8" },
	{ TEXT("{\"a\":01}"), -EBADMSG, "byte" },
	{ TEXT("{L"), -EBADMSG, "byte 2: the document ends within a number" },
	{ TEXT("{i\x01"), -EBADMSG, "byte 3: a length beyond the document's end" },
	{ TEXT("{i\xff"), -EBADMSG, "byte 3: a length that is no count" },
	{ TEXT("{i\x01"
	       "a"),
	  -EBADMSG, "byte 4: the document ends too early" },
	{ TEXT("{i\x01"
	       "aQ"),
	  -EBADMSG, "byte 5: unknown type" },
	{ TEXT("{i\x01"
	       "ai\x05"),
	  -EBADMSG, "byte 6: the document ends too early" },
	{ TEXT("{i\x01"
	       "ai\x05}x"),
	  -EBADMSG, "byte 7: something follows" },
	{ TEXT("{i\x01"
	       "a[$i#i\x7f}"),
	  -EBADMSG, "a length beyond the document's end" },
	{ TEXT("{i\x01"
	       "a[$Z#i\x7f}"),
	  -EBADMSG, "something else than numbers" },
	{ TEXT("{i\x01"
	       "a[$ii\x01}"),
	  -EBADMSG, "without a length" },
	{ TEXT("{i\x01"
	       "a[#i\x01}"),
	  -EBADMSG, "unknown type" },
	{ TEXT("{i\x01"
	       "a[$L#L\xff\xff\xff\xff\xff\xff\xff\xff"),
	  -EBADMSG, "no count" },
	{ TEXT("{i\x01"
	       "a[$L#L\x1f\xff\xff\xff\xff\xff\xff\xff"),
	  -EBADMSG, "beyond" },
	{ TEXT("{i\x01"
	       "aSi\x02\xc3\x28}"),
	  -EBADMSG, "not UTF-8" },
};

static void test_texts_that_are_no_document(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(no_documents) / sizeof(no_documents[0]); i++) {
		struct loaded l;
		int r = load(&l, no_documents[i].text, FOREST_TREES_BEST, NULL);

		if (r != no_documents[i].r || !strstr(l.err.text, no_documents[i].words))
			fail_msg("case %zu: %d (%s)", i, r, l.err.text);
		done(&l);
	}
}

static void test_limits(void **state)
{
	static const struct {
		struct forest_limits limits;
		int r;
		const char *words;
	} cases[] = {
		{ { .max_trees = 2,
		    .max_nodes = 8,
		    .max_features = 2,
		    .max_depth = 2,
		    .max_category_words = 2 },
		  0,
		  "" },
		{ { .max_trees = 1 }, -E2BIG, "more than 1 trees" },
		{ { .max_nodes = 7 }, -E2BIG, "tree 1: more nodes than allowed" },
		{ { .max_nodes = 2 }, -E2BIG, "one more than allowed" },
		{ { .max_features = 1 }, -E2BIG, "element 1 of \"feature_names\" is one more" },
		{ { .max_depth = 1 }, -E2BIG, "tree 1, node 2: deeper than 1 splits" },
		{ { .max_category_words = 1 }, -E2BIG, "tree 1: category sets take too much" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		struct loaded l;
		struct str text = spelled(document, i % 2);
		int r = load(&l, text, FOREST_TREES_BEST, &cases[i / 2].limits);

		if (r != cases[i / 2].r || !strstr(l.err.text, cases[i / 2].words))
			fail_msg("case %zu, ubj %zu: %d (%s)", i / 2, i % 2, r, l.err.text);
		done(&l);
	}
}

/* Cut anywhere, both spellings are refused and leave nothing behind. */
static void test_truncated(void **state)
{
	(void)state;
	for (int as_ubj = 0; as_ubj < 2; as_ubj++) {
		struct str whole = spelled(document, as_ubj);

		for (size_t n = 0; n < whole.n; n++) {
			char *cut = malloc(n + 1);
			struct loaded l;

			memcpy(cut, whole.p, n);
			if (load(&l, (struct str){ cut, n }, FOREST_TREES_BEST, NULL) != -EBADMSG)
				fail_msg("%zu bytes, ubj %d: taken", n, as_ubj);
			done(&l);
			free(cut);
		}
	}
}

/* An arena that fails at any allocation gives -ENOMEM, not a broken model. */
static void test_out_of_memory(void **state)
{
	struct str text = str_of(document);
	bool worked = false;

	(void)state;
	for (size_t limit = 1; limit < 1 << 20 && !worked; limit += limit / 8 + 64) {
		struct arena a = { .limit = limit };
		struct forest_model *m = NULL;
		struct errbuf err;
		int r = forest_import(text, FOREST_TREES_BEST, NULL, &a, &m, &err);

		worked = r == 0;
		if (!worked && r != -ENOMEM)
			fail_msg("limit %zu: %d (%s)", limit, r, err.text);
		arena_done(&a);
	}
	assert_true(worked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_what_is_known_of_a_model),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_texts_that_are_no_document),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
