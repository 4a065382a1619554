/*
 * encoders.json and medians.json of a bundle: what was learned, as text that people and Python can
 * read. Written by training, read by whoever compiles a bundle. Reading is strict: a name that the
 * program lacks, a level out of order or a bound that is no number refuses the bundle, because a
 * silent guess here would shift every code of a category.
 */
#include "features/learned.h"

#include <errno.h>
#include <math.h>

#include "base/strbuf.h"
#include "features/learned_values.h"
#include "json/value.h"
#include "json/writer.h"

int learned_new(const struct declaration *d, struct arena *a, struct learned **ret)
{
	struct learned *l = arena_calloc(a, 1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->count = d->feature_count;
	l->features = arena_calloc(a, l->count, sizeof(*l->features));
	l->is_category = arena_calloc(a, l->count, sizeof(*l->is_category));
	if (!l->features || !l->is_category)
		return -ENOMEM;
	for (uint32_t i = 0; i < l->count; i++) {
		l->is_category[i] = d->features[i].op == OP_CATEGORY;
		l->features[i] = (struct learned_feature){
			.median = (double)NAN,
			.lo = (double)NAN,
			.hi = (double)NAN,
			.mean = (double)NAN,
			.sd = (double)NAN,
		};
	}
	*ret = l;
	return 0;
}

static void write_levels(struct json_writer *w, const struct learned_feature *f)
{
	json_begin_array(w);
	for (uint32_t i = 0; i < f->level_count; i++)
		json_write_text(w, f->levels[i]);
	json_end_array(w);
}

int learned_write_encoders(const struct learned *l, const struct declaration *d, struct strbuf *out)
{
	struct json_writer w = { .out = out };

	json_begin_object(&w);
	for (uint32_t i = 0; i < l->count; i++) {
		if (!l->features[i].levels)
			continue;
		json_write_name_str(&w, d->features[i].name);
		write_levels(&w, &l->features[i]);
	}
	json_end_object(&w);
	strbuf_addc(out, '\n');
	return strbuf_error(out);
}

/* The members of medians.json that map a feature to one number. */
static const struct number_member {
	const char *name;
	size_t offset; /* in struct learned_feature */
} number_members[] = {
	{ "medians", offsetof(struct learned_feature, median) },
	{ "means", offsetof(struct learned_feature, mean) },
	{ "standard_deviations", offsetof(struct learned_feature, sd) },
};

#define NUMBER_MEMBERS (sizeof(number_members) / sizeof(number_members[0]))

static double *number_of(struct learned_feature *f, const struct number_member *m)
{
	return (double *)(void *)((char *)f + m->offset);
}

static void write_numbers(struct json_writer *w, const struct learned *l,
                          const struct declaration *d, const struct number_member *m)
{
	json_write_name(w, m->name);
	json_begin_object(w);
	for (uint32_t i = 0; i < l->count; i++) {
		double v = *number_of(&l->features[i], m);

		if (isnan(v))
			continue;
		json_write_name_str(w, d->features[i].name);
		json_write_double(w, v);
	}
	json_end_object(w);
}

static void write_bounds(struct json_writer *w, const struct learned *l,
                         const struct declaration *d)
{
	json_write_name(w, "clipping_bounds");
	json_begin_object(w);
	for (uint32_t i = 0; i < l->count; i++) {
		if (isnan(l->features[i].lo))
			continue;
		json_write_name_str(w, d->features[i].name);
		json_begin_array(w);
		json_write_double(w, l->features[i].lo);
		json_write_double(w, l->features[i].hi);
		json_end_array(w);
	}
	json_end_object(w);
}

int learned_write_medians(const struct learned *l, const struct declaration *d, struct strbuf *out)
{
	struct json_writer w = { .out = out };

	json_begin_object(&w);
	json_write_name(&w, "feature_columns");
	json_begin_array(&w);
	for (uint32_t i = 0; i < l->count; i++)
		json_write_text(&w, d->features[i].name);
	json_end_array(&w);
	write_bounds(&w, l, d);
	for (size_t i = 0; i < NUMBER_MEMBERS; i++)
		write_numbers(&w, l, d, &number_members[i]);
	json_end_object(&w);
	strbuf_addc(out, '\n');
	return strbuf_error(out);
}

struct reader {
	const struct declaration *d;
	struct learned *l;
	struct arena *a;
	const char *file;
	struct errbuf *err;
};

static int bad(const struct reader *r, struct str name, const char *what)
{
	return errbuf_set(r->err, -EBADMSG, "%s: \"%.*s\" %s", r->file, STR_ARGS(name), what);
}

static int parse(struct reader *r, const char *file, struct str text, const struct cJSON **ret)
{
	struct json_fault fault;
	int result;

	r->file = file;
	result = json_parse(text, r->a, ret, &fault);
	if (result == -ENOMEM)
		return errbuf_set(r->err, result, "out of memory");
	if (result < 0)
		return errbuf_set(r->err, result, "%s: byte %zu: %s", file, fault.offset,
		                  fault.what);
	if (json_type(*ret) != JSON_TYPE_OBJECT)
		return errbuf_set(r->err, -EBADMSG, "%s: it must be an object", file);
	return 0;
}

static int find_feature(const struct reader *r, struct str name, uint32_t *ret)
{
	for (uint32_t i = 0; i < r->d->feature_count; i++) {
		if (str_equal(r->d->features[i].name, name)) {
			*ret = i;
			return 0;
		}
	}
	return bad(r, name, "is no feature of the program");
}

static bool is_after(struct str a, struct str b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order > 0 || (order == 0 && a.n > b.n);
}

static int read_levels(struct reader *r, const struct cJSON *list, struct learned_feature *f)
{
	size_t count;
	uint32_t i = 0;

	if (json_type(list) != JSON_TYPE_ARRAY)
		return bad(r, json_name(list), "must be a list of levels");
	count = json_count(list);
	if (count == 0 || count > PROGRAM_MAX_LEVELS)
		return bad(r, json_name(list), "has no level or too many");
	f->levels = arena_calloc(r->a, count, sizeof(*f->levels));
	if (!f->levels)
		return errbuf_set(r->err, -ENOMEM, "out of memory");
	for (const struct cJSON *v = json_first(list); v; v = json_next(v), i++) {
		if (json_type(v) != JSON_TYPE_TEXT)
			return bad(r, json_name(list), "has a level that is no text");
		f->levels[i] = json_text(v);
		if (i > 0 && !is_after(f->levels[i], f->levels[i - 1]))
			return bad(r, json_name(list), "has levels that are not in sorted order");
	}
	f->level_count = i;
	return 0;
}

static int read_encoders(struct reader *r, struct str text)
{
	const struct cJSON *root;
	uint32_t feature;
	int result = parse(r, "encoders.json", text, &root);

	if (result < 0)
		return result;
	for (const struct cJSON *m = json_first(root); m; m = json_next(m)) {
		result = find_feature(r, json_name(m), &feature);
		if (result < 0)
			return result;
		if (!r->l->is_category[feature])
			return bad(r, json_name(m), "is no category of the program");
		result = read_levels(r, m, &r->l->features[feature]);
		if (result < 0)
			return result;
	}
	return 0;
}

static int read_number(const struct reader *r, const struct cJSON *v, struct str name, double *ret)
{
	if (json_type(v) != JSON_TYPE_NUMBER || !isfinite(json_number(v)))
		return bad(r, name, "must be a finite number");
	*ret = json_number(v);
	return 0;
}

static int check_object(const struct reader *r, const struct cJSON *v)
{
	if (json_type(v) != JSON_TYPE_OBJECT)
		return bad(r, json_name(v), "must be an object");
	return 0;
}

static int read_numbers(struct reader *r, const struct cJSON *object, const struct number_member *n)
{
	uint32_t feature;
	int result = check_object(r, object);

	for (const struct cJSON *m = json_first(object); result == 0 && m; m = json_next(m)) {
		result = find_feature(r, json_name(m), &feature);
		if (result == 0)
			result = read_number(r, m, json_name(m),
			                     number_of(&r->l->features[feature], n));
	}
	return result;
}

static int read_pair(const struct reader *r, const struct cJSON *m, struct learned_feature *f)
{
	int result;

	if (json_type(m) != JSON_TYPE_ARRAY || json_count(m) != 2)
		return bad(r, json_name(m), "must be [low, high]");
	result = read_number(r, json_first(m), json_name(m), &f->lo);
	if (result == 0)
		result = read_number(r, json_next(json_first(m)), json_name(m), &f->hi);
	if (result == 0 && f->lo > f->hi)
		return bad(r, json_name(m), "has a low bound above the high one");
	return result;
}

static int read_bounds(struct reader *r, const struct cJSON *object)
{
	uint32_t feature;
	int result = check_object(r, object);

	for (const struct cJSON *m = json_first(object); result == 0 && m; m = json_next(m)) {
		result = find_feature(r, json_name(m), &feature);
		if (result == 0)
			result = read_pair(r, m, &r->l->features[feature]);
	}
	return result;
}

static int check_columns(const struct reader *r, const struct cJSON *list)
{
	uint32_t i = 0;

	if (json_type(list) != JSON_TYPE_ARRAY || json_count(list) != r->d->feature_count)
		return errbuf_set(r->err, -EBADMSG,
		                  "%s: \"feature_columns\" must list the program's %u features",
		                  r->file, r->d->feature_count);
	for (const struct cJSON *v = json_first(list); v; v = json_next(v), i++) {
		struct str name = r->d->features[i].name;

		if (json_type(v) != JSON_TYPE_TEXT || !str_equal(json_text(v), name))
			return errbuf_set(r->err, -EBADMSG,
			                  "%s: in \"feature_columns\" number %u is not \"%.*s\"",
			                  r->file, i + 1, STR_ARGS(name));
	}
	return 0;
}

static int read_median_member(struct reader *r, const struct cJSON *m)
{
	struct str name = json_name(m);

	if (str_is(name, "feature_columns"))
		return check_columns(r, m);
	if (str_is(name, "clipping_bounds"))
		return read_bounds(r, m);
	for (size_t i = 0; i < NUMBER_MEMBERS; i++) {
		if (str_is(name, number_members[i].name))
			return read_numbers(r, m, &number_members[i]);
	}
	return bad(r, name, "is not known here");
}

static int read_medians(struct reader *r, struct str text)
{
	const struct cJSON *root;
	int result = parse(r, "medians.json", text, &root);

	if (result < 0)
		return result;
	if (!json_member(root, "feature_columns"))
		return errbuf_set(r->err, -EBADMSG, "%s: \"feature_columns\" is missing", r->file);
	for (const struct cJSON *m = json_first(root); m && result == 0; m = json_next(m))
		result = read_median_member(r, m);
	return result;
}

int learned_read(const struct declaration *d, struct str encoders_json, struct str medians_json,
                 struct arena *a, struct learned **ret, struct errbuf *err)
{
	struct reader r = { .d = d, .a = a, .err = err };
	int result;

	if (learned_new(d, a, &r.l) < 0)
		return errbuf_set(err, -ENOMEM, "out of memory");
	result = read_encoders(&r, encoders_json);
	if (result == 0)
		result = read_medians(&r, medians_json);
	if (result < 0)
		return result;
	*ret = r.l;
	return 0;
}

bool learned_feature_stats(const struct learned *l, uint32_t feature, double *ret_mean,
                           double *ret_sd)
{
	const struct learned_feature *f = &l->features[feature];

	if (l->is_category[feature] || isnan(f->mean) || !(f->sd > 0))
		return false;
	*ret_mean = f->mean;
	*ret_sd = f->sd;
	return true;
}
