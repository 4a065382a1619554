/*
 * A model document to a checked model: the document is read by one of two readers, then what it
 * said is interpreted here, strictly. What is sound but not served (another booster, objective,
 * several outputs, a newer version) is refused by name; what is broken is refused with the place.
 * Our own importer is the source of truth: Debian's libxgboost 1.7.4 takes newer documents and
 * silently predicts something else. Called by the loader's compile child and by fraud-train.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forest/build.h"
#include "forest/document.h"
#include "forest/model.h"
#include "forest/ubj.h"
#include "json/scan.h"

/* The last version whose documents are known. A later one may mean something else by the same
 * words, as 3.1 (base_score) and 3.3 (dart) did. */
#define NEWEST_MAJOR 3
#define NEWEST_MINOR 4

static const struct forest_limits defaults = {
	.max_nodes = (size_t)64 << 20,
	.max_trees = 100000,
	.max_features = 65536,
	.max_depth = FOREST_MAX_DEPTH,
	.max_category_words = (size_t)16 << 20,
};

static const char *const objectives[FOREST_OBJECTIVE_MAX] = {
	[FOREST_BINARY_LOGISTIC] = "binary:logistic",
	[FOREST_BINARY_LOGITRAW] = "binary:logitraw",
	[FOREST_REG_LOGISTIC] = "reg:logistic",
};

/* A limit that was not given, or lies beyond what the image can hold, is the default. */
static size_t limit(size_t given, size_t most)
{
	return given && given < most ? given : most;
}

static struct forest_limits complete(const struct forest_limits *given)
{
	struct forest_limits l = given ? *given : defaults;

	l.max_nodes = limit(l.max_nodes, defaults.max_nodes);
	l.max_trees = limit(l.max_trees, defaults.max_trees);
	l.max_features = limit(l.max_features, defaults.max_features);
	l.max_depth = (unsigned)limit(l.max_depth, defaults.max_depth);
	l.max_category_words = limit(l.max_category_words, defaults.max_category_words);
	return l;
}

/* ---- reading ---- */

static int on_json(void *self, enum json_event event, struct str text)
{
	struct document *d = self;
	struct number n = { .text = text };

	switch (event) {
	case JSON_OBJECT_BEGIN:
	case JSON_ARRAY_BEGIN:
		return document_begin(d, event == JSON_ARRAY_BEGIN);
	case JSON_OBJECT_END:
	case JSON_ARRAY_END:
		return document_end(d);
	case JSON_KEY:
		return document_key(d, text);
	case JSON_STRING:
		return document_string(d, text);
	case JSON_NUMBER:
		return document_number(d, &n);
	case JSON_TRUE:
	case JSON_FALSE:
		return document_bool(d, event == JSON_TRUE);
	case JSON_NULL:
		return document_null(d);
	}
	return -EINVAL;
}

static int read_json(struct str text, struct document *d)
{
	struct json_scan_options options = { .nonfinite = true, .on_event = on_json, .self = d };
	struct json_fault fault = { 0 };
	struct arena scratch = { 0 };
	int r = json_scan(text, &options, &scratch, &fault);

	arena_done(&scratch);
	if (r == -EBADMSG && !d->refused)
		return document_refuse(d, r, "byte %zu: %s", fault.offset, fault.what);
	return r;
}

/* XGBoost's own rule: a brace, then a quote (JSON) or the type of a length (UBJSON). */
static bool looks_like_ubj(struct str text)
{
	size_t i = 1;

	while (i < text.n && strchr(" \t\r\n", text.p[i]) && text.p[i])
		i++;
	return i == 1 && i < text.n && strchr("iUIlL", text.p[i]) && text.p[i];
}

static int read_document(struct str text, struct document *d)
{
	if (text.n == 0)
		return document_refuse(d, -EBADMSG, "empty document");
	if (text.n >= 4 && (memcmp(text.p, "binf", 4) == 0 || memcmp(text.p, "bs64", 4) == 0))
		return document_refuse(d, -EOPNOTSUPP,
				       "XGBoost's old binary format is not served; save the model "
				       "as .ubj or .json");
	if (text.p[0] != '{')
		return document_refuse(d, -EBADMSG,
				       "neither JSON nor UBJSON: does not begin with \"{\"");
	return looks_like_ubj(text) ? ubj_read(text, d) : read_json(text, d);
}

/* ---- what was said ---- */

static int check_version(struct document *d, struct forest_model *m)
{
	const struct ints *v = &d->version;

	if (v->n != 3)
		return document_refuse(d, -EBADMSG, "\"version\" is not a list of 3 integers");
	for (size_t i = 0; i < 3; i++) {
		if (v->v[i] < 0 || v->v[i] > 9999)
			return document_refuse(d, -EBADMSG, "\"version\" is no version");
		m->version[i] = (unsigned)v->v[i];
	}
	if (m->version[0] >= 1 && (m->version[0] < NEWEST_MAJOR ||
				   (m->version[0] == NEWEST_MAJOR && m->version[1] <= NEWEST_MINOR)))
		return 0;
	return document_refuse(d, -EOPNOTSUPP,
			       "written by XGBoost %u.%u.%u; versions 1.0 to %d.%d are served",
			       m->version[0], m->version[1], m->version[2], NEWEST_MAJOR,
			       NEWEST_MINOR);
}

static int missing(struct document *d, const char *name)
{
	return document_refuse(d, -EBADMSG, "no \"%s\"", name);
}

static int check_booster(struct document *d)
{
	if (!d->booster.p)
		return missing(d, "learner.gradient_booster.name");
	if (str_is(d->booster, "gbtree") || str_is(d->booster, "dart"))
		return 0;
	return document_refuse(d, -EOPNOTSUPP,
			       "booster \"%.*s\" is not served; gbtree and dart are",
			       STR_ARGS(d->booster));
}

static int check_objective(struct document *d, struct forest_model *m)
{
	if (!d->objective.p)
		return missing(d, "learner.objective.name");
	for (int i = 0; i < FOREST_OBJECTIVE_MAX; i++) {
		if (str_is(d->objective, objectives[i])) {
			m->objective = (enum forest_objective)i;
			return 0;
		}
	}
	return document_refuse(d, -EOPNOTSUPP,
			       "objective \"%.*s\" is not served; binary:logistic, "
			       "binary:logitraw and reg:logistic are",
			       STR_ARGS(d->objective));
}

/* A count that is written as text; `absent` if it does not come. */
static int text_count(struct document *d, struct str text, const char *name, size_t absent,
		      size_t *ret)
{
	unsigned long long v = absent;

	if (text.p && str_to_u64(text, &v) < 0)
		return document_refuse(d, -EBADMSG, "\"%s\" is \"%.*s\", not a count", name,
				       STR_ARGS(text));
	*ret = v;
	return 0;
}

static int check_outputs(struct document *d)
{
	size_t classes = 0;
	size_t targets = 0;
	int r = text_count(d, d->num_class, "num_class", 0, &classes);

	r = r ? r : text_count(d, d->num_target, "num_target", 1, &targets);
	if (r < 0)
		return r;
	if (classes > 1)
		return document_refuse(d, -EOPNOTSUPP,
				       "%zu classes; models of one output are served", classes);
	if (targets > 1)
		return document_refuse(d, -EOPNOTSUPP,
				       "%zu targets; models of one output are served", targets);
	return 0;
}

static int check_features(struct document *d, struct forest_model *m)
{
	size_t n = 0;
	int r;

	if (!d->num_feature.p)
		return missing(d, "learner.learner_model_param.num_feature");
	r = text_count(d, d->num_feature, "num_feature", 0, &n);
	if (r < 0)
		return r;
	if (n == 0)
		return document_refuse(d, -EBADMSG, "\"num_feature\" is 0");
	if (n > d->limits.max_features)
		return document_refuse(d, -E2BIG, "%zu features; up to %zu are served", n,
				       d->limits.max_features);
	if ((d->feature_names.n && d->feature_names.n != n) ||
	    (d->feature_types.n && d->feature_types.n != n))
		return document_refuse(d, -EBADMSG,
				       "%zu features, but %zu feature names and %zu types", n,
				       d->feature_names.n, d->feature_types.n);
	m->feature_count = (uint32_t)n;
	return 0;
}

/* Response space to margin, as XGBoost does it in float32. Since 3.2 it takes 0 and 1, cut to
 * what has a logarithm. */
static int base_margin(struct document *d, struct forest_model *m)
{
	float b = m->base_score;

	if (!isfinite(b))
		return document_refuse(d, -EBADMSG, "\"base_score\" is not finite");
	if (m->objective == FOREST_BINARY_LOGITRAW) {
		m->base_margin = b;
		return 0;
	}
	if (b < 0 || b > 1)
		return document_refuse(d, -EBADMSG, "\"base_score\" %g is no probability",
				       (double)b);
	if (m->version[0] == 3 && m->version[1] >= 2)
		b = fminf(fmaxf(b, 1e-6f), 1.0f - 1e-6f);
	m->base_margin = -logf(1.0f / b - 1.0f);
	if (!isfinite(m->base_margin))
		return document_refuse(d, -EBADMSG, "\"base_score\" %g has no log-odds", (double)b);
	return 0;
}

/* "5E-1", or since 3.1 a list in a string: "[5E-1]". */
static int check_base_score(struct document *d, struct forest_model *m)
{
	struct str text = d->base_score;

	if (!text.p)
		return missing(d, "learner.learner_model_param.base_score");
	if (text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
		text = (struct str){ text.p + 1, text.n - 2 };
	if (text.n && memchr(text.p, ',', text.n))
		return document_refuse(d, -EOPNOTSUPP,
				       "\"base_score\" is \"%.*s\"; models of one output are "
				       "served",
				       STR_ARGS(d->base_score));
	if (float_from_text(text, &m->base_score) < 0)
		return document_refuse(d, -EBADMSG, "\"base_score\" is \"%.*s\", not a number",
				       STR_ARGS(d->base_score));
	return base_margin(d, m);
}

static int check_trees(struct document *d, const struct forest_model *m)
{
	size_t claimed = 0;
	int r = text_count(d, d->num_trees, "num_trees", d->tree_count, &claimed);

	if (r < 0)
		return r;
	if (d->tree_count == 0)
		return document_refuse(d, -EBADMSG, "no trees");
	if (claimed != d->tree_count || (d->tree_group.n && d->tree_group.n != d->tree_count))
		return document_refuse(d, -EBADMSG,
				       "%zu trees, but \"num_trees\" is %zu and \"tree_info\" has "
				       "%zu elements",
				       d->tree_count, claimed, d->tree_group.n);
	for (size_t t = 0; t < d->tree_count; t++) {
		const struct forest_model_tree *tree = &d->trees[t];

		if (d->tree_group.n && d->tree_group.v[t] != 0)
			return document_refuse(d, -EOPNOTSUPP,
					       "tree %zu is for another output; models of one "
					       "output are served",
					       t);
		if (tree->node_count > 1 && tree->max_feature >= m->feature_count)
			return document_refuse(d, -EBADMSG,
					       "tree %zu, node %u: feature %u is outside 0..%u", t,
					       tree->max_feature_node, tree->max_feature,
					       m->feature_count - 1);
	}
	return 0;
}

/*
 * Since 3.1 the categories of a training data frame are kept, and XGBoost re-codes a frame by
 * them. A row here has codes and nothing else: served if the codes are the categories themselves.
 */
static int check_categories(struct document *d)
{
	if (d->recoded < 0)
		return 0;
	if ((size_t)d->recoded < d->feature_names.n)
		return document_refuse(d, -EOPNOTSUPP,
				       "feature \"%.*s\" has named categories, which XGBoost "
				       "re-codes; train on codes 0, 1, 2, …",
				       STR_ARGS(d->feature_names.v[d->recoded]));
	return document_refuse(d, -EOPNOTSUPP,
			       "feature %lld has named categories, which XGBoost re-codes; train "
			       "on codes 0, 1, 2, …",
			       (long long)d->recoded);
}

/* ---- dart ---- */

static void weigh(struct forest_model_tree *tree, float weight)
{
	for (uint32_t i = 0; i < tree->node_count; i++)
		if (!tree->nodes[i].right)
			tree->nodes[i].value *= weight;
}

/* XGBoost multiplies leaf and weight in float32, then adds: the product may as well be stored. */
static int apply_weights(struct document *d, struct forest_model *m)
{
	m->dart = d->weights.n > 0;
	if (!m->dart) {
		if (str_is(d->booster, "dart"))
			return missing(d, "weight_drop");
		return 0;
	}
	if (d->weights.n != d->tree_count)
		return document_refuse(d, -EBADMSG, "%zu trees, but \"weight_drop\" has %zu",
				       d->tree_count, d->weights.n);
	for (size_t t = 0; t < d->tree_count; t++) {
		if (!isfinite(d->weights.v[t]))
			return document_refuse(d, -EBADMSG, "tree %zu: weight is not finite", t);
		weigh(&d->trees[t], d->weights.v[t]);
	}
	return 0;
}

/* ---- which trees ---- */

/* Trees of rounds 0..round. Old documents do not say where rounds begin. */
static int trees_until(struct document *d, size_t round, size_t *ret)
{
	const struct ints *at = &d->iterations;
	size_t parallel = 0;
	size_t rounds;
	int r = text_count(d, d->num_parallel_tree, "num_parallel_tree", 1, &parallel);

	if (r < 0)
		return r;
	parallel = parallel ? parallel : 1;
	rounds = at->n ? at->n - 1 : d->tree_count / parallel;
	if (round >= rounds)
		return document_refuse(d, -EBADMSG, "\"best_iteration\" is %zu of %zu rounds",
				       round, rounds);
	if (!at->n) {
		*ret = (round + 1) * parallel;
		return 0;
	}
	if (at->v[round + 1] < 1 || (uint64_t)at->v[round + 1] > d->tree_count)
		return document_refuse(d, -EBADMSG, "\"iteration_indptr\" does not fit %zu trees",
				       d->tree_count);
	*ret = (size_t)at->v[round + 1];
	return 0;
}

/* Before 1.4 a document did not say how many trees a round has, but how many trees were best. */
static int best_trees(struct document *d, size_t round, size_t *ret)
{
	if (d->num_parallel_tree.p || d->iterations.n || !d->best_ntree_limit.p)
		return trees_until(d, round, ret);
	return text_count(d, d->best_ntree_limit, "best_ntree_limit", 0, ret);
}

/* What best_iteration says of this document; -1 and all trees if it says nothing. */
static int read_best(struct document *d, struct forest_model *m, size_t *ret)
{
	size_t round = 0;
	int r;

	if (!d->best_iteration.p)
		return 0;
	r = text_count(d, d->best_iteration, "best_iteration", 0, &round);
	r = r ? r : best_trees(d, round, ret);
	if (r < 0)
		return r;
	if (*ret == 0 || *ret > d->tree_count || round >= d->tree_count)
		return document_refuse(d, -EBADMSG,
				       "\"best_iteration\" %zu asks for %zu of %zu trees", round,
				       *ret, d->tree_count);
	m->best_iteration = (int)round;
	return 0;
}

/* Whoever asks for all trees is not stopped by a best_iteration that does not fit. */
static int choose_trees(struct document *d, enum forest_trees which, struct forest_model *m)
{
	size_t served = d->tree_count;
	int r;

	m->best_iteration = -1;
	m->trees_in_file = (uint32_t)d->tree_count;
	r = read_best(d, m, &served);
	if (which == FOREST_TREES_ALL) {
		d->refused = false;
		m->tree_count = m->trees_in_file;
		return 0;
	}
	m->tree_count = (uint32_t)served;
	return r;
}

/* ---- the model ---- */

static int keep(struct document *d, struct forest_model *m)
{
	m->trees = arena_memdup(d->arena, d->trees, m->tree_count * sizeof(*m->trees));
	if (d->feature_names.n)
		m->feature_names = arena_memdup(d->arena, d->feature_names.v,
						d->feature_names.n * sizeof(struct str));
	if (d->feature_types.n)
		m->feature_types = arena_memdup(d->arena, d->feature_types.v,
						d->feature_types.n * sizeof(struct str));
	return arena_failed(d->arena) ? -ENOMEM : 0;
}

static int interpret(struct document *d, enum forest_trees which, struct forest_model *m)
{
	int r = check_version(d, m);

	r = r ? r : check_booster(d);
	r = r ? r : check_objective(d, m);
	r = r ? r : check_outputs(d);
	r = r ? r : check_features(d, m);
	r = r ? r : check_base_score(d, m);
	r = r ? r : check_trees(d, m);
	r = r ? r : check_categories(d);
	r = r ? r : apply_weights(d, m);
	r = r ? r : choose_trees(d, which, m);
	return r ? r : keep(d, m);
}

int forest_import(struct str document, enum forest_trees which, const struct forest_limits *limits,
		  struct arena *a, struct forest_model **ret, struct errbuf *err)
{
	struct forest_limits complete_limits = complete(limits);
	struct forest_model *m = arena_calloc(a, 1, sizeof(*m));
	struct document d;
	int r;

	if (!m)
		return errbuf_set(err, -ENOMEM, "not enough memory for the model");
	document_init(&d, &complete_limits, a, err);
	r = read_document(document, &d);
	r = r ? r : interpret(&d, which, m);
	document_done(&d);
	if (r == -ENOMEM)
		return errbuf_set(err, r, "not enough memory for the model");
	if (r < 0)
		return r;
	*ret = m;
	return 0;
}
