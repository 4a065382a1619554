/*
 * Declaration and learned values to an image: every name becomes an index, every list a run of
 * records, every text a place in the pool. Called when a model image is built, at training and by
 * the loader's compile child.
 *
 * Sections grow in buffers of their own and are laid one behind the other at the end, so nothing
 * needs to be counted before. image_check() of the result is what program_open() runs anyway; the
 * compiler does not check what the declaration guarantees.
 */
#include <errno.h>
#include <math.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "features/hash.h"
#include "features/image.h"
#include "features/learned_values.h"

#define IMAGE_ALIGNMENT 64U

struct compiler {
	const struct declaration *d;
	const struct learned *l;
	struct arena *a;
	struct errbuf *err;
	struct program_header header;
	struct strbuf inputs, features, comparisons, values, texts, slots, pool;
};

static void compiler_done(struct compiler *c)
{
	strbuf_done(&c->inputs);
	strbuf_done(&c->features);
	strbuf_done(&c->comparisons);
	strbuf_done(&c->values);
	strbuf_done(&c->texts);
	strbuf_done(&c->slots);
	strbuf_done(&c->pool);
}

static struct image_text add_pool(struct compiler *c, struct str s)
{
	struct image_text t = { (uint32_t)c->pool.n, (uint32_t)s.n };

	strbuf_add(&c->pool, s.p, s.n);
	return t;
}

static uint32_t value_count(const struct compiler *c)
{
	return (uint32_t)(c->values.n / sizeof(union image_value));
}

static void add_number(struct compiler *c, double v)
{
	union image_value value = { .number = v };

	strbuf_add(&c->values, &value, sizeof(value));
}

static void add_integer(struct compiler *c, int64_t v)
{
	union image_value value = { .integer = v };

	strbuf_add(&c->values, &value, sizeof(value));
}

static uint32_t add_texts(struct compiler *c, const struct str *texts, uint32_t count)
{
	uint32_t first = (uint32_t)(c->texts.n / sizeof(struct image_text));

	for (uint32_t i = 0; i < count; i++) {
		struct image_text t = add_pool(c, texts[i]);

		strbuf_add(&c->texts, &t, sizeof(t));
	}
	return first;
}

/* At most half of the slots are taken, so that a search is short. */
static void fill_slots(uint32_t *slots, uint32_t mask, const struct str *texts, uint32_t count)
{
	memset(slots, 0, ((size_t)mask + 1) * sizeof(*slots));
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = text_hash(texts[i]) & mask;

		while (slots[at] != 0)
			at = (at + 1) & mask;
		slots[at] = i + 1;
	}
}

static int add_index(struct compiler *c, const struct str *texts, uint32_t count,
                     struct program_index *ret)
{
	uint32_t *slots;
	uint32_t room = 8;

	while (room < count * 2)
		room *= 2;
	*ret = (struct program_index){
		.first = add_texts(c, texts, count),
		.count = count,
		.first_slot = (uint32_t)(c->slots.n / sizeof(*slots)),
		.mask = room - 1,
	};
	slots = (void *)strbuf_reserve(&c->slots, room * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	fill_slots(slots, ret->mask, texts, count);
	strbuf_commit(&c->slots, room * sizeof(*slots));
	return 0;
}

static bool is_textual(enum input_type type)
{
	return type == INPUT_CATEGORY || type == INPUT_TEXT;
}

static void add_input(struct compiler *c, const struct program_input *in)
{
	struct image_input record = {
		.name = add_pool(c, in->name),
		.type = (uint8_t)in->type,
		.role = (uint8_t)in->role,
		.flags = (uint8_t)((in->required ? IMAGE_INPUT_REQUIRED : 0) |
		                   (in->private ? IMAGE_INPUT_PRIVATE : 0) |
		                   (in->has_default ? IMAGE_INPUT_DEFAULT : 0)),
		.missing_first = value_count(c),
		.missing_count = in->missing_count,
	};

	for (uint32_t i = 0; i < in->missing_count; i++)
		add_integer(c, in->missing[i]);
	if (in->has_default && is_textual(in->type))
		record.initial_text = add_pool(c, in->initial.v.text);
	else if (in->has_default && in->type == INPUT_NUMBER)
		record.initial.number = in->initial.v.number;
	else if (in->has_default)
		record.initial.integer = in->initial.v.integer;
	strbuf_add(&c->inputs, &record, sizeof(record));
}

static int add_inputs(struct compiler *c)
{
	struct str *names = arena_calloc(c->a, c->d->input_count, sizeof(*names));

	if (!names)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->d->input_count; i++) {
		names[i] = c->d->inputs[i].name;
		add_input(c, &c->d->inputs[i]);
	}
	return add_index(c, names, c->d->input_count, &c->header.names);
}

static struct image_operand operand_record(struct operand o)
{
	return (struct image_operand){ (uint16_t)o.kind, (uint16_t)o.index };
}

static void add_comparison(struct compiler *c, const struct declared_comparison *from)
{
	struct image_comparison record = {
		.left = operand_record(from->left),
		.right = operand_record(from->right),
		.op = (uint32_t)from->op,
		.first = value_count(c),
		.count = from->count,
	};

	if (from->texts)
		record.first = add_texts(c, from->texts, from->count);
	for (uint32_t i = 0; from->times && i < from->count; i++)
		add_integer(c, from->times[i]);
	for (uint32_t i = 0; from->numbers && i < from->count; i++)
		add_number(c, from->numbers[i]);
	strbuf_add(&c->comparisons, &record, sizeof(record));
}

static int find_input(const struct declaration *d, struct str name)
{
	for (uint32_t i = 0; i < d->input_count; i++) {
		if (str_equal(d->inputs[i].name, name))
			return (int)i;
	}
	return -1;
}

static int not_learned(const struct compiler *c, const struct declared_feature *f, const char *what)
{
	return errbuf_set(c->err, -EINVAL, "feature \"%.*s\": its %s not learned",
	                  STR_ARGS(f->name), what);
}

/* What the operator's declaration and training say together. */
static int set_learned(struct compiler *c, const struct declared_feature *f,
                       const struct learned_feature *l, struct image_feature *record)
{
	record->fill = f->op == OP_NOT_EQUAL ? f->missing : (double)NAN;
	if (f->clip == CLIP_IQR) {
		if (!l || isnan(l->lo) || isnan(l->hi))
			return not_learned(c, f, "clipping bounds were");
		record->lo = l->lo;
		record->hi = l->hi;
	}
	if (f->median) {
		if (!l || isnan(l->median))
			return not_learned(c, f, "median was");
		record->fill = l->median;
	}
	if (!declared_needs_levels(f))
		return 0;
	if (!l || !l->levels)
		return not_learned(c, f, "levels were");
	return add_index(c, l->levels, l->level_count, &record->levels);
}

static void add_lists(struct compiler *c, const struct declared_feature *f,
                      struct image_feature *record)
{
	if (f->op == OP_BUCKET) {
		record->first = value_count(c);
		record->count = f->limit_count;
	}
	for (uint32_t i = 0; i < f->limit_count; i++)
		add_number(c, f->limits[i]);
	if (f->op == OP_FLAG) {
		record->first = (uint32_t)(c->comparisons.n / sizeof(struct image_comparison));
		record->count = f->comparison_count;
	}
	for (uint32_t i = 0; i < f->comparison_count; i++)
		add_comparison(c, &f->comparisons[i]);
}

static int add_feature(struct compiler *c, uint32_t i)
{
	const struct declared_feature *f = &c->d->features[i];
	struct image_feature record = {
		.name = add_pool(c, f->name),
		.op = (uint8_t)f->op,
		.part = (uint8_t)f->part,
		.any = f->any,
		.input = find_input(c->d, f->name),
		.a = operand_record(f->a),
		.b = operand_record(f->b),
		.lo = f->lo,
		.hi = f->hi,
	};
	int r = set_learned(c, f, c->l ? &c->l->features[i] : NULL, &record);

	if (r < 0)
		return r;
	add_lists(c, f, &record);
	strbuf_add(&c->features, &record, sizeof(record));
	return 0;
}

/* A section behind what is there; the next begins at a multiple of 8. */
static void place(struct strbuf *whole, const struct strbuf *section, size_t record,
                  struct image_span *ret)
{
	static const char zeros[8] = { 0 };

	ret->at = (uint32_t)whole->n;
	ret->count = (uint32_t)(section->n / record);
	if (section->n > 0)
		strbuf_add(whole, section->p, section->n);
	strbuf_add(whole, zeros, (8 - whole->n % 8) % 8);
	if (strbuf_error(section))
		whole->error = strbuf_error(section);
}

static int lay_out(struct compiler *c, struct strbuf *whole)
{
	struct program_header *h = &c->header;

	whole->limit = PROGRAM_IMAGE_LIMIT;
	strbuf_add(whole, h, sizeof(*h));
	place(whole, &c->inputs, sizeof(struct image_input), &h->inputs);
	place(whole, &c->features, sizeof(struct image_feature), &h->features);
	place(whole, &c->comparisons, sizeof(struct image_comparison), &h->comparisons);
	place(whole, &c->values, sizeof(union image_value), &h->values);
	place(whole, &c->texts, sizeof(struct image_text), &h->texts);
	place(whole, &c->slots, sizeof(uint32_t), &h->slots);
	place(whole, &c->pool, 1, &h->pool);
	if (strbuf_error(whole))
		return strbuf_error(whole);
	memcpy(h->magic, PROGRAM_IMAGE_MAGIC, sizeof(h->magic));
	h->version = PROGRAM_IMAGE_VERSION;
	h->size = (uint32_t)whole->n;
	h->zone_seconds = c->d->zone_seconds;
	h->key = c->d->key;
	h->time = c->d->time;
	h->entity = c->d->entity;
	memcpy(whole->p, h, sizeof(*h));
	return 0;
}

static int compile(struct compiler *c)
{
	int r = add_inputs(c);

	for (uint32_t i = 0; r == 0 && i < c->d->feature_count; i++)
		r = add_feature(c, i);
	return r;
}

static void *copy_aligned(struct arena *a, const struct strbuf *from)
{
	char *p = arena_alloc(a, from->n + IMAGE_ALIGNMENT);

	if (!p)
		return NULL;
	p += (IMAGE_ALIGNMENT - (uintptr_t)p % IMAGE_ALIGNMENT) % IMAGE_ALIGNMENT;
	return memcpy(p, from->p, from->n);
}

int program_compile(const struct declaration *d, const struct learned *l, struct arena *a,
                    void **ret_image, size_t *ret_size, struct errbuf *err)
{
	CLEANUP(compiler_done) struct compiler c = { .d = d, .l = l, .a = a, .err = err };
	CLEANUP(strbuf_done) struct strbuf whole = { 0 };
	void *image = NULL;
	int r;

	if (l && l->count != d->feature_count)
		return errbuf_set(err, -EINVAL, "learned values of another program");
	r = compile(&c);
	if (r == 0)
		r = lay_out(&c, &whole);
	if (r == 0)
		image = copy_aligned(a, &whole);
	if (r == -EINVAL)
		return r;
	if (r == -E2BIG)
		return errbuf_set(err, r, "the program is too large");
	if (!image)
		return errbuf_set(err, -ENOMEM, "out of memory");
	*ret_image = image;
	*ret_size = whole.n;
	return 0;
}
