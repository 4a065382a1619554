/*
 * The border between bytes and a program: every offset, count, index and enum of an image is
 * checked here once, by image_check(), so that a run needs no checks of its own. An image comes
 * from a memfd that this suite sealed, but also from the state folder and, in the fuzzer, from
 * anywhere.
 *
 * Invariant: after image_check() returned 0, program_run() over a row of the declared types reads
 * inside the image, the row and the scratch only. Values themselves may be nonsense.
 */
#include "features/image.h"

#include <errno.h>

#include "base/civil.h"
#include "features/declare.h"
#include "features/hash.h"

/* 10,000 years and a little. */
#define TIME_LIMIT_US (INT64_C(3660000) * CIVIL_DAY_US)

struct checker {
	struct image_view v;
	struct errbuf *err;
};

static int bad(const struct checker *c, const char *what, uint32_t i)
{
	return errbuf_set(c->err, -EBADMSG, "feature program: %s of record %u is out of range",
	                  what, i);
}

/* first + count <= of, without overflow. */
static bool is_within(uint32_t first, uint32_t count, uint32_t of)
{
	return first <= of && count <= of - first;
}

static bool is_text(const struct checker *c, struct image_text t)
{
	return is_within(t.at, t.n, c->v.header->pool.count);
}

static bool is_index(const struct checker *c, const struct program_index *x)
{
	const struct program_header *h = c->v.header;

	if (x->mask == UINT32_MAX || (x->mask & (x->mask + 1)) != 0)
		return false;
	if (!is_within(x->first, x->count, h->texts.count) ||
	    !is_within(x->first_slot, x->mask + 1, h->slots.count))
		return false;
	for (uint32_t i = 0; i <= x->mask; i++) {
		if (c->v.slots[x->first_slot + i] > x->count)
			return false;
	}
	return true;
}

/* The operand may be read by feature `at`. */
static bool is_operand(const struct checker *c, struct image_operand o, uint32_t at)
{
	static const uint8_t kinds[INPUT_TYPE_MAX] = {
		[INPUT_INTEGER] = OPERAND_INTEGER, [INPUT_NUMBER] = OPERAND_NUMBER,
		[INPUT_CATEGORY] = OPERAND_TEXT,   [INPUT_DATETIME] = OPERAND_TIME,
		[INPUT_DATE] = OPERAND_TIME,       [INPUT_TEXT] = OPERAND_TEXT,
	};

	if (o.kind == OPERAND_FEATURE)
		return o.index < at;
	return o.index < c->v.header->inputs.count && o.kind == kinds[c->v.inputs[o.index].type];
}

static bool is_quantity(const struct checker *c, struct image_operand o, uint32_t at)
{
	return is_operand(c, o, at) && o.kind != OPERAND_TIME && o.kind != OPERAND_TEXT;
}

static bool is_kind(const struct checker *c, struct image_operand o, uint32_t at,
                    enum operand_kind kind)
{
	return is_operand(c, o, at) && o.kind == kind;
}

/* Both sides are read the same way: two times, two texts, or two quantities. */
static bool is_pair(const struct checker *c, struct image_operand a, struct image_operand b,
                    uint32_t at)
{
	if (!is_operand(c, a, at) || !is_operand(c, b, at))
		return false;
	if (a.kind == OPERAND_TIME || a.kind == OPERAND_TEXT)
		return a.kind == b.kind;
	return is_quantity(c, b, at);
}

static bool is_comparison(const struct checker *c, const struct image_comparison *m, uint32_t at)
{
	const struct program_header *h = c->v.header;

	if (m->op >= COMPARISON_OP_MAX)
		return false;
	if (m->right.kind != OPERAND_NONE)
		return m->op < COMPARE_IN && is_pair(c, m->left, m->right, at);
	if (!is_operand(c, m->left, at) || m->count == 0)
		return false;
	return is_within(m->first, m->count,
	                 m->left.kind == OPERAND_TEXT ? h->texts.count : h->values.count);
}

static bool is_flag(const struct checker *c, const struct image_feature *f, uint32_t at)
{
	if (!is_within(f->first, f->count, c->v.header->comparisons.count))
		return false;
	for (uint32_t i = 0; i < f->count; i++) {
		if (!is_comparison(c, &c->v.comparisons[f->first + i], at))
			return false;
	}
	return true;
}

/* The operands and lists that the operator reads. */
static bool is_operation(const struct checker *c, const struct image_feature *f, uint32_t at)
{
	switch ((enum feature_op)f->op) {
	case OP_NUMBER:
	case OP_LOG1P:
		return is_quantity(c, f->a, at);
	case OP_CATEGORY:
		return is_kind(c, f->a, at, OPERAND_TEXT) && is_index(c, &f->levels);
	case OP_DATE_PART:
		return is_kind(c, f->a, at, OPERAND_TIME) && f->part < DATE_PART_MAX;
	case OP_IS_NIGHT:
		return is_kind(c, f->a, at, OPERAND_TIME);
	case OP_DAYS_BETWEEN:
		return is_kind(c, f->a, at, OPERAND_TIME) && is_kind(c, f->b, at, OPERAND_TIME);
	case OP_NOT_EQUAL:
		return is_pair(c, f->a, f->b, at);
	case OP_BUCKET:
		return is_quantity(c, f->a, at) &&
		       is_within(f->first, f->count, c->v.header->values.count);
	case OP_FLAG:
		return is_flag(c, f, at);
	case OP_RATIO:
		return is_quantity(c, f->a, at) && is_quantity(c, f->b, at);
	case FEATURE_OP_MAX:
		break;
	}
	return false;
}

static int check_features(const struct checker *c)
{
	const struct program_header *h = c->v.header;

	for (uint32_t i = 0; i < h->features.count; i++) {
		const struct image_feature *f = &c->v.features[i];

		if (!is_text(c, f->name))
			return bad(c, "the name", i);
		if (f->input < -1 || f->input >= (int64_t)h->inputs.count)
			return bad(c, "the input of the same name", i);
		if (!is_operation(c, f, i))
			return bad(c, "an operand", i);
	}
	return 0;
}

/* Readers give times of the years 1 to 9999 and a zone's difference; a default must be one too. */
static bool is_default(const struct image_input *in)
{
	if (in->type != INPUT_DATE && in->type != INPUT_DATETIME)
		return true;
	return in->initial.integer >= -TIME_LIMIT_US && in->initial.integer <= TIME_LIMIT_US;
}

static int check_inputs(const struct checker *c)
{
	const struct program_header *h = c->v.header;

	for (uint32_t i = 0; i < h->inputs.count; i++) {
		const struct image_input *in = &c->v.inputs[i];

		if (in->type >= INPUT_TYPE_MAX || in->role >= INPUT_ROLE_COUNT)
			return bad(c, "type or role", i);
		if (!is_text(c, in->name) || !is_text(c, in->initial_text))
			return bad(c, "a text", i);
		if (!is_within(in->missing_first, in->missing_count, h->values.count))
			return bad(c, "the list of missing values", i);
		if (!is_default(in))
			return bad(c, "the default", i);
	}
	return 0;
}

static int check_texts(const struct checker *c)
{
	for (uint32_t i = 0; i < c->v.header->texts.count; i++) {
		if (!is_text(c, c->v.texts[i]))
			return bad(c, "a text", i);
	}
	return 0;
}

/* -1 or the index of an input that the readers of that role can read. */
static bool is_role(const struct checker *c, int32_t i, enum input_role role)
{
	if (i == -1)
		return true;
	if (i < 0 || (uint32_t)i >= c->v.header->inputs.count)
		return false;
	if (c->v.inputs[i].role != role)
		return false;
	return role != ROLE_KEY || c->v.inputs[i].type == INPUT_INTEGER;
}

static bool is_span(const struct program_header *h, struct image_span s, size_t record)
{
	return s.at % 8 == 0 && s.at >= sizeof(*h) && s.at <= h->size &&
	       s.count <= (h->size - s.at) / record;
}

static bool are_spans(const struct program_header *h)
{
	return is_span(h, h->inputs, sizeof(struct image_input)) &&
	       is_span(h, h->features, sizeof(struct image_feature)) &&
	       is_span(h, h->comparisons, sizeof(struct image_comparison)) &&
	       is_span(h, h->values, sizeof(union image_value)) &&
	       is_span(h, h->texts, sizeof(struct image_text)) &&
	       is_span(h, h->slots, sizeof(uint32_t)) && is_span(h, h->pool, 1);
}

static int check_header(const void *image, size_t size, struct errbuf *err)
{
	const struct program_header *h = image;

	if ((uintptr_t)image % 8 != 0 || size < sizeof(*h) ||
	    memcmp(h->magic, PROGRAM_IMAGE_MAGIC, sizeof(h->magic)) != 0)
		return errbuf_set(err, -EBADMSG, "no feature program");
	if (h->version != PROGRAM_IMAGE_VERSION)
		return errbuf_set(err, -EBADMSG, "feature program of version %u, known is %d",
		                  h->version, PROGRAM_IMAGE_VERSION);
	if (h->size > size || h->size < sizeof(*h) || !are_spans(h))
		return errbuf_set(err, -EBADMSG, "feature program: a section lies outside");
	if (h->inputs.count == 0 || h->inputs.count > PROGRAM_MAX_INPUTS ||
	    h->features.count == 0 || h->features.count > PROGRAM_MAX_FEATURES)
		return errbuf_set(err, -EBADMSG, "feature program: %u inputs and %u features",
		                  h->inputs.count, h->features.count);
	return 0;
}

struct image_view image_view_of(const struct program_header *h)
{
	const char *base = (const char *)h;

	return (struct image_view){
		.header = h,
		.inputs = (const void *)(base + h->inputs.at),
		.features = (const void *)(base + h->features.at),
		.comparisons = (const void *)(base + h->comparisons.at),
		.values = (const void *)(base + h->values.at),
		.texts = (const void *)(base + h->texts.at),
		.slots = (const void *)(base + h->slots.at),
		.pool = base + h->pool.at,
	};
}

int image_check(const void *image, size_t size, struct errbuf *err)
{
	struct checker c = { .err = err };
	const struct program_header *h = image;
	int r;

	r = check_header(image, size, err);
	if (r < 0)
		return r;
	c.v = image_view_of(h);
	r = check_texts(&c);
	if (r == 0)
		r = check_inputs(&c);
	if (r < 0)
		return r;
	if (!is_role(&c, h->key, ROLE_KEY) || !is_role(&c, h->time, ROLE_TIME) ||
	    !is_role(&c, h->entity, ROLE_ENTITY))
		return errbuf_set(err, -EBADMSG, "feature program: a role is out of range");
	if (!is_index(&c, &h->names) || h->names.count != h->inputs.count)
		return errbuf_set(err, -EBADMSG, "feature program: the name index is broken");
	return check_features(&c);
}

int image_find(const struct image_view *v, const struct program_index *index, struct str text)
{
	const uint32_t *slots = v->slots + index->first_slot;
	uint32_t at = text_hash(text) & index->mask;

	/* Bounded, for a table that has no empty slot. */
	for (uint32_t i = 0; i <= index->mask && slots[at] != 0; i++) {
		uint32_t place = slots[at] - 1;

		if (str_equal(image_text(v, v->texts[index->first + place]), text))
			return (int)place;
		at = (at + 1) & index->mask;
	}
	return -1;
}
