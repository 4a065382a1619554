/*
 * One value is remembered for each input, the first; what is counted is how often the older rows
 * had it. An input is called dead only if so many rows of that one value cannot be chance: a rare
 * flag that a small holdout happens not to hold is alive.
 *
 * Called by slice.c. Pure.
 */
#include "variety.h"

#include <errno.h>
#include <math.h>

#include "features/hash.h"

#define CHANCE 1e-6 /* that the value came so often in a row; below, it is none */

/* A value as a number, the same for the same value. */
#define MISSING UINT64_C(0x6d697373696e6721)

struct variety_input {
	bool watched;
	bool varies;
	uint64_t value; /* of the first new row */
	uint64_t old_same;
};

struct variety {
	const struct program *program;
	struct variety_input *inputs;
	uint64_t new_rows, old_rows;
};

int variety_new(const struct program *p, struct arena *a, struct variety **ret)
{
	struct variety *v = arena_calloc(a, 1, sizeof(*v));
	struct variety_input *inputs = arena_calloc(a, p->input_count, sizeof(*inputs));

	if (!v || !inputs)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->input_count; i++)
		inputs[i].watched = (int)i != p->key && (int)i != p->time;
	v->program = p;
	v->inputs = inputs;
	*ret = v;
	return 0;
}

/* Private text stands in the rows as a letter that means nothing beyond its row. */
static uint64_t value_of(const struct program_input *in, const struct cell *c)
{
	uint64_t bits = 0;

	if (!c->present)
		return MISSING;
	if (in->private)
		return 1;
	switch (in->type) {
	case INPUT_NUMBER:
		memcpy(&bits, &c->v.number, sizeof(bits));
		return bits;
	case INPUT_CATEGORY:
	case INPUT_TEXT:
		return text_hash(c->v.text);
	case INPUT_INTEGER:
	case INPUT_DATETIME:
	case INPUT_DATE:
	case INPUT_TYPE_MAX:
		break;
	}
	return (uint64_t)c->v.integer;
}

void variety_add_new(struct variety *v, const struct cell *row)
{
	const struct program *p = v->program;
	bool first = v->new_rows++ == 0;

	for (uint32_t i = 0; i < p->input_count; i++) {
		struct variety_input *in = &v->inputs[i];
		uint64_t value = value_of(&p->inputs[i], &row[i]);

		if (first)
			in->value = value;
		else if (value != in->value)
			in->varies = true;
	}
}

void variety_add_old(struct variety *v, const struct cell *row)
{
	const struct program *p = v->program;

	v->old_rows++;
	for (uint32_t i = 0; i < p->input_count; i++)
		v->inputs[i].old_same += value_of(&p->inputs[i], &row[i]) == v->inputs[i].value;
}

/* The rule of succession: a value that was never seen is not impossible. */
static bool is_chance(const struct variety *v, const struct variety_input *in)
{
	double share = ((double)in->old_same + 1) / ((double)v->old_rows + 2);

	return (double)v->new_rows * log(share) > log(CHANCE);
}

int variety_find_dead(const struct variety *v)
{
	if (v->new_rows == 0 || v->old_rows == 0)
		return -1;
	for (uint32_t i = 0; i < v->program->input_count; i++) {
		const struct variety_input *in = &v->inputs[i];

		if (in->watched && !in->varies && in->old_same < v->old_rows && !is_chance(v, in))
			return (int)i;
	}
	return -1;
}
