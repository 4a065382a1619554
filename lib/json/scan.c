/*
 * The grammar half of RFC 8259: what may follow what. Two questions alternate, "read a value" and
 * "what comes after it"; open containers are frames on a stack of our own, so that input cannot
 * choose how deep the C stack grows. Up to 32 containers, and names without escapes in objects of
 * up to 32 members, need no memory at all.
 *
 * Invariant: between two steps p is behind the last token that was reported. Called by value.c for
 * requests and answers, by the forest's reader for models, and by the token check for headers.
 */
#include "json/scan.h"

#include <errno.h>
#include <stdint.h>

#include "json/names.h"
#include "json/token.h"

/* What a step returns beside 0 (the value is complete) and a negative error. */
#define VALUE_EXPECTED 1

struct frame {
	bool object;
	struct names_scope names;
};

struct scanner {
	const char *p, *end;
	const struct json_scan_options *options;
	struct arena *arena;
	struct frame *frames;
	size_t depth, room, max_depth;
	struct token_fault fault;
	struct names names;
	struct frame on_stack[JSON_DEPTH];
};

static int fault(struct scanner *s, const char *at, const char *what)
{
	s->fault = (struct token_fault){ at, what };
	return -EBADMSG;
}

static int report(const struct scanner *s, enum json_event event, struct str text)
{
	int r = s->options->on_event ? s->options->on_event(s->options->self, event, text) : 0;

	return r < 0 ? r : 0;
}

/* False at the end of the input. */
static bool skip_space(struct scanner *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
		s->p++;
	return s->p < s->end;
}

static int decode(const struct scanner *s, struct str *text)
{
	char *decoded = arena_alloc(s->arena, text->n);

	if (!decoded)
		return -ENOMEM;
	*text = (struct str){ decoded, token_decode(*text, decoded) };
	return 0;
}

/* A string without escapes is borrowed from the input. */
static int scan_text(struct scanner *s, struct str *ret)
{
	const char *first = s->p + 1;
	bool escaped;
	const char *quote = token_string(first, s->end, &escaped, &s->fault);

	if (!quote)
		return -EBADMSG;
	*ret = (struct str){ first, (size_t)(quote - first) };
	s->p = quote + 1;
	return escaped ? decode(s, ret) : 0;
}

static int scan_string(struct scanner *s)
{
	struct str text;
	int r = scan_text(s, &text);

	return r < 0 ? r : report(s, JSON_STRING, text);
}

static int scan_number(struct scanner *s)
{
	const char *first = s->p;
	const char *behind = token_number(first, s->end, &s->fault);

	if (!behind)
		return -EBADMSG;
	s->p = behind;
	return report(s, JSON_NUMBER, (struct str){ first, (size_t)(behind - first) });
}

static int scan_word(struct scanner *s, struct str word, enum json_event event)
{
	const char *behind = token_word(s->p, s->end, word, &s->fault);

	if (!behind)
		return -EBADMSG;
	s->p = behind;
	return report(s, event, word);
}

static int scan_minus(struct scanner *s)
{
	if (s->options->nonfinite && s->end - s->p > 1 && s->p[1] == 'I')
		return scan_word(s, STR("-Infinity"), JSON_NUMBER);
	return scan_number(s);
}

static int scan_nonfinite(struct scanner *s)
{
	if (!s->options->nonfinite)
		return fault(s, s->p, "expected value");
	return scan_word(s, *s->p == 'N' ? STR("NaN") : STR("Infinity"), JSON_NUMBER);
}

static int add_name(struct scanner *s, struct str name, const char *at)
{
	int r;

	if (!s->options->unique)
		return 0;
	r = names_add(&s->names, &s->frames[s->depth - 1].names, name);
	return r == -EEXIST ? fault(s, at, "duplicate key") : r;
}

/* A name and its colon; then a value has to come. */
static int scan_key(struct scanner *s)
{
	const char *at = s->p;
	struct str name;
	int r;

	if (*at != '"')
		return fault(s, at, *at == '}' ? "trailing comma" : "key must be a string");
	r = scan_text(s, &name);
	if (r == 0)
		r = add_name(s, name, at);
	if (r == 0)
		r = report(s, JSON_KEY, name);
	if (r < 0)
		return r;
	if (!skip_space(s))
		return fault(s, s->p, "EOF while parsing an object");
	if (*s->p != ':')
		return fault(s, s->p, "expected `:`");
	s->p++;
	return VALUE_EXPECTED;
}

static int grow_frames(struct scanner *s)
{
	struct frame *frames;

	if (s->depth < s->room)
		return 0;
	frames = arena_calloc(s->arena, s->room * 2, sizeof(*frames));
	if (!frames)
		return -ENOMEM;
	memcpy(frames, s->frames, s->depth * sizeof(*frames));
	s->frames = frames;
	s->room *= 2;
	return 0;
}

static int push(struct scanner *s, bool object)
{
	int r;

	if (s->depth >= s->max_depth)
		return fault(s, s->p, "recursion limit exceeded");
	r = grow_frames(s);
	if (r < 0)
		return r;
	s->frames[s->depth].object = object;
	names_open(&s->names, &s->frames[s->depth].names);
	s->depth++;
	return report(s, object ? JSON_OBJECT_BEGIN : JSON_ARRAY_BEGIN, (struct str){ s->p, 1 });
}

/* p is at the closing bracket. */
static int pop(struct scanner *s)
{
	bool object = s->frames[--s->depth].object;

	names_close(&s->names, &s->frames[s->depth].names);
	s->p++;
	return report(s, object ? JSON_OBJECT_END : JSON_ARRAY_END, (struct str){ s->p - 1, 1 });
}

static int scan_object(struct scanner *s)
{
	int r = push(s, true);

	if (r < 0)
		return r;
	s->p++;
	if (!skip_space(s))
		return fault(s, s->p, "EOF while parsing an object");
	return *s->p == '}' ? pop(s) : scan_key(s);
}

static int scan_array(struct scanner *s)
{
	int r = push(s, false);

	if (r < 0)
		return r;
	s->p++;
	if (!skip_space(s))
		return fault(s, s->p, "EOF while parsing a list");
	return *s->p == ']' ? pop(s) : VALUE_EXPECTED;
}

static int scan_value(struct scanner *s)
{
	if (!skip_space(s))
		return fault(s, s->p, "EOF while parsing a value");
	switch (*s->p) {
	case '{':
		return scan_object(s);
	case '[':
		return scan_array(s);
	case '"':
		return scan_string(s);
	case 't':
		return scan_word(s, STR("true"), JSON_TRUE);
	case 'f':
		return scan_word(s, STR("false"), JSON_FALSE);
	case 'n':
		return scan_word(s, STR("null"), JSON_NULL);
	case '-':
		return scan_minus(s);
	case 'N':
	case 'I':
		return scan_nonfinite(s);
	default:
		if (*s->p >= '0' && *s->p <= '9')
			return scan_number(s);
		return fault(s, s->p, "expected value");
	}
}

/* p is behind a comma. */
static int scan_next(struct scanner *s, bool object)
{
	if (!skip_space(s))
		return fault(s, s->p,
		             object ? "EOF while parsing an object" : "EOF while parsing a list");
	if (object)
		return scan_key(s);
	return *s->p == ']' ? fault(s, s->p, "trailing comma") : VALUE_EXPECTED;
}

/* A value is complete: closes what ends with it. */
static int scan_after(struct scanner *s)
{
	int r = 0;

	while (r == 0 && s->depth > 0) {
		bool object = s->frames[s->depth - 1].object;

		if (!skip_space(s))
			return fault(s, s->p,
			             object ? "EOF while parsing an object"
			                    : "EOF while parsing a list");
		if (*s->p == ',') {
			s->p++;
			return scan_next(s, object);
		}
		if (*s->p != (object ? '}' : ']'))
			return fault(s, s->p,
			             object ? "expected `,` or `}`" : "expected `,` or `]`");
		r = pop(s);
	}
	return r;
}

static int scan_document(struct scanner *s)
{
	int r;

	do {
		r = scan_value(s);
		if (r == 0)
			r = scan_after(s);
	} while (r == VALUE_EXPECTED);
	if (r == 0 && skip_space(s))
		return fault(s, s->p, "trailing characters");
	return r;
}

int json_scan(struct str text, const struct json_scan_options *options, struct arena *a,
              struct json_fault *ret_fault)
{
	struct scanner s;
	int r;

	/* Not initialised as a whole: the stacks in it are large beside a small document. */
	if (text.n == 0)
		text = STR("");
	s.p = text.p;
	s.end = text.p + text.n;
	s.options = options;
	s.arena = a;
	s.frames = s.on_stack;
	s.depth = 0;
	s.room = JSON_DEPTH;
	s.max_depth = options->max_depth ? options->max_depth : JSON_DEPTH;
	s.fault.what = NULL;
	names_init(&s.names, a);
	r = scan_document(&s);
	if (r < 0 && !s.fault.what)
		fault(&s, s.p, r == -ENOMEM ? "no memory" : "not taken by its reader");
	if (r < 0)
		*ret_fault = (struct json_fault){ (size_t)(s.fault.at - text.p), s.fault.what };
	return r;
}
