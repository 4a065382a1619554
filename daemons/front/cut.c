/*
 * The cut follows strings and brackets only, so it may be wrong about a body that is no JSON. That
 * does no harm: then the skeleton or an element fails its strict scan, because the cut loses no
 * byte.
 */
#include "cut.h"

#include <errno.h>
#include <stdlib.h>

#define SKELETON_BESIDE 65536
#define NUMBER_ROOM 8

void cut_init(struct cut *c, struct str body, size_t max_elements)
{
	*c = (struct cut){ .body = body, .max = max_elements };
	c->skeleton.limit = SKELETON_BESIDE + max_elements * NUMBER_ROOM;
}

void cut_done(struct cut *c)
{
	strbuf_done(&c->skeleton);
	free(c->elements);
}

static int grow(struct cut *c)
{
	size_t room = c->room ? c->room * 2 : 64;
	struct cut_element *elements;

	if (c->count == c->max)
		return -E2BIG;
	if (c->count < c->room)
		return 0;
	elements = reallocarray(c->elements, room, sizeof(*elements));
	if (!elements)
		return -ENOMEM;
	c->elements = elements;
	c->room = room;
	return 0;
}

static int begin_element(struct cut *c, size_t at)
{
	int r = grow(c);

	if (r < 0)
		return r;
	strbuf_addf(&c->skeleton, "%zu", c->count);
	c->elements[c->count] = (struct cut_element){ at, at, c->skeleton.n, at };
	c->open = true;
	return 0;
}

static void end_element(struct cut *c, size_t at)
{
	struct cut_element *e = &c->elements[c->count++];
	struct str text = str_trim((struct str){ c->body.p + e->start, at - e->start });

	while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text = str_trim((struct str){ text.p, text.n - 1 });
	e->end = e->start + text.n;
	e->after = at;
	c->open = false;
}

static void follow_brackets(struct cut *c, char b)
{
	if (b == '"') {
		c->in_string = true;
	} else if (b == '{' || b == '[') {
		c->depth++;
		if (c->depth == 1)
			c->outer_is_object = b == '{';
		if (c->depth == 2)
			c->in_list = b == '[' && c->outer_is_object;
	} else if ((b == '}' || b == ']') && c->depth > 0) {
		c->depth--;
		if (c->depth < 2)
			c->in_list = false;
	}
}

static bool is_blank(char b)
{
	return b == ' ' || b == '\t' || b == '\n' || b == '\r';
}

/* A byte outside strings. */
static int step_byte(struct cut *c, size_t at, char b)
{
	bool list_level = c->in_list && c->depth == 2;
	int r = 0;

	if (list_level && c->open && (b == ',' || b == ']'))
		end_element(c, at);
	else if (list_level && !c->open && b != ',' && b != ']' && !is_blank(b))
		r = begin_element(c, at);
	if (!c->open)
		strbuf_addc(&c->skeleton, b);
	follow_brackets(c, b);
	return r;
}

static void step_string(struct cut *c, char b)
{
	if (!c->open)
		strbuf_addc(&c->skeleton, b);
	if (c->escaped)
		c->escaped = false;
	else if (b == '\\')
		c->escaped = true;
	else if (b == '"')
		c->in_string = false;
}

int cut_step(struct cut *c, size_t n)
{
	size_t end = c->body.n - c->at < n ? c->body.n : c->at + n;
	int r = 0;

	for (; c->at < end && r == 0; c->at++) {
		if (c->in_string)
			step_string(c, c->body.p[c->at]);
		else
			r = step_byte(c, c->at, c->body.p[c->at]);
	}
	if (r < 0)
		return r;
	if (strbuf_error(&c->skeleton))
		return strbuf_error(&c->skeleton) == -E2BIG ? -EFBIG : -ENOMEM;
	if (c->at < c->body.n)
		return 1;
	if (c->open)
		end_element(c, c->at);
	return 0;
}

struct str cut_element(const struct cut *c, size_t i)
{
	const struct cut_element *e = &c->elements[i];

	return (struct str){ c->body.p + e->start, e->end - e->start };
}

size_t cut_body_offset(const struct cut *c, size_t skeleton_offset)
{
	size_t low = 0;
	size_t high = c->count;
	size_t at = skeleton_offset;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->elements[middle].mark <= skeleton_offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 0)
		at = c->elements[low - 1].after + (skeleton_offset - c->elements[low - 1].mark);
	/* A number may be longer than the element that it stands for. */
	return low < c->count && at > c->elements[low].start ? c->elements[low].start : at;
}

struct search {
	const char *name;
	struct cut_list list;
	unsigned depth;
	bool is_next; /* the value that follows is the member's */
	bool inside;  /* the list is open */
};

static void begin_container(struct search *s, bool array)
{
	if (s->depth == 0)
		s->list.found = array ? CUT_NO_OBJECT : CUT_NO_MEMBER;
	if (s->depth == 1 && s->is_next) {
		s->list.found = array ? CUT_LIST : CUT_NO_LIST;
		s->inside = array;
	}
	s->depth++;
}

static void take_leaf(struct search *s, enum json_event event, struct str text)
{
	unsigned long long number;

	if (s->depth == 1 && s->is_next)
		s->list.found = CUT_NO_LIST;
	/* The first of the elements' numbers; the others follow it. */
	if (s->depth == 2 && s->inside && event == JSON_NUMBER && s->list.count++ == 0 &&
	    str_to_u64(text, &number) == 0)
		s->list.first = (size_t)number;
}

static int on_event(void *self, enum json_event event, struct str text)
{
	struct search *s = self;

	switch (event) {
	case JSON_OBJECT_BEGIN:
	case JSON_ARRAY_BEGIN:
		begin_container(s, event == JSON_ARRAY_BEGIN);
		break;
	case JSON_OBJECT_END:
	case JSON_ARRAY_END:
		s->depth--;
		s->inside = s->inside && s->depth > 1;
		break;
	case JSON_KEY:
		break;
	default:
		take_leaf(s, event, text);
	}
	s->is_next = event == JSON_KEY && s->depth == 1 && str_is(text, s->name);
	return 0;
}

int cut_find_list(const struct cut *c, const char *name, struct arena *a, struct cut_list *ret,
                  struct json_fault *ret_fault)
{
	struct search s = { .name = name, .list = { .found = CUT_NO_OBJECT } };
	struct json_scan_options options = { .unique = true, .on_event = on_event, .self = &s };
	int r = json_scan(strbuf_str(&c->skeleton), &options, a, ret_fault);

	if (r == -EBADMSG)
		ret_fault->offset = cut_body_offset(c, ret_fault->offset);
	if (r == 0)
		*ret = s.list;
	return r;
}
