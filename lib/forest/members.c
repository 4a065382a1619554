/*
 * The format of XGBoost's model documents, versions 1.0 to 3.4, as far as it matters here. Dart
 * keeps its weights in any of three places, and wraps its trees in a booster of its own or does
 * not; the rows lead all of them to the same fields. Whatever has no row is skipped unread.
 */
#include "forest/members.h"

#include "forest/document_state.h"

const struct kind_words kind_words[] = {
	[KIND_OBJECT] = { "is not an object", NULL },
	[KIND_OBJECTS] = { "is not a list of objects", "not an object" },
	[KIND_TEXT] = { "is not a string", NULL },
	[KIND_INTS] = { "is not a list of integers", "not an integer" },
	[KIND_FLAGS] = { "is not a list of 0 and 1", "not an integer" },
	[KIND_FLOATS] = { "is not a list of numbers", "not a number" },
	[KIND_STRINGS] = { "is not a list of strings", "not a string" },
};

#define FIELD(name) offsetof(struct document, name)

static const struct member members[] = {
	{ PLACE_ROOT, KIND_OBJECT, "learner", PLACE_LEARNER },
	{ PLACE_ROOT, KIND_INTS, "version", FIELD(version) },
	{ PLACE_LEARNER, KIND_OBJECT, "attributes", PLACE_ATTRIBUTES },
	{ PLACE_LEARNER, KIND_STRINGS, "feature_names", FIELD(feature_names) },
	{ PLACE_LEARNER, KIND_STRINGS, "feature_types", FIELD(feature_types) },
	{ PLACE_LEARNER, KIND_OBJECT, "gradient_booster", PLACE_BOOSTER },
	{ PLACE_LEARNER, KIND_OBJECT, "learner_model_param", PLACE_LEARNER_PARAM },
	{ PLACE_LEARNER, KIND_OBJECT, "objective", PLACE_OBJECTIVE },
	{ PLACE_ATTRIBUTES, KIND_TEXT, "best_iteration", FIELD(best_iteration) },
	{ PLACE_ATTRIBUTES, KIND_TEXT, "best_ntree_limit", FIELD(best_ntree_limit) },
	{ PLACE_LEARNER_PARAM, KIND_TEXT, "base_score", FIELD(base_score) },
	{ PLACE_LEARNER_PARAM, KIND_TEXT, "num_class", FIELD(num_class) },
	{ PLACE_LEARNER_PARAM, KIND_TEXT, "num_feature", FIELD(num_feature) },
	{ PLACE_LEARNER_PARAM, KIND_TEXT, "num_target", FIELD(num_target) },
	{ PLACE_OBJECTIVE, KIND_TEXT, "name", FIELD(objective) },
	{ PLACE_BOOSTER, KIND_TEXT, "name", FIELD(booster) },
	{ PLACE_BOOSTER, KIND_OBJECT, "gbtree", PLACE_INNER_BOOSTER },
	{ PLACE_BOOSTER, KIND_OBJECT, "model", PLACE_MODEL },
	{ PLACE_BOOSTER, KIND_FLOATS, "weight_drop", FIELD(weights) },
	{ PLACE_INNER_BOOSTER, KIND_TEXT, "name", FIELD(inner_booster) },
	{ PLACE_INNER_BOOSTER, KIND_OBJECT, "model", PLACE_MODEL },
	{ PLACE_INNER_BOOSTER, KIND_FLOATS, "weight_drop", FIELD(weights) },
	{ PLACE_MODEL, KIND_OBJECT, "cats", PLACE_CATEGORIES },
	{ PLACE_MODEL, KIND_OBJECT, "gbtree_model_param", PLACE_MODEL_PARAM },
	{ PLACE_MODEL, KIND_INTS, "iteration_indptr", FIELD(iterations) },
	{ PLACE_MODEL, KIND_INTS, "tree_info", FIELD(tree_group) },
	{ PLACE_MODEL, KIND_OBJECTS, "trees", PLACE_TREE },
	{ PLACE_MODEL, KIND_FLOATS, "weight_drop", FIELD(weights) },
	{ PLACE_MODEL_PARAM, KIND_TEXT, "num_parallel_tree", FIELD(num_parallel_tree) },
	{ PLACE_MODEL_PARAM, KIND_TEXT, "num_trees", FIELD(num_trees) },
	{ PLACE_TREE, KIND_INTS, "categories", FIELD(tree.categories) },
	{ PLACE_TREE, KIND_INTS, "categories_nodes", FIELD(tree.category_nodes) },
	{ PLACE_TREE, KIND_INTS, "categories_segments", FIELD(tree.category_segments) },
	{ PLACE_TREE, KIND_INTS, "categories_sizes", FIELD(tree.category_sizes) },
	{ PLACE_TREE, KIND_FLAGS, "default_left", FIELD(tree.default_left) },
	{ PLACE_TREE, KIND_INTS, "left_children", FIELD(tree.left) },
	{ PLACE_TREE, KIND_INTS, "right_children", FIELD(tree.right) },
	{ PLACE_TREE, KIND_FLOATS, "split_conditions", FIELD(tree.value) },
	{ PLACE_TREE, KIND_INTS, "split_indices", FIELD(tree.feature) },
	{ PLACE_TREE, KIND_INTS, "split_type", FIELD(tree.split_type) },
	{ PLACE_TREE, KIND_FLOATS, "sum_hessian", FIELD(tree.cover) },
	{ PLACE_TREE, KIND_OBJECT, "tree_param", PLACE_TREE_PARAM },
	{ PLACE_TREE_PARAM, KIND_TEXT, "num_nodes", FIELD(tree.node_count) },
	{ PLACE_TREE_PARAM, KIND_TEXT, "size_leaf_vector", FIELD(tree.leaf_size) },
	{ PLACE_CATEGORIES, KIND_OBJECTS, "enc", PLACE_ENCODING },
	{ PLACE_ENCODING, KIND_INTS, "offsets", FIELD(encoding_offsets) },
	{ PLACE_ENCODING, KIND_INTS, "values", FIELD(encoding_values) },
};

const struct member *member_find(enum place place, struct str name)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (members[i].place == place && str_is(name, members[i].name))
			return &members[i];
	return NULL;
}
