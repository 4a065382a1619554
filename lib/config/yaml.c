/*
 * From libyaml's events to a tree. The events are taken one by one with a stack of our own, because
 * libyaml's document loader resolves aliases (a few lines then unfold into gigabytes) and forgets
 * what a message needs. Every limit is checked at the event that would pass it.
 *
 * All nodes and texts lie in the caller's arena; the names seen in each mapping, for the check that
 * none comes twice, in a scratch arena of this call. Called at start, on reload and by tools.
 */
#include "config/yaml.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/map.h"

#define DEPTH_MAX 16
#define NODES_MAX 100000

/* A container that is still open. */
struct frame {
	struct yaml_node *node;
	struct yaml_node *last;
	struct map names;
	struct str key; /* waits for its value */
	unsigned key_line;
	bool has_key;
};

struct builder {
	const char *file;
	struct str text;
	struct arena *arena;
	struct arena scratch;
	struct errbuf *err;
	struct yaml_node *root;
	struct frame frames[DEPTH_MAX];
	unsigned depth;
	unsigned nodes;
	unsigned documents;
};

/* Returns r, in the view of the compiler too: see errbuf_set(). */
#define fault(b, r, line, ...) errbuf_return((r), (say((b), (line), __VA_ARGS__), 0))

__attribute__((format(printf, 3, 4))) static void say(struct builder *b, unsigned line,
                                                      const char *format, ...)
{
	/* Long enough for errbuf_set() to do the cutting, which keeps characters whole. */
	char text[sizeof(b->err->text) + 8];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	errbuf_write(b->err, "%s:%u: %s", b->file, line, text);
}

static unsigned line_of(const yaml_event_t *event)
{
	return (unsigned)event->start_mark.line + 1;
}

/* libyaml says only how many bytes it had read when it met bytes that are no text. */
static unsigned line_at(struct str text, size_t offset)
{
	unsigned line = 1;

	for (size_t i = 0; i < offset && i < text.n; i++)
		line += text.p[i] == '\n';
	return line;
}

/* The mark counts characters, so the line is found by its number and the column by its bytes; where
 * something else than ASCII stands before it the hint is merely not given. */
static bool is_tab_at(struct str text, const yaml_mark_t *mark)
{
	const char *p = text.p, *end = text.p + text.n;

	for (size_t i = 0; i < mark->line && p; i++) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	return p && (size_t)(end - p) > mark->column && p[mark->column] == '\t';
}

static int parser_fault(struct builder *b, const yaml_parser_t *parser)
{
	const char *problem = parser->problem ? parser->problem : "it is no YAML";
	unsigned line = (unsigned)parser->problem_mark.line + 1;

	switch (parser->error) {
	case YAML_MEMORY_ERROR:
		return fault(b, -ENOMEM, line, "out of memory");
	case YAML_READER_ERROR:
		return fault(b, -EBADMSG, line_at(b->text, parser->problem_offset), "%s", problem);
	default:
		if (is_tab_at(b->text, &parser->problem_mark))
			problem = "a tab cannot indent";
		if (!parser->context)
			return fault(b, -EBADMSG, line, "%s", problem);
		return fault(b, -EBADMSG, line, "%s %s", problem, parser->context);
	}
}

static int new_node(struct builder *b, unsigned line, enum yaml_kind kind, struct yaml_node **ret)
{
	struct yaml_node *node;

	if (b->nodes == NODES_MAX)
		return fault(b, -E2BIG, line, "more than %d nodes", NODES_MAX);
	node = arena_calloc(b->arena, 1, sizeof(*node));
	if (!node)
		return fault(b, -ENOMEM, line, "out of memory");
	b->nodes++;
	node->kind = kind;
	node->line = line;
	*ret = node;
	return 0;
}

/* Puts the node into the innermost open container, under the name that waits there. */
static void attach(struct builder *b, struct yaml_node *node)
{
	struct frame *f;

	if (b->depth == 0) {
		b->root = node;
		return;
	}
	f = &b->frames[b->depth - 1];
	if (f->has_key) {
		node->key = f->key;
		node->line = f->key_line;
		f->has_key = false;
	}
	if (f->last)
		f->last->next = node;
	else
		f->node->first = node;
	f->last = node;
	f->node->count++;
}

static bool expects_key(const struct builder *b)
{
	const struct frame *f = b->depth ? &b->frames[b->depth - 1] : NULL;

	return f && f->node->kind == YAML_MAPPING && !f->has_key;
}

static int take_key(struct builder *b, struct str key, unsigned line)
{
	struct frame *f = &b->frames[b->depth - 1];
	int r;

	if (key.n == 0)
		return fault(b, -EBADMSG, line, "a key is empty");
	r = map_add(&f->names, &b->scratch, key, f);
	if (r == -EEXIST)
		return fault(b, -EBADMSG, line, "key \"%.*s\" is repeated", STR_ARGS(key));
	if (r < 0)
		return fault(b, r, line, "out of memory");
	f->key = key;
	f->key_line = line;
	f->has_key = true;
	return 0;
}

static int refuse_extras(struct builder *b, const yaml_char_t *anchor, const yaml_char_t *tag,
                         unsigned line)
{
	if (anchor)
		return fault(b, -EBADMSG, line, "anchor \"&%s\": anchors are not allowed",
		             (const char *)anchor);
	if (tag)
		return fault(b, -EBADMSG, line, "tag \"%s\": tags are not allowed",
		             (const char *)tag);
	return 0;
}

static int on_scalar(struct builder *b, const yaml_event_t *event)
{
	struct str text = { (const char *)event->data.scalar.value, event->data.scalar.length };
	unsigned line = line_of(event);
	struct yaml_node *node;
	char *copy;
	int r;

	r = refuse_extras(b, event->data.scalar.anchor, event->data.scalar.tag, line);
	if (r < 0)
		return r;
	if (memchr(text.p, '\0', text.n))
		return fault(b, -EBADMSG, line, "a text contains a NUL");
	copy = arena_strndup(b->arena, text);
	if (!copy)
		return fault(b, -ENOMEM, line, "out of memory");
	text.p = copy;
	if (expects_key(b))
		return take_key(b, text, line);
	r = new_node(b, line, YAML_SCALAR, &node);
	if (r < 0)
		return r;
	node->text = text;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	attach(b, node);
	return 0;
}

static int on_begin(struct builder *b, enum yaml_kind kind, unsigned line)
{
	struct yaml_node *node;
	int r;

	if (expects_key(b))
		return fault(b, -EBADMSG, line, "a key must be a plain text");
	if (b->depth == DEPTH_MAX)
		return fault(b, -E2BIG, line, "nested deeper than %d levels", DEPTH_MAX);
	r = new_node(b, line, kind, &node);
	if (r < 0)
		return r;
	attach(b, node);
	b->frames[b->depth++] = (struct frame){ .node = node };
	return 0;
}

static int on_event(struct builder *b, const yaml_event_t *event)
{
	unsigned line = line_of(event);
	int r;

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++)
			return fault(b, -EBADMSG, line, "more than one document");
		return 0;
	case YAML_ALIAS_EVENT:
		return fault(b, -EBADMSG, line, "alias \"*%s\": aliases are not allowed",
		             (const char *)event->data.alias.anchor);
	case YAML_SCALAR_EVENT:
		return on_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		r = refuse_extras(b, event->data.sequence_start.anchor,
		                  event->data.sequence_start.tag, line);
		return r < 0 ? r : on_begin(b, YAML_SEQUENCE, line);
	case YAML_MAPPING_START_EVENT:
		r = refuse_extras(b, event->data.mapping_start.anchor,
		                  event->data.mapping_start.tag, line);
		return r < 0 ? r : on_begin(b, YAML_MAPPING, line);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		assert(b->depth > 0); /* libyaml's events are balanced */
		b->depth--;
		return 0;
	default:
		return 0;
	}
}

static int build(struct builder *b)
{
	CLEANUP(yaml_parser_delete) yaml_parser_t parser = { 0 };
	bool more = true;
	int r = 0;

	if (!yaml_parser_initialize(&parser))
		return fault(b, -ENOMEM, 1, "out of memory");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)b->text.p, b->text.n);
	while (more && r == 0) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event))
			return parser_fault(b, &parser);
		more = event.type != YAML_STREAM_END_EVENT;
		r = on_event(b, &event);
		yaml_event_delete(&event);
	}
	return r;
}

/* A file of nothing but comments says nothing, as an empty mapping does. */
static int replace_nothing(struct builder *b)
{
	struct yaml_node *root = b->root;

	if (root && (root->kind != YAML_SCALAR || root->quoted || root->text.n))
		return 0;
	return new_node(b, 1, YAML_MAPPING, &b->root);
}

int yaml_parse(struct str text, const char *file, struct arena *a, struct yaml_node **ret,
               struct errbuf *err)
{
	struct builder b = { .file = file, .text = text, .arena = a, .err = err };
	int r;

	if (!text.p)
		b.text = STR("");
	r = build(&b);
	if (r == 0)
		r = replace_nothing(&b);
	arena_done(&b.scratch);
	if (r == 0)
		*ret = b.root;
	return r;
}

const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
	if (mapping->kind != YAML_MAPPING)
		return NULL;
	for (const struct yaml_node *n = mapping->first; n; n = n->next) {
		if (str_is(n->key, key))
			return n;
	}
	return NULL;
}
