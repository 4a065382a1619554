/*
 * What happens to the members of a model document while it is read. A member that matters (see
 * members.c) must have the right type and come once; its content goes to its field, trees are
 * checked as they end, the rest is skipped. Called by the two readers, event by event;
 * interpret.c makes a model of the result.
 */
#include "forest/document.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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
		if (!d->levels[i].member && d->levels[i].place == PLACE_TREE)
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
	return refuse_member(d, m, kind_words[m->kind].is_not);
}

static void *field(struct document *d, const struct member *m)
{
	return (char *)d + m->to;
}

static size_t list_length(struct document *d, const struct member *m)
{
	switch (m->kind) {
	case KIND_INTS:
	case KIND_FLAGS:
		return ((struct ints *)field(d, m))->n;
	case KIND_FLOATS:
		return ((struct floats *)field(d, m))->n;
	case KIND_STRINGS:
		return ((struct strings *)field(d, m))->n;
	default:
		return 0;
	}
}

/* -ENOMEM stays what it is, -E2BIG is an element too many, all else the wrong kind of one. */
static int wrong_element(struct document *d, const struct member *m, int r)
{
	const char *what =
	        r == -E2BIG ? "one more than allowed" : kind_words[m->kind].element_is_not;
	size_t i = list_length(d, m);

	if (r == -ENOMEM)
		return r;
	r = r == -E2BIG ? r : -EBADMSG;
	if (within_tree(d))
		return document_refuse(d, r, "tree %zu, node %zu: element of \"%s\" is %s",
		                       d->tree_count, i, m->name, what);
	return document_refuse(d, r, "element %zu of \"%s\" is %s", i, m->name, what);
}

static int push(struct document *d, enum place place, const struct member *list)
{
	if (d->depth == DOCUMENT_MAX_LEVELS)
		return document_refuse(d, -EBADMSG, "nested too deeply");
	d->levels[d->depth++] = (struct level){ place, list };
	d->member = NULL;
	return 0;
}

/* ---- containers ---- */

static int begin_object(struct document *d, enum place place)
{
	if (place == PLACE_TREE)
		raw_tree_reset(&d->tree);
	if (place == PLACE_ENCODING) {
		d->encoding_offsets.n = 0;
		d->encoding_values.n = 0;
	}
	return push(d, place, NULL);
}

static int begin_list(struct document *d, const struct member *m)
{
	if (m->kind == KIND_OBJECT || m->kind == KIND_TEXT)
		return wrong_type(d, m);
	if (list_length(d, m) || (m->kind == KIND_OBJECTS && m->to == PLACE_TREE && d->tree_count))
		return refuse_member(d, m, "comes twice");
	return push(d, PLACE_ROOT, m);
}

int document_begin(struct document *d, bool list)
{
	const struct member *m = list_at(d);

	if (d->skipped) {
		d->skipped++;
		return 0;
	}
	if (d->depth == 0)
		return list ? document_refuse(d, -EBADMSG, "not an object")
		            : push(d, PLACE_ROOT, NULL);
	if (m) {
		if (m->kind != KIND_OBJECTS || list)
			return wrong_element(d, m, -EBADMSG);
		return begin_object(d, (enum place)m->to);
	}
	m = d->member;
	if (!m) {
		d->skipped = 1;
		return 0;
	}
	if (list)
		return begin_list(d, m);
	return m->kind == KIND_OBJECT ? begin_object(d, (enum place)m->to) : wrong_type(d, m);
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
	if (done.place == PLACE_TREE)
		return end_tree(d);
	if (done.place == PLACE_ENCODING)
		end_encoding(d);
	return 0;
}

int document_key(struct document *d, struct str name)
{
	enum place place;

	if (d->skipped)
		return 0;
	place = d->levels[d->depth - 1].place;
	d->member = member_find(place, name);
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
		return m->kind == KIND_STRINGS ? add_string(d, m, text)
		                               : wrong_element(d, m, -EBADMSG);
	return m->kind == KIND_TEXT ? set_text(d, m, text) : wrong_type(d, m);
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
	case KIND_INTS:
	case KIND_FLAGS:
		return add_int(d, m, n);
	case KIND_FLOATS:
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
	return m->kind == KIND_FLAGS ? add_int(d, m, &n) : wrong_element(d, m, -EBADMSG);
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

	if (m->kind == KIND_INTS || m->kind == KIND_FLAGS)
		r = ints_reserve(field(d, m), count, d->limits.max_nodes);
	else if (m->kind == KIND_FLOATS)
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
