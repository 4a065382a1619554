/*
 * Strict scan first, then cJSON's tree, in memory of the arena. cJSON keeps numbers as double only,
 * so the scan notes the text of every number, and the nodes get theirs back in document order: a
 * number node's valuestring points at its text in the arena's copy of the input, valueint is the
 * length of it. That makes integers exact up to 64 bits, tells 3 from 3.0, and gives back what was
 * received when it is echoed.
 *
 * cJSON reads at most 63 bytes of a number. A longer one is blanked out in the bytes that it sees
 * and read here. Called by whatever takes a request or an answer.
 */
#include "json/value.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>

#define CJSON_NUMBER_SIZE 63
/* Python's limit for the text of an integer is 4300 digits; nobody sends what is longer. */
#define NUMBER_SIZE_MAX 4096
#define NUMBERS_A_BLOCK 64
#define TYPE(v) ((v)->type & 0xff)

/*
 * cJSON's hooks have no argument, so the arena has to be found through a static: set during
 * cJSON_ParseWithLength() and only then. It is why json_parse() is for one thread at a time.
 */
static struct arena *parse_arena;

static void *on_allocate(size_t size)
{
	return parse_arena ? arena_alloc(parse_arena, size) : NULL;
}

static void on_free(void *p)
{
	(void)p; /* the arena's end */
}

void json_setup(void)
{
	cJSON_InitHooks(&(cJSON_Hooks){ .malloc_fn = on_allocate, .free_fn = on_free });
}

/* Texts of the numbers in document order. */
struct number_block {
	struct number_block *next;
	size_t count;
	struct str texts[NUMBERS_A_BLOCK];
};

struct numbers {
	struct arena *arena;
	struct number_block *first, *last;
	size_t taken;  /* of `first`, while they are given out */
	bool has_long; /* one is longer than cJSON can read */
	bool too_long;
};

static int numbers_add(struct numbers *s, struct str text)
{
	struct number_block *block = s->last;

	if (!block || block->count == NUMBERS_A_BLOCK) {
		block = arena_alloc(s->arena, sizeof(*block));
		if (!block)
			return -ENOMEM;
		block->next = NULL;
		block->count = 0;
		if (s->last)
			s->last->next = block;
		else
			s->first = block;
		s->last = block;
	}
	block->texts[block->count++] = text;
	return 0;
}

static struct str numbers_take(struct numbers *s)
{
	if (s->taken == s->first->count) {
		s->first = s->first->next;
		s->taken = 0;
	}
	return s->first->texts[s->taken++];
}

static int on_event(void *self, enum json_event event, struct str text)
{
	struct numbers *s = self;

	if (event != JSON_NUMBER)
		return 0;
	s->too_long = text.n > NUMBER_SIZE_MAX;
	s->has_long |= text.n > CJSON_NUMBER_SIZE;
	return s->too_long ? -EBADMSG : numbers_add(s, text);
}

/* A copy of the document with "0" and blanks for each number that cJSON cannot read. */
static char *blank_long(const struct numbers *s, struct str copy)
{
	char *blanked = arena_memdup(s->arena, copy.p, copy.n);

	if (!blanked)
		return NULL;
	for (const struct number_block *b = s->first; b; b = b->next) {
		for (size_t i = 0; i < b->count; i++) {
			char *number = blanked + (b->texts[i].p - copy.p);

			if (b->texts[i].n > CJSON_NUMBER_SIZE) {
				memset(number, ' ', b->texts[i].n);
				*number = '0';
			}
		}
	}
	return blanked;
}

static cJSON *build(struct arena *a, struct str text)
{
	cJSON *tree;

	parse_arena = a;
	tree = cJSON_ParseWithLength(text.p, text.n);
	parse_arena = NULL;
	return tree;
}

static void set_text(cJSON *number, struct str text)
{
	/* cJSON's own type for texts is char *; nobody writes through it. */
	number->valuestring = (char *)text.p;
	number->valueint = (int)text.n;
	/* The text ends at a byte that no number has, at the latest at the copy's terminator. */
	if (text.n > CJSON_NUMBER_SIZE)
		number->valuedouble = strtod(text.p, NULL);
}

/* Document order is depth first, children from left to right. */
static void return_texts(cJSON *root, struct numbers *numbers)
{
	cJSON *parents[JSON_DEPTH];
	size_t depth = 0;
	cJSON *v = root;

	while (v) {
		if (TYPE(v) == cJSON_Number)
			set_text(v, numbers_take(numbers));
		if (v->child) {
			parents[depth++] = v;
			v = v->child;
			continue;
		}
		while (!v->next && depth > 0)
			v = parents[--depth];
		v = v->next;
	}
}

static int scan(struct str copy, struct numbers *numbers, struct json_fault *ret_fault)
{
	const struct json_scan_options options = { .unique = true,
		                                   .on_event = on_event,
		                                   .self = numbers };
	int r = json_scan(copy, &options, numbers->arena, ret_fault);

	if (r == -EBADMSG && numbers->too_long)
		ret_fault->what = "number out of range";
	return r;
}

int json_parse(struct str text, struct arena *a, const struct cJSON **ret,
               struct json_fault *ret_fault)
{
	struct numbers numbers = { .arena = a };
	struct str copy = { arena_strndup(a, text), text.n };
	const char *readable = copy.p;
	cJSON *tree;
	int r;

	*ret_fault = (struct json_fault){ 0, "no memory" };
	if (!copy.p)
		return -ENOMEM;
	r = scan(copy, &numbers, ret_fault);
	if (r < 0)
		return r;
	if (numbers.has_long)
		readable = blank_long(&numbers, copy);
	tree = readable ? build(a, (struct str){ readable, copy.n }) : NULL;
	if (!tree) {
		*ret_fault = (struct json_fault){ 0, "no memory" };
		return -ENOMEM;
	}
	return_texts(tree, &numbers);
	*ret = tree;
	return 0;
}

enum json_type json_type(const struct cJSON *v)
{
	switch (TYPE(v)) {
	case cJSON_False:
	case cJSON_True:
		return JSON_TYPE_BOOL;
	case cJSON_Number:
		return JSON_TYPE_NUMBER;
	case cJSON_String:
		return JSON_TYPE_TEXT;
	case cJSON_Array:
		return JSON_TYPE_ARRAY;
	case cJSON_Object:
		return JSON_TYPE_OBJECT;
	default:
		return JSON_TYPE_NULL;
	}
}

bool json_bool(const struct cJSON *v)
{
	return TYPE(v) == cJSON_True;
}

double json_number(const struct cJSON *v)
{
	return TYPE(v) == cJSON_Number ? v->valuedouble : 0;
}

bool json_integer(const struct cJSON *v, int64_t *ret)
{
	long long value;

	/* What has a point or an exponent is no integer to str_to_i64 either. */
	if (TYPE(v) != cJSON_Number || str_to_i64(json_text(v), &value) < 0)
		return false;
	*ret = value;
	return true;
}

struct str json_text(const struct cJSON *v)
{
	if (TYPE(v) == cJSON_Number)
		return (struct str){ v->valuestring, (size_t)v->valueint };
	return TYPE(v) == cJSON_String ? str_of(v->valuestring) : STR("");
}

const struct cJSON *json_first(const struct cJSON *v)
{
	return v->child;
}

const struct cJSON *json_next(const struct cJSON *v)
{
	return v->next;
}

struct str json_name(const struct cJSON *v)
{
	return v->string ? str_of(v->string) : STR("");
}

const struct cJSON *json_member(const struct cJSON *v, const char *name)
{
	return TYPE(v) == cJSON_Object ? cJSON_GetObjectItemCaseSensitive(v, name) : NULL;
}

size_t json_count(const struct cJSON *v)
{
	size_t count = 0;

	for (const cJSON *child = v->child; child; child = child->next)
		count++;
	return count;
}

int json_get_text(const struct cJSON *object, const char *name, struct str *ret, struct errbuf *err)
{
	const struct cJSON *v = json_member(object, name);

	if (!v)
		return errbuf_set(err, -EBADMSG, "member \"%s\" is missing", name);
	if (json_type(v) != JSON_TYPE_TEXT)
		return errbuf_set(err, -EBADMSG, "member \"%s\" must be text", name);
	*ret = json_text(v);
	return 0;
}

int json_get_integer(const struct cJSON *object, const char *name, int64_t *ret, struct errbuf *err)
{
	const struct cJSON *v = json_member(object, name);

	if (!v)
		return errbuf_set(err, -EBADMSG, "member \"%s\" is missing", name);
	if (!json_integer(v, ret))
		return errbuf_set(err, -EBADMSG, "member \"%s\" must be an integer of 64 bits",
		                  name);
	return 0;
}

int json_get_number(const struct cJSON *object, const char *name, double *ret, struct errbuf *err)
{
	const struct cJSON *v = json_member(object, name);

	if (!v)
		return errbuf_set(err, -EBADMSG, "member \"%s\" is missing", name);
	if (json_type(v) != JSON_TYPE_NUMBER)
		return errbuf_set(err, -EBADMSG, "member \"%s\" must be a number", name);
	*ret = json_number(v);
	return 0;
}
