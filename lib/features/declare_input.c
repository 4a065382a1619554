/*
 * The inputs of a declaration: types, roles, defaults and the values that mean "missing". Called by
 * declare.c with the list of the file; the plain program of a model without one is made here too.
 */
#include <errno.h>

#include "features/declaring.h"
#include "features/row.h"

#define PLAIN_KEY "transaction_seq"

static int declare_type(struct declaring *d, const struct yaml_node *m, struct program_input *in)
{
	const struct yaml_node *n = yaml_get(m, "type");
	int i;

	if (!n)
		return declare_fail(d, m->line, "\"type\" is missing");
	i = declare_word(d, n, input_type_names, INPUT_TYPE_MAX, "type");
	if (i < 0)
		return i;
	in->type = (enum input_type)i;
	return 0;
}

static int declare_flags(struct declaring *d, const struct yaml_node *m, struct program_input *in)
{
	const struct yaml_node *required = yaml_get(m, "required");
	const struct yaml_node *private = yaml_get(m, "private");
	int r = 0;

	if (required)
		r = declare_bool(d, required, &in->required);
	if (r == 0 && private)
		r = declare_bool(d, private, &in->private);
	return r;
}

static bool role_fits(enum input_role role, enum input_type type)
{
	switch (role) {
	case ROLE_KEY:
		return type == INPUT_INTEGER;
	case ROLE_TIME:
		return type == INPUT_DATETIME;
	case ROLE_ENTITY:
		return type == INPUT_INTEGER || type == INPUT_CATEGORY || type == INPUT_TEXT;
	case ROLE_NONE:
		break;
	}
	return true;
}

static int set_role(struct declaring *d, unsigned line, struct program_input *in)
{
	int *const places[INPUT_ROLE_COUNT] = { NULL, &d->d->key, &d->d->time, &d->d->entity };
	int *place = places[in->role];

	if (!place)
		return 0;
	if (*place >= 0)
		return declare_fail(d, line, "role %s is taken by \"%.*s\"",
		                    input_role_names[in->role],
		                    STR_ARGS(d->d->inputs[*place].name));
	if (!role_fits(in->role, in->type))
		return declare_fail(d, line, "role %s does not fit type %s",
		                    input_role_names[in->role], input_type_names[in->type]);
	if (in->role != ROLE_ENTITY && !in->required)
		return declare_fail(d, line, "role %s needs \"required: true\"",
		                    input_role_names[in->role]);
	*place = (int)(in - d->d->inputs);
	return 0;
}

static int declare_role(struct declaring *d, const struct yaml_node *m, struct program_input *in)
{
	const struct yaml_node *n = yaml_get(m, "role");
	int i;

	if (!n)
		return 0;
	i = declare_word(d, n, input_role_names, INPUT_ROLE_COUNT, "role");
	if (i < 0)
		return i;
	in->role = (enum input_role)i;
	return set_role(d, n->line, in);
}

static int declare_missing(struct declaring *d, const struct yaml_node *n, struct program_input *in)
{
	struct field_fault fault;
	int64_t *times;
	uint32_t count = 0;

	if (in->type != INPUT_DATE && in->type != INPUT_DATETIME)
		return declare_fail(d, n->line, "\"missing\" is for dates and date-times only");
	if (n->kind != YAML_SEQUENCE || n->count == 0 || n->count > PROGRAM_MAX_CONSTANTS)
		return declare_fail(d, n->line, "\"missing\" must be a list of 1 to %d dates",
		                    PROGRAM_MAX_CONSTANTS);
	times = arena_calloc(d->a, n->count, sizeof(*times));
	if (!times)
		return -ENOMEM;
	for (const struct yaml_node *i = n->first; i; i = i->next) {
		struct cell cell;

		if (i->kind != YAML_SCALAR || cell_from_text(in, i->text, &cell, &fault) < 0 ||
		    !cell.present)
			return declare_fail(d, i->line, "\"%.*s\" in \"missing\" is no %s",
			                    STR_ARGS(i->text), input_type_names[in->type]);
		times[count++] = cell.v.time_us;
	}
	in->missing = times;
	in->missing_count = count;
	return 0;
}

static int declare_default(struct declaring *d, const struct yaml_node *n, struct program_input *in)
{
	struct field_fault fault;
	struct cell cell;

	if (in->required)
		return declare_fail(d, n->line, "a required input has no default");
	if (n->kind != YAML_SCALAR || cell_from_text(in, n->text, &cell, &fault) < 0 ||
	    !cell.present)
		return declare_fail(d, n->line, "default \"%.*s\" is no %s", STR_ARGS(n->text),
		                    input_type_names[in->type]);
	cell.raw = (struct str){ 0 };
	in->initial = cell;
	in->has_default = true;
	return 0;
}

static int declare_input(struct declaring *d, const struct yaml_node *m, struct program_input *in)
{
	const struct yaml_node *missing, *initial;
	int r = declare_name(d, m, "input");

	if (r < 0)
		return r;
	in->name = d->name;
	in->zone_seconds = d->d->zone_seconds;
	r = declare_members(d, m, "name type required default role missing private");
	if (r == 0)
		r = declare_type(d, m, in);
	if (r == 0)
		r = declare_flags(d, m, in);
	if (r == 0)
		r = declare_role(d, m, in);
	initial = r == 0 ? yaml_get(m, "default") : NULL;
	if (initial)
		r = declare_default(d, initial, in);
	missing = r == 0 ? yaml_get(m, "missing") : NULL;
	if (missing)
		r = declare_missing(d, missing, in);
	return r;
}

static int add_input(struct declaring *d, unsigned line, struct program_input *in)
{
	int r = map_add(&d->inputs, d->a, in->name, in);

	if (r == -EEXIST)
		return declare_fail(d, line, "the name is declared twice");
	return r;
}

int declare_inputs(struct declaring *d, const struct yaml_node *list)
{
	int r;

	d->d->key = d->d->time = d->d->entity = -1;
	d->d->inputs = arena_calloc(d->a, list->count, sizeof(*d->d->inputs));
	if (!d->d->inputs)
		return -ENOMEM;
	for (const struct yaml_node *m = list->first; m; m = m->next) {
		struct program_input *in = &d->d->inputs[d->d->input_count];

		r = declare_input(d, m, in);
		if (r == 0)
			r = add_input(d, m->line, in);
		if (r < 0)
			return r;
		d->d->input_count++;
	}
	d->kind = NULL;
	if (d->d->key < 0)
		return declare_fail(d, list->line, "no input has \"role: key\"");
	if (d->d->time < 0)
		return declare_fail(d, list->line, "no input has \"role: time\"");
	return 0;
}

static int add_plain(struct declaration *d, struct map *seen, struct arena *a, struct str name,
                     struct errbuf *err)
{
	struct program_input *in = &d->inputs[d->input_count];
	struct declared_feature *f = &d->features[d->feature_count];
	bool key = str_is(name, PLAIN_KEY);
	int r;

	if (name.n == 0 || name.n > PROGRAM_MAX_NAME || !str_is_utf8(name))
		return errbuf_set(err, -EINVAL, "feature name \"%.*s\" must be 1 to %d bytes",
		                  STR_ARGS(name), PROGRAM_MAX_NAME);
	*in = (struct program_input){ .name = name, .type = key ? INPUT_INTEGER : INPUT_NUMBER };
	*f = (struct declared_feature){
		.name = name,
		.op = OP_NUMBER,
		.a = { key ? OPERAND_INTEGER : OPERAND_NUMBER, d->input_count },
		.lo = -__builtin_inf(),
		.hi = __builtin_inf(),
	};
	r = map_add(seen, a, name, in);
	if (r == -EEXIST)
		return errbuf_set(err, -EINVAL, "feature name \"%.*s\" stands twice",
		                  STR_ARGS(name));
	if (r < 0)
		return errbuf_set(err, r, "out of memory");
	d->input_count++;
	d->feature_count++;
	return 0;
}

/* The key is an input of its own unless the model has a feature of that name. */
static void set_plain_key(struct declaration *d)
{
	for (uint32_t i = 0; i < d->input_count; i++) {
		if (str_is(d->inputs[i].name, PLAIN_KEY))
			d->key = (int)i;
	}
	if (d->key < 0) {
		d->key = (int)d->input_count++;
		d->inputs[d->key] =
		        (struct program_input){ .name = STR(PLAIN_KEY), .type = INPUT_INTEGER };
	}
	d->inputs[d->key].role = ROLE_KEY;
}

int program_declare_plain(const struct str *names, size_t count, struct arena *a,
                          struct declaration **ret, struct errbuf *err)
{
	struct declaration *d = arena_calloc(a, 1, sizeof(*d));
	struct map seen = { 0 };
	int r;

	if (count == 0 || count >= PROGRAM_MAX_INPUTS)
		return errbuf_set(err, -EINVAL, "%zu features: allowed are 1 to %d", count,
		                  PROGRAM_MAX_INPUTS - 1);
	if (d) {
		d->inputs = arena_calloc(a, count + 1, sizeof(*d->inputs));
		d->features = arena_calloc(a, count, sizeof(*d->features));
	}
	if (!d || !d->inputs || !d->features)
		return errbuf_set(err, -ENOMEM, "out of memory");
	d->key = d->time = d->entity = -1;
	for (size_t i = 0; i < count; i++) {
		r = add_plain(d, &seen, a, names[i], err);
		if (r < 0)
			return r;
	}
	set_plain_key(d);
	*ret = d;
	return 0;
}
