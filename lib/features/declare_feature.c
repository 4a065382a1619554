/*
 * The features of a declaration. One table row an operator: what it takes, which members it knows,
 * and the function that reads them. To add an operator: its word (operators.h), a row here, and a
 * row in run.c; docs/features.md describes it.
 */
#include <errno.h>
#include <math.h>

#include "features/declaring.h"

struct operator_rule {
	unsigned operands;
	const char *members; /* besides name, op and of */
	int (*declare)(struct declaring *d, const struct yaml_node *m, struct declared_feature *f);
};

static int wrong_operand(const struct declaring *d, unsigned line, const struct declared_feature *f,
                         const char *wanted)
{
	return declare_fail(d, line, "%s needs %s", feature_op_names[f->op], wanted);
}

static bool is_input_of(const struct declaring *d, struct operand o, enum input_type type)
{
	return o.kind != OPERAND_FEATURE && d->d->inputs[o.index].type == type;
}

static int check_quantity(const struct declaring *d, unsigned line,
                          const struct declared_feature *f, struct operand o)
{
	if (!declare_is_numeric(o) || declare_is_code(d, o))
		return wrong_operand(d, line, f, "a number, an integer or an earlier feature");
	return 0;
}

/* [lo, hi] or iqr */
static int declare_clip(struct declaring *d, const struct yaml_node *n, struct declared_feature *f)
{
	double *bounds;
	uint32_t count;
	int r;

	if (n->kind == YAML_SCALAR && str_is(n->text, "iqr")) {
		f->clip = CLIP_IQR;
		return 0;
	}
	if (n->kind != YAML_SEQUENCE || n->count != 2)
		return declare_fail(d, n->line, "\"clip\" must be iqr or [low, high]");
	r = declare_numbers(d, n, &bounds, &count);
	if (r < 0)
		return r;
	if (bounds[0] > bounds[1])
		return declare_fail(d, n->line, "in \"clip\" the low bound is above the high one");
	f->clip = CLIP_FIXED;
	f->lo = bounds[0];
	f->hi = bounds[1];
	return 0;
}

static int declare_native(struct declaring *d, const struct yaml_node *m,
                          struct declared_feature *f)
{
	static const char *const words[] = { "native", "median" };
	const struct yaml_node *n = yaml_get(m, "missing");
	int i;

	if (!n)
		return 0;
	i = declare_word(d, n, words, 2, "kind of missing");
	f->median = i == 1;
	return i < 0 ? i : 0;
}

static int declare_number_feature(struct declaring *d, const struct yaml_node *m,
                                  struct declared_feature *f)
{
	const struct yaml_node *clip = yaml_get(m, "clip");
	int r = check_quantity(d, m->line, f, f->a);

	if (r == 0)
		r = declare_native(d, m, f);
	if (r == 0 && clip)
		r = declare_clip(d, clip, f);
	if (r < 0)
		return r;
	if (f->a.kind == OPERAND_FEATURE && declared_needs_values(f))
		return declare_fail(d, m->line, "only an input's bounds and median can be learned");
	return 0;
}

static int declare_category(struct declaring *d, const struct yaml_node *m,
                            struct declared_feature *f)
{
	if (!is_input_of(d, f->a, INPUT_CATEGORY))
		return wrong_operand(d, m->line, f, "an input of type category");
	if (d->d->inputs[f->a.index].private)
		return declare_fail(d, m->line,
		                    "a private input cannot be a category: its values would be "
		                    "stored as levels");
	return 0;
}

static int declare_date_part(struct declaring *d, const struct yaml_node *m,
                             struct declared_feature *f)
{
	const struct yaml_node *n = yaml_get(m, "part");
	int i;

	if (f->a.kind != OPERAND_TIME)
		return wrong_operand(d, m->line, f, "a date or a date-time");
	if (!n)
		return declare_fail(d, m->line, "\"part\" is missing");
	i = declare_word(d, n, date_part_names, DATE_PART_MAX, "part");
	if (i < 0)
		return i;
	f->part = (enum date_part)i;
	if (f->part == PART_HOUR && !is_input_of(d, f->a, INPUT_DATETIME))
		return declare_fail(d, n->line, "a date has no hour");
	return 0;
}

static int declare_is_night(struct declaring *d, const struct yaml_node *m,
                            struct declared_feature *f)
{
	if (!is_input_of(d, f->a, INPUT_DATETIME))
		return wrong_operand(d, m->line, f, "a date-time");
	return 0;
}

static int declare_days_between(struct declaring *d, const struct yaml_node *m,
                                struct declared_feature *f)
{
	const struct yaml_node *min = yaml_get(m, "min");
	const struct yaml_node *max = yaml_get(m, "max");
	int r = 0;

	if (f->a.kind != OPERAND_TIME || f->b.kind != OPERAND_TIME)
		return wrong_operand(d, m->line, f, "two dates or date-times");
	if (min)
		r = declare_number(d, min, &f->lo);
	if (r == 0 && max)
		r = declare_number(d, max, &f->hi);
	if (r < 0)
		return r;
	if (min || max)
		f->clip = CLIP_FIXED;
	if (f->lo > f->hi)
		return declare_fail(d, m->line, "\"min\" is above \"max\"");
	return 0;
}

static int declare_not_equal(struct declaring *d, const struct yaml_node *m,
                             struct declared_feature *f)
{
	static const char *const words[] = { "0", "1", "native" };
	static const double values[] = { 0, 1, (double)NAN };
	const struct yaml_node *n = yaml_get(m, "missing");
	int i = 0;

	if (!(f->a.kind == f->b.kind || (declare_is_numeric(f->a) && declare_is_numeric(f->b))) ||
	    declare_is_code(d, f->a) || declare_is_code(d, f->b))
		return wrong_operand(d, m->line, f, "two texts, two numbers or two dates");
	if (n)
		i = declare_word(d, n, words, 3, "kind of missing");
	if (i < 0)
		return i;
	f->missing = values[i];
	return 0;
}

static int declare_bucket(struct declaring *d, const struct yaml_node *m,
                          struct declared_feature *f)
{
	const struct yaml_node *n = yaml_get(m, "limits");
	int r = check_quantity(d, m->line, f, f->a);

	if (r < 0)
		return r;
	if (!n)
		return declare_fail(d, m->line, "\"limits\" is missing");
	r = declare_numbers(d, n, &f->limits, &f->limit_count);
	if (r < 0)
		return r;
	for (uint32_t i = 1; i < f->limit_count; i++) {
		if (!(f->limits[i - 1] < f->limits[i]))
			return declare_fail(d, n->line, "\"limits\" must be ascending");
	}
	return 0;
}

static int declare_flag(struct declaring *d, const struct yaml_node *m, struct declared_feature *f)
{
	const struct yaml_node *all = yaml_get(m, "all");
	const struct yaml_node *any = yaml_get(m, "any");
	const struct yaml_node *list = all ? all : any;
	int r;

	if (!list || (all && any))
		return declare_fail(d, m->line, "flag needs either \"all\" or \"any\"");
	if (list->kind != YAML_SEQUENCE || list->count == 0 ||
	    list->count > PROGRAM_MAX_COMPARISONS)
		return declare_fail(d, list->line, "\"%.*s\" must be a list of 1 to %d comparisons",
		                    STR_ARGS(list->key), PROGRAM_MAX_COMPARISONS);
	f->any = any != NULL;
	f->comparisons = arena_calloc(d->a, list->count, sizeof(*f->comparisons));
	if (!f->comparisons)
		return -ENOMEM;
	for (const struct yaml_node *n = list->first; n; n = n->next) {
		r = declare_comparison(d, n, &f->comparisons[f->comparison_count++]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int declare_ratio(struct declaring *d, const struct yaml_node *m, struct declared_feature *f)
{
	int r = check_quantity(d, m->line, f, f->a);

	return r < 0 ? r : check_quantity(d, m->line, f, f->b);
}

static int declare_log1p(struct declaring *d, const struct yaml_node *m, struct declared_feature *f)
{
	return check_quantity(d, m->line, f, f->a);
}

static const struct operator_rule rules[FEATURE_OP_MAX] = {
	[OP_NUMBER] = { 1, "name op of missing clip", declare_number_feature },
	[OP_CATEGORY] = { 1, "name op of", declare_category },
	[OP_DATE_PART] = { 1, "name op of part", declare_date_part },
	[OP_IS_NIGHT] = { 1, "name op of", declare_is_night },
	[OP_DAYS_BETWEEN] = { 2, "name op of min max", declare_days_between },
	[OP_NOT_EQUAL] = { 2, "name op of missing", declare_not_equal },
	[OP_BUCKET] = { 1, "name op of limits", declare_bucket },
	[OP_FLAG] = { 0, "name op all any", declare_flag },
	[OP_RATIO] = { 2, "name op of", declare_ratio },
	[OP_LOG1P] = { 1, "name op of", declare_log1p },
};

static int declare_of_item(struct declaring *d, const struct yaml_node *item, struct operand *ret)
{
	if (item->kind != YAML_SCALAR)
		return declare_fail(d, item->line, "\"of\" must hold names");
	return declare_operand(d, item->line, item->text, ret);
}

/* `of: a` or `of: [a, b]`. */
static int declare_of(struct declaring *d, const struct yaml_node *m, struct declared_feature *f)
{
	const struct operator_rule *rule = &rules[f->op];
	const struct yaml_node *n = yaml_get(m, "of");
	int r;

	if (rule->operands == 0)
		return 0;
	if (!n)
		return declare_fail(d, m->line, "\"of\" is missing");
	if (rule->operands == 1 && n->kind == YAML_SCALAR)
		return declare_of_item(d, n, &f->a);
	if (n->kind != YAML_SEQUENCE || n->count != rule->operands)
		return declare_fail(d, n->line, "\"of\" must be %s",
		                    rule->operands == 1 ? "one name" : "[name, name]");
	r = declare_of_item(d, n->first, &f->a);
	if (r == 0 && rule->operands == 2)
		r = declare_of_item(d, n->first->next, &f->b);
	return r;
}

static int declare_feature(struct declaring *d, const struct yaml_node *m,
                           struct declared_feature *f)
{
	const struct yaml_node *op;
	int i, r;

	r = declare_name(d, m, "feature");
	if (r < 0)
		return r;
	*f = (struct declared_feature){
		.name = d->name, .line = m->line, .lo = -INFINITY, .hi = INFINITY
	};
	op = yaml_get(m, "op");
	if (!op)
		return declare_fail(d, m->line, "\"op\" is missing");
	i = declare_word(d, op, feature_op_names, FEATURE_OP_MAX, "operator");
	if (i < 0)
		return i;
	f->op = (enum feature_op)i;
	r = declare_members(d, m, rules[i].members);
	if (r == 0)
		r = declare_of(d, m, f);
	return r < 0 ? r : rules[i].declare(d, m, f);
}

/* All names first, so that a forward reference is told from an unknown name. */
static int collect_names(struct declaring *d, const struct yaml_node *list)
{
	for (const struct yaml_node *m = list->first; m; m = m->next) {
		int r = declare_name(d, m, "feature");

		if (r < 0)
			return r;
		r = map_add(&d->later, d->a, d->name, d->d);
		if (r == -EEXIST)
			return declare_fail(d, m->line, "the name is declared twice");
		if (r < 0)
			return r;
	}
	return 0;
}

int declare_features(struct declaring *d, const struct yaml_node *list)
{
	int r = collect_names(d, list);

	if (r < 0)
		return r;
	d->d->features = arena_calloc(d->a, list->count, sizeof(*d->d->features));
	if (!d->d->features)
		return -ENOMEM;
	for (const struct yaml_node *m = list->first; m; m = m->next) {
		struct declared_feature *f = &d->d->features[d->d->feature_count];

		r = declare_feature(d, m, f);
		if (r == 0)
			r = map_add(&d->features, d->a, f->name, f);
		if (r < 0)
			return r;
		d->d->feature_count++;
	}
	return 0;
}
