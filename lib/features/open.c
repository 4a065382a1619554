/*
 * An image in use: its inputs as a table in the caller's arena, its names looked up in place.
 * Called once per process and model generation; nothing here is on the path of a row but the reset.
 */
#include <errno.h>

#include "features/image.h"

static struct cell initial_cell(const struct image_view *v, const struct image_input *in)
{
	struct cell cell = { .present = (in->flags & IMAGE_INPUT_DEFAULT) != 0 };

	if (!cell.present)
		return cell;
	switch ((enum input_type)in->type) {
	case INPUT_CATEGORY:
	case INPUT_TEXT:
		cell.v.text = image_text(v, in->initial_text);
		break;
	case INPUT_NUMBER:
		cell.v.number = in->initial.number;
		break;
	default:
		cell.v.integer = in->initial.integer;
		break;
	}
	return cell;
}

static void open_input(const struct image_view *v, const struct image_input *in,
                       struct program_input *ret)
{
	*ret = (struct program_input){
		.name = image_text(v, in->name),
		.type = (enum input_type)in->type,
		.role = (enum input_role)in->role,
		.required = (in->flags & IMAGE_INPUT_REQUIRED) != 0,
		.has_default = (in->flags & IMAGE_INPUT_DEFAULT) != 0,
		.private = (in->flags & IMAGE_INPUT_PRIVATE) != 0,
		.initial = initial_cell(v, in),
		.missing = &v->values[in->missing_first].integer,
		.missing_count = in->missing_count,
		.zone_seconds = v->header->zone_seconds,
	};
}

int program_open(const void *image, size_t size, struct arena *a, struct program *ret,
                 struct errbuf *err)
{
	const struct program_header *h = image;
	struct program_input *inputs;
	struct image_view v;
	int r = image_check(image, size, err);

	if (r < 0)
		return r;
	v = image_view_of(h);
	inputs = arena_calloc(a, h->inputs.count, sizeof(*inputs));
	if (!inputs)
		return errbuf_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < h->inputs.count; i++)
		open_input(&v, &v.inputs[i], &inputs[i]);
	*ret = (struct program){
		.header = h,
		.size = h->size,
		.inputs = inputs,
		.input_count = h->inputs.count,
		.feature_count = h->features.count,
		.key = h->key,
		.time = h->time,
		.entity = h->entity,
		.index = &h->names,
	};
	return 0;
}

static const struct image_feature *feature_of(const struct program *p, uint32_t feature)
{
	const char *base = (const char *)p->header;

	return (const struct image_feature *)(const void *)(base + p->header->features.at) +
	       feature;
}

struct str program_feature_name(const struct program *p, uint32_t feature)
{
	struct image_view v = image_view_of(p->header);

	return image_text(&v, feature_of(p, feature)->name);
}

int program_feature_input(const struct program *p, uint32_t feature)
{
	return feature_of(p, feature)->input;
}

bool program_feature_is_category(const struct program *p, uint32_t feature)
{
	return feature_of(p, feature)->op == OP_CATEGORY;
}

int32_t program_zone_seconds(const struct program *p)
{
	return p->header->zone_seconds;
}

int program_find_input(const struct program *p, struct str name)
{
	struct image_view v = image_view_of(p->header);

	return image_find(&v, p->index, name);
}

void program_row_reset(const struct program *p, struct cell *row)
{
	for (uint32_t i = 0; i < p->input_count; i++)
		row[i] = p->inputs[i].initial;
}
