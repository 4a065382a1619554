/*
 * What a document said, as a model. What is sound but not served (another booster, objective,
 * several outputs, a newer version) is refused by name: our own reading is the source of truth, as
 * Debian's libxgboost 1.7.4 takes newer documents and silently predicts something else. The rules
 * for base_score, dart and best_iteration are those of the version that wrote the document.
 * Called by import.c when the document is complete.
 */
#include "forest/interpret.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "forest/model.h"

/* The last version whose documents are known. A later one may mean something else by the same
 * words, as 3.1 (base_score) and 3.3 (dart) did. */
#define NEWEST_MAJOR 3
#define NEWEST_MINOR 4

static const char *const objectives[FOREST_OBJECTIVE_MAX] = {
	[FOREST_BINARY_LOGISTIC] = "binary:logistic",
	[FOREST_BINARY_LOGITRAW] = "binary:logitraw",
	[FOREST_REG_LOGISTIC] = "reg:logistic",
};

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
	if (m->version[0] >= 1 && (m->version[0] < NEWEST_MAJOR || (m->version[0] == NEWEST_MAJOR &&
	                                                            m->version[1] <= NEWEST_MINOR)))
		return 0;
	return document_refuse(
	        d, -EOPNOTSUPP, "written by XGBoost %u.%u.%u; versions 1.0 to %d.%d are served",
	        m->version[0], m->version[1], m->version[2], NEWEST_MAJOR, NEWEST_MINOR);
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
			return document_refuse(
			        d, -EBADMSG, "tree %zu, node %u: feature %u is outside 0..%u", t,
			        tree->max_feature_node, tree->max_feature, m->feature_count - 1);
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

static bool weigh(struct forest_model_tree *tree, float weight)
{
	bool finite = isfinite(weight);

	for (uint32_t i = 0; i < tree->node_count && finite; i++) {
		if (tree->nodes[i].right)
			continue;
		tree->nodes[i].value *= weight;
		finite = isfinite(tree->nodes[i].value);
	}
	return finite;
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
	for (size_t t = 0; t < d->tree_count; t++)
		if (!weigh(&d->trees[t], d->weights.v[t]))
			return document_refuse(d, -EBADMSG,
			                       "tree %zu: with weight %g its leaves are not finite",
			                       t, (double)d->weights.v[t]);
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

int document_interpret(struct document *d, enum forest_trees which, struct forest_model *m)
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
