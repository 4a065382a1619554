/*
 * Which members of an XGBoost model document matter, and what happens to them. The table below is
 * the format, of versions 1.0 to 3.4: dart keeps its weights in any of three places, and wraps its
 * trees in a booster of its own or does not; the rows lead all of them to the same fields.
 * A member that matters must have the right type and come once. Called by the two readers,
 * event by event; import.c makes a model of the result.
 */
#include "forest/document.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum place {
	ROOT,
	LEARNER,
	ATTRIBUTES,
	LEARNER_PARAM,
	OBJECTIVE,
	BOOSTER,
	INNER_BOOSTER,
	MODEL,
	MODEL_PARAM,
	TREE,
	TREE_PARAM,
	CATEGORIES,
	ENCODING,
};

enum kind {
	OBJECT, /* to: its place */
	OBJECTS, /* a list of them; to: their place */
	TEXT, /* to: a struct str */
	INTS, /* to: a struct ints */
	FLAGS, /* INTS that may also be true and false */
	FLOATS, /* to: a struct floats */
	STRINGS, /* to: a struct strings */
};

static const struct {
	const char *is_not, *element_is_not;
} kinds[] = {
	[OBJECT] = { "is not an object", NULL },
	[OBJECTS] = { "is not a list of objects", "not an object" },
	[TEXT] = { "is not a string", NULL },
	[INTS] = { "is not a list of integers", "not an integer" },
	[FLAGS] = { "is not a list of 0 and 1", "not an integer" },
	[FLOATS] = { "is not a list of numbers", "not a number" },
	[STRINGS] = { "is not a list of strings", "not a string" },
};

struct member {
	enum place place;
	const char *name;
	enum kind kind;
	size_t to;
};

#define FIELD(name) offsetof(struct document, name)

/* clang-format off: table */
static const struct member members[] = {
	{ ROOT,          "learner",             OBJECT,  LEARNER },
	{ ROOT,          "version",             INTS,    FIELD(version) },
	{ LEARNER,       "attributes",          OBJECT,  ATTRIBUTES },
	{ LEARNER,       "feature_names",       STRINGS, FIELD(feature_names) },
	{ LEARNER,       "feature_types",       STRINGS, FIELD(feature_types) },
	{ LEARNER,       "gradient_booster",    OBJECT,  BOOSTER },
	{ LEARNER,       "learner_model_param", OBJECT,  LEARNER_PARAM },
	{ LEARNER,       "objective",           OBJECT,  OBJECTIVE },
	{ ATTRIBUTES,    "best_iteration",      TEXT,    FIELD(best_iteration) },
	{ ATTRIBUTES,    "best_ntree_limit",    TEXT,    FIELD(best_ntree_limit) },
	{ LEARNER_PARAM, "base_score",          TEXT,    FIELD(base_score) },
	{ LEARNER_PARAM, "num_class",           TEXT,    FIELD(num_class) },
	{ LEARNER_PARAM, "num_feature",         TEXT,    FIELD(num_feature) },
	{ LEARNER_PARAM, "num_target",          TEXT,    FIELD(num_target) },
	{ OBJECTIVE,     "name",                TEXT,    FIELD(objective) },
	{ BOOSTER,       "name",                TEXT,    FIELD(booster) },
	{ BOOSTER,       "gbtree",              OBJECT,  INNER_BOOSTER },
	{ BOOSTER,       "model",               OBJECT,  MODEL },
	{ BOOSTER,       "weight_drop",         FLOATS,  FIELD(weights) },
	{ INNER_BOOSTER, "name",                TEXT,    FIELD(inner_booster) },
	{ INNER_BOOSTER, "model",               OBJECT,  MODEL },
	{ INNER_BOOSTER, "weight_drop",         FLOATS,  FIELD(weights) },
	{ MODEL,         "cats",                OBJECT,  CATEGORIES },
	{ MODEL,         "gbtree_model_param",  OBJECT,  MODEL_PARAM },
	{ MODEL,         "iteration_indptr",    INTS,    FIELD(iterations) },
	{ MODEL,         "tree_info",           INTS,    FIELD(tree_group) },
	{ MODEL,         "trees",               OBJECTS, TREE },
	{ MODEL,         "weight_drop",         FLOATS,  FIELD(weights) },
	{ MODEL_PARAM,   "num_parallel_tree",   TEXT,    FIELD(num_parallel_tree) },
	{ MODEL_PARAM,   "num_trees",           TEXT,    FIELD(num_trees) },
	{ TREE,          "categories",          INTS,    FIELD(tree.categories) },
	{ TREE,          "categories_nodes",    INTS,    FIELD(tree.category_nodes) },
	{ TREE,          "categories_segments", INTS,    FIELD(tree.category_segments) },
	{ TREE,          "categories_sizes",    INTS,    FIELD(tree.category_sizes) },
	{ TREE,          "default_left",        FLAGS,   FIELD(tree.default_left) },
	{ TREE,          "left_children",       INTS,    FIELD(tree.left) },
	{ TREE,          "right_children",      INTS,    FIELD(tree.right) },
	{ TREE,          "split_conditions",    FLOATS,  FIELD(tree.value) },
	{ TREE,          "split_indices",       INTS,    FIELD(tree.feature) },
	{ TREE,          "split_type",          INTS,    FIELD(tree.split_type) },
	{ TREE,          "sum_hessian",         FLOATS,  FIELD(tree.cover) },
	{ TREE,          "tree_param",          OBJECT,  TREE_PARAM },
	{ TREE_PARAM,    "num_nodes",           TEXT,    FIELD(tree.node_count) },
	{ TREE_PARAM,    "size_leaf_vector",    TEXT,    FIELD(tree.leaf_size) },
	{ CATEGORIES,    "enc",                 OBJECTS, ENCODING },
	{ ENCODING,      "offsets",             INTS,    FIELD(encoding_offsets) },
	{ ENCODING,      "values",              INTS,    FIELD(encoding_values) },
};
/* clang-format on */

void document_init(struct document *d, const struct forest_limits *limits, struct arena *a,
		   struct errbuf *err)
{
	*d = (struct document){ .limits = *limits, .arena = a, .err = err, .recoded = -1 };
	d->budget.nodes = limits->max_nodes;
	d->budget.category_words = limits->max_category_words;
	d->budget.max_depth = limits->max_depth;
}

void document_done(struct document *d)
{
	raw_tree_done(&d->tree);
	free(d->version.v);
	free(d->feature_names.v);
	free(d->feature_types.v);
	free(d->tree_group.v);
	free(d->iterations.v);
	free(d->weights.v);
	free(d->trees);
	free(d->encoding_offsets.v);
	free(d->encoding_values.v);
	*d = (struct document){ 0 };
}

int document_refuse(struct document *d, int r, const char *format, ...)
{
	struct errbuf text;
	va_list args;

	va_start(args, format);
	vsnprintf(text.text, sizeof(text.text), format, args);
	va_end(args);
	d->refused = true;
	return errbuf_set(d->err, r, "%s", text.text);
}

/* ---- where we are ---- */

/* The list that is being filled, or NULL within an object. */
static const struct member *list_at(const struct document *d)
{
	return d->depth > 0 ? d->levels[d->depth - 1].member : NULL;
}

static bool within_tree(const struct document *d)
{
	for (unsigned i = 0; i < d->depth; i++)
		if (!d->levels[i].member && d->levels[i].place == TREE)
			return true;
	return false;
}

/* Says what is wrong with a member, and in which tree. */
static int refuse_member(struct document *d, const struct member *m, const char *what)
{
	if (within_tree(d))
		return document_refuse(d, -EBADMSG, "tree %zu: \"%s\" %s", d->tree_count, m->name,
				       what);
	return document_refuse(d, -EBADMSG, "\"%s\" %s", m->name, what);
}

static int wrong_type(struct document *d, const struct member *m)
{
	return refuse_member(d, m, kinds[m->kind].is_not);
}

static void *field(struct document *d, const struct member *m)
{
	return (char *)d + m->to;
}

static size_t list_length(struct document *d, const struct member *m)
{
	switch (m->kind) {
	case INTS:
	case FLAGS:
		return ((struct ints *)field(d, m))->n;
	case FLOATS:
		return ((struct floats *)field(d, m))->n;
	case STRINGS:
		return ((struct strings *)field(d, m))->n;
	default:
		return 0;
	}
}

/* -ENOMEM stays what it is, -E2BIG is an element too many, all else the wrong kind of one. */
static int wrong_element(struct document *d, const struct member *m, int r)
{
	const char *what = r == -E2BIG ? "one more than allowed" : kinds[m->kind].element_is_not;
	size_t i = list_length(d, m);

	if (r == -ENOMEM)
		return r;
	r = r == -E2BIG ? r : -EBADMSG;
	if (within_tree(d))
		return document_refuse(d, r, "tree %zu, node %zu: element of \"%s\" is %s",
				       d->tree_count, i, m->name, what);
	return document_refuse(d, r, "element %zu of \"%s\" is %s", i, m->name, what);
}

static int push(struct document *d, unsigned place, const struct member *list)
{
	if (d->depth == DOCUMENT_MAX_LEVELS)
		return document_refuse(d, -EBADMSG, "nested too deeply");
	d->levels[d->depth++] = (struct level){ place, list };
	d->member = NULL;
	return 0;
}

/* ---- containers ---- */

static int begin_object(struct document *d, unsigned place)
{
	if (place == TREE)
		raw_tree_reset(&d->tree);
	if (place == ENCODING) {
		d->encoding_offsets.n = 0;
		d->encoding_values.n = 0;
	}
	return push(d, place, NULL);
}

static int begin_list(struct document *d, const struct member *m)
{
	if (m->kind == OBJECT || m->kind == TEXT)
		return wrong_type(d, m);
	if (list_length(d, m) || (m->kind == OBJECTS && m->to == TREE && d->tree_count))
		return refuse_member(d, m, "comes twice");
	return push(d, 0, m);
}

int document_begin(struct document *d, bool list)
{
	const struct member *m = list_at(d);

	if (d->skipped) {
		d->skipped++;
		return 0;
	}
	if (d->depth == 0)
		return list ? document_refuse(d, -EBADMSG, "not an object") : push(d, ROOT, NULL);
	if (m) {
		if (m->kind != OBJECTS || list)
			return wrong_element(d, m, -EBADMSG);
		return begin_object(d, (unsigned)m->to);
	}
	m = d->member;
	if (!m) {
		d->skipped = 1;
		return 0;
	}
	if (list)
		return begin_list(d, m);
	return m->kind == OBJECT ? begin_object(d, (unsigned)m->to) : wrong_type(d, m);
}

static int end_tree(struct document *d)
{
	int r;

	if (d->tree_count >= d->limits.max_trees)
		return document_refuse(d, -E2BIG, "more than %zu trees", d->limits.max_trees);
	if (d->tree_count == d->tree_room) {
		size_t room = d->tree_room ? d->tree_room * 2 : 64;
		void *grown = reallocarray(d->trees, room, sizeof(*d->trees));

		if (!grown)
			return -ENOMEM;
		d->trees = grown;
		d->tree_room = room;
	}
	r = tree_import(&d->tree, (uint32_t)d->tree_count, &d->budget, d->arena,
			&d->trees[d->tree_count], d->err);
	if (r < 0) {
		d->refused = r != -ENOMEM;
		return r;
	}
	d->tree_count++;
	return 0;
}

/* A feature without categories has empty lists. Categories 0, 1, 2, … are their own codes. */
static void end_encoding(struct document *d)
{
	bool own = d->encoding_offsets.n <= 1;

	for (size_t i = 0; i < d->encoding_values.n && own; i++)
		own = d->encoding_values.v[i] == (int64_t)i;
	if (!own && d->recoded < 0)
		d->recoded = d->encodings;
	d->encodings++;
}

int document_end(struct document *d)
{
	struct level done;

	if (d->skipped) {
		d->skipped--;
		return 0;
	}
	done = d->levels[--d->depth];
	if (done.member)
		return 0;
	if (done.place == TREE)
		return end_tree(d);
	if (done.place == ENCODING)
		end_encoding(d);
	return 0;
}

int document_key(struct document *d, struct str name)
{
	unsigned place;

	if (d->skipped)
		return 0;
	place = d->levels[d->depth - 1].place;
	d->member = NULL;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (members[i].place == place && str_is(name, members[i].name))
			d->member = &members[i];
	return 0;
}

/* ---- values ---- */

/* The row that a single value belongs to: the list it is in, or its member; NULL: skip it. */
static const struct member *owner(const struct document *d)
{
	const struct member *list = list_at(d);

	if (d->skipped)
		return NULL;
	return list ? list : d->member;
}

static int set_text(struct document *d, const struct member *m, struct str text)
{
	struct str *to = field(d, m);

	if (to->p)
		return refuse_member(d, m, "comes twice");
	to->p = arena_strndup(d->arena, text);
	to->n = text.n;
	return to->p ? 0 : -ENOMEM;
}

static int add_string(struct document *d, const struct member *m, struct str text)
{
	struct strings *to = field(d, m);

	if (to->n >= d->limits.max_features)
		return wrong_element(d, m, -E2BIG);
	if (to->n == to->room) {
		size_t room = to->room ? to->room * 2 : 64;
		void *grown = reallocarray(to->v, room, sizeof(*to->v));

		if (!grown)
			return -ENOMEM;
		to->v = grown;
		to->room = room;
	}
	to->v[to->n].p = arena_strndup(d->arena, text);
	to->v[to->n].n = text.n;
	return to->v[to->n++].p ? 0 : -ENOMEM;
}

int document_string(struct document *d, struct str text)
{
	const struct member *m = owner(d);

	if (d->depth == 0)
		return document_refuse(d, -EBADMSG, "not an object");
	if (!m)
		return 0;
	if (list_at(d))
		return m->kind == STRINGS ? add_string(d, m, text) : wrong_element(d, m, -EBADMSG);
	return m->kind == TEXT ? set_text(d, m, text) : wrong_type(d, m);
}

static int add_int(struct document *d, const struct member *m, const struct number *n)
{
	struct ints *to = field(d, m);
	int64_t i;
	int r = number_to_int(n, &i);

	r = r ? r : ints_reserve(to, 1, d->limits.max_nodes);
	if (r < 0)
		return wrong_element(d, m, r);
	to->v[to->n++] = i;
	return 0;
}

static int add_float(struct document *d, const struct member *m, const struct number *n)
{
	struct floats *to = field(d, m);
	float f;
	int r = number_to_float(n, &f);

	r = r ? r : floats_reserve(to, 1, d->limits.max_nodes);
	if (r < 0)
		return wrong_element(d, m, r);
	to->v[to->n++] = f;
	return 0;
}

static int add_number(struct document *d, const struct member *m, const struct number *n)
{
	switch (m->kind) {
	case INTS:
	case FLAGS:
		return add_int(d, m, n);
	case FLOATS:
		return add_float(d, m, n);
	default:
		return wrong_element(d, m, -EBADMSG);
	}
}

int document_number(struct document *d, const struct number *n)
{
	const struct member *m = owner(d);

	if (d->depth == 0)
		return document_refuse(d, -EBADMSG, "not an object");
	if (!m)
		return 0;
	return list_at(d) ? add_number(d, m, n) : wrong_type(d, m);
}

int document_bool(struct document *d, bool value)
{
	const struct member *m = owner(d);
	struct number n = { .integral = true, .integer = value };

	if (d->depth == 0)
		return document_refuse(d, -EBADMSG, "not an object");
	if (!m)
		return 0;
	if (!list_at(d))
		return wrong_type(d, m);
	return m->kind == FLAGS ? add_int(d, m, &n) : wrong_element(d, m, -EBADMSG);
}

int document_null(struct document *d)
{
	const struct member *m = owner(d);

	if (d->depth == 0)
		return document_refuse(d, -EBADMSG, "not an object");
	if (!m)
		return 0;
	return list_at(d) ? wrong_element(d, m, -EBADMSG) : wrong_type(d, m);
}

/* Room at once for what is known to come: a UBJSON list says its length. */
static int reserve(struct document *d, const struct member *m, size_t count)
{
	int r = 0;

	if (m->kind == INTS || m->kind == FLAGS)
		r = ints_reserve(field(d, m), count, d->limits.max_nodes);
	else if (m->kind == FLOATS)
		r = floats_reserve(field(d, m), count, d->limits.max_nodes);
	return r < 0 ? wrong_element(d, m, r) : 0;
}

int document_numbers(struct document *d, char type, const uint8_t *p, size_t count)
{
	const struct member *m;
	struct number n;
	int r = document_begin(d, true);

	m = owner(d);
	if (r == 0 && m)
		r = reserve(d, m, count);
	for (size_t i = 0; i < count && r == 0 && m; i++) {
		ubj_number(type, p + i * ubj_number_size(type), &n);
		r = add_number(d, m, &n);
	}
	return r < 0 ? r : document_end(d);
}
