/*
 * The comparisons of a flag, written as one line of text: `<input or feature> <op> <constant, list
 * or input>`. Called by declare_feature.c. The left side's type decides how the right side is read:
 * a bare word beside a number is a number or an input, beside a text an input or a text constant;
 * in quotes it is always a constant.
 */
#include <errno.h>

#include "features/declaring.h"
#include "features/number_text.h"
#include "features/text_trim.h"
#include "features/time_text.h"

struct comparing {
	const struct declaring *d;
	unsigned line;
	struct str text; /* the whole comparison, for messages */
	struct str rest; /* what is not read yet */
	struct declared_comparison *c;
};

static int fail(const struct comparing *p, const char *what)
{
	return declare_fail(p->d, p->line, "comparison \"%.*s\": %s", STR_ARGS(p->text), what);
}

static void skip(struct comparing *p, size_t n)
{
	p->rest = text_trim((struct str){ p->rest.p + n, p->rest.n - n });
}

static bool is_sign(char c)
{
	return c == ' ' || c == '\t' || c == '<' || c == '>' || c == '=' || c == '!';
}

/* Length of a bare name: up to a blank or a comparison sign. */
static size_t bare_length(struct str s)
{
	size_t n = 0;

	while (n < s.n && !is_sign(s.p[n]))
		n++;
	return n;
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'';
}

/* A name, in quotes if it holds blanks or signs. */
static int take_name(struct comparing *p, struct str *ret)
{
	struct str s = p->rest;
	const char *end;

	if (s.n > 0 && is_quote(s.p[0])) {
		end = memchr(s.p + 1, s.p[0], s.n - 1);
		if (!end)
			return fail(p, "a quote is not closed");
		*ret = (struct str){ s.p + 1, (size_t)(end - s.p) - 1 };
		skip(p, ret->n + 2);
		return 0;
	}
	*ret = (struct str){ s.p, bare_length(s) };
	skip(p, ret->n);
	return ret->n > 0 ? 0 : fail(p, "it must begin with a name");
}

static int take_op(struct comparing *p)
{
	/* The longer ones first: "<=" begins with "<". */
	static const enum comparison_op order[] = { COMPARE_LE, COMPARE_GE,    COMPARE_EQ,
		                                    COMPARE_NE, COMPARE_LT,    COMPARE_GT,
		                                    COMPARE_IN, COMPARE_NOT_IN };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		struct str word = str_of(comparison_op_names[order[i]]);

		if (p->rest.n < word.n || memcmp(p->rest.p, word.p, word.n) != 0)
			continue;
		if (word.p[0] >= 'a' && bare_length(p->rest) != word.n && p->rest.p[word.n] != '[')
			continue;
		p->c->op = order[i];
		skip(p, word.n);
		return p->rest.n > 0 ? 0 : fail(p, "the right side is missing");
	}
	return fail(p, "an operator must follow: < <= > >= == != in not_in");
}

static int set_number(const struct comparing *p, struct str s, uint32_t i)
{
	if (number_from_text(s, &p->c->numbers[i]) < 0)
		return declare_fail(
		        p->d, p->line,
		        "comparison \"%.*s\": \"%.*s\" is neither a number nor an input",
		        STR_ARGS(p->text), STR_ARGS(s));
	return 0;
}

static int set_time(const struct comparing *p, struct str s, uint32_t i)
{
	const struct program_input as_datetime = { .type = INPUT_DATETIME,
		                                   .zone_seconds = p->d->d->zone_seconds };
	struct field_fault fault;

	if (time_from_text(&as_datetime, s, &p->c->times[i], &fault) < 0)
		return declare_fail(p->d, p->line,
		                    "comparison \"%.*s\": \"%.*s\" is neither a date nor an input",
		                    STR_ARGS(p->text), STR_ARGS(s));
	return 0;
}

static struct str unquote(struct str s)
{
	if (s.n >= 2 && is_quote(s.p[0]) && s.p[s.n - 1] == s.p[0])
		return (struct str){ s.p + 1, s.n - 2 };
	return s;
}

static int set_constant(const struct comparing *p, struct str s, uint32_t i)
{
	s = unquote(s);
	switch (p->c->left.kind) {
	case OPERAND_TIME:
		return set_time(p, s, i);
	case OPERAND_TEXT:
		p->c->texts[i] = s;
		return s.n > 0 ? 0 : fail(p, "an empty text is missing and never compared");
	default:
		return set_number(p, s, i);
	}
}

static int make_room(const struct comparing *p, uint32_t count)
{
	struct declared_comparison *c = p->c;
	struct arena *a = p->d->a;

	c->count = count;
	if (c->left.kind == OPERAND_TIME)
		c->times = arena_calloc(a, count, sizeof(*c->times));
	else if (c->left.kind == OPERAND_TEXT)
		c->texts = arena_calloc(a, count, sizeof(*c->texts));
	else
		c->numbers = arena_calloc(a, count, sizeof(*c->numbers));
	return c->times || c->texts || c->numbers ? 0 : -ENOMEM;
}

/* Length of the first item of a list: up to a comma outside quotes. */
static size_t item_length(struct str s)
{
	const char *quote = NULL; /* the open one */
	size_t n;

	for (n = 0; n < s.n && (quote || s.p[n] != ','); n++) {
		if (!quote && is_quote(s.p[n]))
			quote = &s.p[n];
		else if (quote && s.p[n] == *quote)
			quote = NULL;
	}
	return n;
}

static uint32_t count_items(struct str s)
{
	uint32_t count = 1;

	for (size_t n = item_length(s); n < s.n; n = item_length(s)) {
		s = (struct str){ s.p + n + 1, s.n - n - 1 };
		count++;
	}
	return count;
}

/* [F4, F5, 'E 7'] */
static int read_list(struct comparing *p)
{
	struct str s = p->rest;
	uint32_t count;
	int r;

	if (s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return fail(p, "in and not_in need a list in brackets");
	s = text_trim((struct str){ s.p + 1, s.n - 2 });
	count = count_items(s);
	if (s.n == 0 || count > PROGRAM_MAX_CONSTANTS)
		return fail(p, "the list is empty or too long");
	r = make_room(p, count);
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		size_t n = item_length(s);
		struct str item = text_trim((struct str){ s.p, n });

		r = item.n > 0 ? set_constant(p, item, i) : fail(p, "an item of the list is empty");
		if (i + 1 < count)
			s = (struct str){ s.p + n + 1, s.n - n - 1 };
	}
	return r;
}

static bool same_type(struct operand a, struct operand b)
{
	return a.kind == b.kind || (declare_is_numeric(a) && declare_is_numeric(b));
}

/* One constant, or an input. */
static int read_right(struct comparing *p)
{
	struct declared_comparison *c = p->c;
	int r;

	if (p->rest.p[0] == '[')
		return fail(p, "a list needs in or not_in");
	if (map_get(&p->d->inputs, p->rest)) {
		r = declare_operand(p->d, p->line, p->rest, &c->right);
		if (r == 0 && !same_type(c->left, c->right))
			return fail(p, "the two sides are of different types");
		return r;
	}
	r = make_room(p, 1);
	return r < 0 ? r : set_constant(p, p->rest, 0);
}

static int check_left(const struct comparing *p)
{
	const struct declared_comparison *c = p->c;

	if (declare_is_code(p->d, c->left))
		return fail(p, "the code of a category is no quantity, compare the input");
	if (c->left.kind == OPERAND_TEXT && c->op <= COMPARE_GE)
		return fail(p, "texts have no order, only == != in not_in");
	return 0;
}

int declare_comparison(const struct declaring *d, const struct yaml_node *n,
                       struct declared_comparison *ret)
{
	struct comparing p = { .d = d, .line = n->line, .text = n->text, .c = ret };
	struct str name = { 0 };
	int r;

	if (n->kind != YAML_SCALAR)
		return declare_fail(d, n->line, "a comparison must be text such as \"x <= 7\"");
	p.rest = text_trim(n->text);
	r = take_name(&p, &name);
	if (r == 0)
		r = declare_operand(d, n->line, name, &ret->left);
	if (r == 0)
		r = take_op(&p);
	if (r == 0)
		r = check_left(&p);
	if (r < 0)
		return r;
	return ret->op >= COMPARE_IN ? read_list(&p) : read_right(&p);
}
