/*
 * The run: one function an operator, one row in, float32 features out. The path of every score, of
 * training and of every batch, so there is one meaning of a feature in the whole suite.
 *
 * Everything is computed in double and rounded once, at the end; NaN is "missing". The image was
 * checked when it was opened, hence no checks here. What the C library computes differently from
 * host to host (sine, logarithm, time zones) is not asked.
 */
#include <float.h>
#include <math.h>

#include "base/civil.h"
#include "features/image.h"
#include "features/log1p.h"
#include "features/text_same.h"
#include "features/time_text.h"

#define NIGHT_ENDS 6   /* hours before it are night */
#define NIGHT_AFTER 22 /* hours after it are night */

struct run {
	struct image_view v;
	const struct cell *row;
	double *computed;
	/* The date that was taken apart last: its parts are usually asked for one after another. */
	int64_t civil_us;
	struct civil civil;
	bool has_civil;
};

static double truth(bool b)
{
	return b ? 1.0 : 0.0;
}

static double quantity(const struct run *r, struct image_operand o)
{
	const struct cell *cell;

	if (o.kind == OPERAND_FEATURE)
		return r->computed[o.index];
	cell = &r->row[o.index];
	if (!cell->present)
		return (double)NAN;
	return o.kind == OPERAND_INTEGER ? (double)cell->v.integer : cell->v.number;
}

static double clip(const struct image_feature *f, double v)
{
	if (v < f->lo)
		return f->lo;
	return v > f->hi ? f->hi : v;
}

static double run_number(struct run *r, const struct image_feature *f)
{
	double v = quantity(r, f->a);

	return clip(f, isnan(v) ? f->fill : v);
}

static double run_category(struct run *r, const struct image_feature *f)
{
	const struct cell *cell = &r->row[f->a.index];

	return image_find(&r->v, &f->levels, cell->present ? cell->v.text : STR("Unknown"));
}

static const struct civil *take_apart(struct run *r, int64_t us)
{
	if (!r->has_civil || r->civil_us != us) {
		r->civil = civil_of_us(us);
		r->civil_us = us;
		r->has_civil = true;
	}
	return &r->civil;
}

/* sin(2 pi month / 12), December (12) at 0; cos(x) = sin(x + 3 months). */
static double month_sine(unsigned month)
{
	static const double sines[12] = {
		0.0, 0.5,  0x1.bb67ae8584caap-1,  1.0,  0x1.bb67ae8584caap-1,  0.5,
		0.0, -0.5, -0x1.bb67ae8584caap-1, -1.0, -0x1.bb67ae8584caap-1, -0.5
	};

	return sines[month % 12];
}

static double run_date_part(struct run *r, const struct image_feature *f)
{
	const struct cell *cell = &r->row[f->a.index];
	const struct civil *c;

	if (!cell->present)
		return (double)NAN;
	c = take_apart(r, cell->v.time_us);
	switch ((enum date_part)f->part) {
	case PART_YEAR:
		return c->year;
	case PART_MONTH:
		return c->month;
	case PART_DAY:
		return c->day;
	case PART_DAYOFWEEK:
		return civil_weekday(time_day(cell->v.time_us));
	case PART_HOUR:
		return c->hour;
	case PART_MONTH_SIN:
		return month_sine(c->month);
	default:
		return month_sine(c->month + 3U);
	}
}

static double run_is_night(struct run *r, const struct image_feature *f)
{
	const struct cell *cell = &r->row[f->a.index];
	unsigned hour;

	if (!cell->present)
		return (double)NAN;
	hour = take_apart(r, cell->v.time_us)->hour;
	return truth(hour < NIGHT_ENDS || hour > NIGHT_AFTER);
}

static double run_days_between(struct run *r, const struct image_feature *f)
{
	const struct cell *a = &r->row[f->a.index];
	const struct cell *b = &r->row[f->b.index];
	int64_t us;

	if (!a->present || !b->present || __builtin_sub_overflow(a->v.time_us, b->v.time_us, &us))
		return (double)NAN;
	return clip(f, (double)time_day(us));
}

static double different_texts(const struct cell *a, const struct cell *b, double fill)
{
	int same;

	if (!a->present || !b->present)
		return fill;
	same = text_same(a->v.text, b->v.text);
	return same < 0 ? (double)NAN : truth(!same);
}

static double run_not_equal(struct run *r, const struct image_feature *f)
{
	double a, b;

	if (f->a.kind == OPERAND_TEXT)
		return different_texts(&r->row[f->a.index], &r->row[f->b.index], f->fill);
	if (f->a.kind == OPERAND_TIME) {
		const struct cell *x = &r->row[f->a.index];
		const struct cell *y = &r->row[f->b.index];

		return x->present && y->present ? truth(x->v.time_us != y->v.time_us) : f->fill;
	}
	a = quantity(r, f->a);
	b = quantity(r, f->b);
	return isnan(a) || isnan(b) ? f->fill : truth(a != b);
}

static double run_bucket(struct run *r, const struct image_feature *f)
{
	const union image_value *limits = r->v.values + f->first;
	double v = quantity(r, f->a);
	uint32_t i = 0;

	if (isnan(v))
		return v;
	while (i < f->count && v >= limits[i].number)
		i++;
	return i + 1.0;
}

/* -1, 0, 1 as a is below, equal to or above b. */
static bool holds(enum comparison_op op, int order)
{
	switch (op) {
	case COMPARE_LT:
		return order < 0;
	case COMPARE_LE:
		return order <= 0;
	case COMPARE_GT:
		return order > 0;
	case COMPARE_GE:
		return order >= 0;
	case COMPARE_NE:
	case COMPARE_NOT_IN:
		return order != 0;
	default:
		return order == 0;
	}
}

static int order_of_numbers(double a, double b)
{
	return (a > b) - (a < b);
}

static int order_of_times(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static bool compare_text(const struct run *r, const struct image_comparison *m)
{
	const struct cell *a = &r->row[m->left.index];
	const struct cell *b;
	int order = 1;

	if (!a->present)
		return false;
	if (m->right.kind != OPERAND_NONE) {
		b = &r->row[m->right.index];
		return b->present && holds(m->op, !str_equal(a->v.text, b->v.text));
	}
	for (uint32_t i = 0; i < m->count && order != 0; i++)
		order = !str_equal(a->v.text, image_text(&r->v, r->v.texts[m->first + i]));
	return holds(m->op, order);
}

static bool compare_time(const struct run *r, const struct image_comparison *m)
{
	const struct cell *a = &r->row[m->left.index];
	const struct cell *b;
	int order = 1;

	if (!a->present)
		return false;
	if (m->right.kind != OPERAND_NONE) {
		b = &r->row[m->right.index];
		return b->present && holds(m->op, order_of_times(a->v.time_us, b->v.time_us));
	}
	for (uint32_t i = 0; i < m->count && order != 0; i++)
		order = order_of_times(a->v.time_us, r->v.values[m->first + i].integer);
	return holds(m->op, order);
}

static bool compare_quantity(const struct run *r, const struct image_comparison *m)
{
	double a = quantity(r, m->left);
	double b;
	int order = 1;

	if (isnan(a))
		return false;
	if (m->right.kind != OPERAND_NONE) {
		b = quantity(r, m->right);
		return !isnan(b) && holds(m->op, order_of_numbers(a, b));
	}
	for (uint32_t i = 0; i < m->count && order != 0; i++)
		order = order_of_numbers(a, r->v.values[m->first + i].number);
	return holds(m->op, order);
}

static bool compare(const struct run *r, const struct image_comparison *m)
{
	if (m->left.kind == OPERAND_TEXT)
		return compare_text(r, m);
	if (m->left.kind == OPERAND_TIME)
		return compare_time(r, m);
	return compare_quantity(r, m);
}

static double run_flag(struct run *r, const struct image_feature *f)
{
	for (uint32_t i = 0; i < f->count; i++) {
		if (compare(r, &r->v.comparisons[f->first + i]) == (f->any != 0))
			return truth(f->any != 0);
	}
	return truth(f->any == 0);
}

static double run_ratio(struct run *r, const struct image_feature *f)
{
	double b = quantity(r, f->b);

	return b == 0 ? (double)NAN : quantity(r, f->a) / b;
}

static double run_log1p(struct run *r, const struct image_feature *f)
{
	double v = quantity(r, f->a);

	if (isnan(v))
		return v;
	return log1p_portable(v > 0 ? v : 0);
}

typedef double run_fn(struct run *r, const struct image_feature *f);

static run_fn *const operators[FEATURE_OP_MAX] = {
	[OP_NUMBER] = run_number,
	[OP_CATEGORY] = run_category,
	[OP_DATE_PART] = run_date_part,
	[OP_IS_NIGHT] = run_is_night,
	[OP_DAYS_BETWEEN] = run_days_between,
	[OP_NOT_EQUAL] = run_not_equal,
	[OP_BUCKET] = run_bucket,
	[OP_FLAG] = run_flag,
	[OP_RATIO] = run_ratio,
	[OP_LOG1P] = run_log1p,
};

/* The one rounding. What float32 cannot hold becomes its largest number: XGBoost takes no infinity.
 */
static float round_once(double v)
{
	if (v > (double)FLT_MAX)
		return FLT_MAX;
	if (v < -(double)FLT_MAX)
		return -FLT_MAX;
	return (float)v;
}

size_t program_scratch_size(const struct program *p)
{
	return (p->feature_count * sizeof(double) + 63) / 64 * 64;
}

void program_run(const struct program *p, const struct cell *row, void *scratch,
                 float *ret_features)
{
	struct run r = { .v = image_view_of(p->header), .row = row, .computed = scratch };

	for (uint32_t i = 0; i < p->feature_count; i++) {
		const struct image_feature *f = &r.v.features[i];

		r.computed[i] = operators[f->op](&r, f);
		ret_features[i] = round_once(r.computed[i]);
	}
}
