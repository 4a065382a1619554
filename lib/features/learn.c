/*
 * The passes over training rows. The first collects the levels of categories and, for features that
 * clip by quartiles or fill in the median, all values of their input (8 bytes a row); the second,
 * fed with computed features, their moments. Called by training only.
 *
 * Invariant: what is learned depends on the set of rows, not on their order: levels are sorted,
 * quantiles come from sorted values, sums are exact (moments.h).
 */
#include "features/learn.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/map.h"
#include "features/learned_values.h"
#include "features/moments.h"

#define COLUMN_FIRST_ROOM 4096

struct column {
	double *values;
	size_t count, room;
};

struct level_set {
	struct map map;
	struct str *texts; /* in the arena, doubled as needed */
	uint32_t count, room;
};

struct learner {
	const struct declaration *d;
	struct arena *a;
	struct learned *learned;
	struct level_set *levels; /* a feature, as the next two */
	struct column *columns;
	struct moments *moments;
};

static void release_columns(void *self)
{
	struct learner *l = self;

	for (uint32_t i = 0; i < l->d->feature_count; i++) {
		free(l->columns[i].values);
		l->columns[i] = (struct column){ 0 };
	}
}

int learner_new(const struct declaration *d, struct arena *a, struct learner **ret,
                struct errbuf *err)
{
	struct learner *l = arena_calloc(a, 1, sizeof(*l));

	if (!l)
		return errbuf_set(err, -ENOMEM, "out of memory");
	l->d = d;
	l->a = a;
	l->levels = arena_calloc(a, d->feature_count, sizeof(*l->levels));
	l->columns = arena_calloc(a, d->feature_count, sizeof(*l->columns));
	l->moments = arena_calloc(a, d->feature_count, sizeof(*l->moments));
	if (!l->levels || !l->columns || !l->moments || learned_new(d, a, &l->learned) < 0 ||
	    arena_on_free(a, release_columns, l) < 0)
		return errbuf_set(err, -ENOMEM, "out of memory");
	*ret = l;
	return 0;
}

static int grow_levels(struct learner *l, struct level_set *set)
{
	uint32_t room = set->room ? set->room * 2 : 16;
	struct str *texts;

	if (set->count < set->room)
		return 0;
	if (set->count >= PROGRAM_MAX_LEVELS)
		return -E2BIG;
	texts = arena_calloc(l->a, room, sizeof(*texts));
	if (!texts)
		return -ENOMEM;
	if (set->count > 0)
		memcpy(texts, set->texts, set->count * sizeof(*texts));
	set->texts = texts;
	set->room = room;
	return 0;
}

static int add_level(struct learner *l, struct level_set *set, struct str text)
{
	struct str copy;
	int r;

	if (map_get(&set->map, text))
		return 0;
	r = grow_levels(l, set);
	if (r < 0)
		return r;
	copy = (struct str){ arena_memdup(l->a, text.p, text.n), text.n };
	if (!copy.p)
		return -ENOMEM;
	r = map_add(&set->map, l->a, copy, set);
	if (r < 0)
		return r;
	set->texts[set->count++] = copy;
	return 0;
}

static int add_value(struct column *c, double v)
{
	size_t room = c->room ? c->room * 2 : COLUMN_FIRST_ROOM;
	double *values;

	if (c->count == c->room) {
		values = reallocarray(c->values, room, sizeof(*values));
		if (!values)
			return -ENOMEM;
		c->values = values;
		c->room = room;
	}
	c->values[c->count++] = v;
	return 0;
}

static int add_cell(struct learner *l, uint32_t i, const struct cell *row)
{
	const struct declared_feature *f = &l->d->features[i];
	const struct cell *cell = &row[f->a.index];

	if (declared_needs_levels(f))
		return add_level(l, &l->levels[i],
		                 cell->present ? cell->v.text : STR(LEVEL_MISSING));
	if (!declared_needs_values(f) || !cell->present)
		return 0;
	return add_value(&l->columns[i],
	                 f->a.kind == OPERAND_INTEGER ? (double)cell->v.integer : cell->v.number);
}

int learner_add_row(struct learner *l, const struct cell *row)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < l->d->feature_count; i++)
		r = add_cell(l, i, row);
	return r;
}

static int compare_texts(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	int order = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return order ? order : (x->n > y->n) - (x->n < y->n);
}

static int compare_numbers(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* numpy.quantile(values, q), method "linear", with its two-sided interpolation. */
static double quantile(const struct column *c, double q)
{
	double at = q * (double)(c->count - 1);
	size_t i = (size_t)at;
	double t = at - (double)i;
	double a = c->values[i];
	double b = c->values[i + 1 < c->count ? i + 1 : i];

	return t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t;
}

static int finish_column(const struct declared_feature *f, struct column *c,
                         struct learned_feature *ret, struct errbuf *err)
{
	double q1, q3;

	if (c->count == 0)
		return errbuf_set(err, -ENODATA,
		                  "feature \"%.*s\": no training row has a value for its input",
		                  STR_ARGS(f->name));
	qsort(c->values, c->count, sizeof(*c->values), compare_numbers);
	ret->median = f->median ? quantile(c, 0.5) : (double)NAN;
	if (f->clip != CLIP_IQR)
		return 0;
	q1 = quantile(c, 0.25);
	q3 = quantile(c, 0.75);
	ret->lo = fmax(q1 - 1.5 * (q3 - q1), 0);
	ret->hi = q3 + 1.5 * (q3 - q1);
	return 0;
}

static int finish_levels(struct learner *l, uint32_t i, struct errbuf *err)
{
	struct level_set *set = &l->levels[i];
	struct learned_feature *ret = &l->learned->features[i];
	int r = add_level(l, set, STR(LEVEL_MISSING));

	if (r < 0)
		return errbuf_set(err, r, "feature \"%.*s\": too many levels or out of memory",
		                  STR_ARGS(l->d->features[i].name));
	qsort(set->texts, set->count, sizeof(*set->texts), compare_texts);
	ret->levels = set->texts;
	ret->level_count = set->count;
	return 0;
}

int learner_finish_values(struct learner *l, struct learned **ret, struct errbuf *err)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < l->d->feature_count; i++) {
		const struct declared_feature *f = &l->d->features[i];

		if (declared_needs_levels(f))
			r = finish_levels(l, i, err);
		else if (declared_needs_values(f))
			r = finish_column(f, &l->columns[i], &l->learned->features[i], err);
	}
	release_columns(l);
	if (r < 0)
		return r;
	*ret = l->learned;
	return 0;
}

int learner_add_features(struct learner *l, const float *features)
{
	for (uint32_t i = 0; i < l->d->feature_count; i++)
		moments_add(&l->moments[i], features[i]);
	return 0;
}

int learner_finish_features(struct learner *l, struct learned *into)
{
	if (into->count != l->d->feature_count)
		return -EINVAL;
	for (uint32_t i = 0; i < into->count; i++) {
		struct learned_feature *f = &into->features[i];

		if (!into->is_category[i])
			moments_result(&l->moments[i], &f->mean, &f->sd);
	}
	return 0;
}
