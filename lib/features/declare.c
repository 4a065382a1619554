/*
 * features.yaml to a declaration: the file as a whole, and the scalars and names that its parts
 * share. Inputs are read in declare_input.c, features in declare_feature.c, comparisons in
 * declare_comparison.c. Called by the compiler of a bundle and by training.
 *
 * Invariant: a declaration that comes out has no name twice, no reference but to an input or an
 * earlier feature, operands of the right types, and one key and one time. What is wrong is said
 * with file, line and the name of the input or feature.
 */
#include "features/declare.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "features/declaring.h"
#include "features/number_text.h"
#include "features/text_trim.h"

int declare_fail(const struct declaring *d, unsigned line, const char *format, ...)
{
	char words[sizeof(d->err->text)];
	va_list ap;

	va_start(ap, format);
	vsnprintf(words, sizeof(words), format, ap);
	va_end(ap);
	if (!d->kind)
		return errbuf_set(d->err, -EINVAL, "%s:%u: %s", d->file, line, words);
	return errbuf_set(d->err, -EINVAL, "%s:%u: %s \"%.*s\": %s", d->file, line, d->kind,
	                  STR_ARGS(d->name), words);
}

int declare_text(const struct declaring *d, const struct yaml_node *n, struct str *ret)
{
	if (n->kind != YAML_SCALAR)
		return declare_fail(d, n->line, "\"%.*s\" must be one value", STR_ARGS(n->key));
	*ret = n->text;
	return 0;
}

int declare_bool(const struct declaring *d, const struct yaml_node *n, bool *ret)
{
	if (n->kind != YAML_SCALAR || n->quoted ||
	    (!str_is(n->text, "true") && !str_is(n->text, "false")))
		return declare_fail(d, n->line, "\"%.*s\" must be true or false", STR_ARGS(n->key));
	*ret = str_is(n->text, "true");
	return 0;
}

int declare_number(const struct declaring *d, const struct yaml_node *n, double *ret)
{
	if (n->kind != YAML_SCALAR || n->quoted || number_from_text(n->text, ret) < 0)
		return declare_fail(d, n->line, "\"%.*s\" must be a number",
		                    STR_ARGS(n->kind == YAML_SCALAR ? n->text : n->key));
	return 0;
}

int declare_numbers(const struct declaring *d, const struct yaml_node *n, double **ret,
                    uint32_t *ret_count)
{
	double *numbers;
	uint32_t count = 0;
	int r;

	if (n->kind != YAML_SEQUENCE || n->count == 0 || n->count > PROGRAM_MAX_CONSTANTS)
		return declare_fail(d, n->line, "\"%.*s\" must be a list of 1 to %d numbers",
		                    STR_ARGS(n->key), PROGRAM_MAX_CONSTANTS);
	numbers = arena_calloc(d->a, n->count, sizeof(*numbers));
	if (!numbers)
		return -ENOMEM;
	for (const struct yaml_node *i = n->first; i; i = i->next) {
		r = declare_number(d, i, &numbers[count++]);
		if (r < 0)
			return r;
	}
	*ret = numbers;
	*ret_count = count;
	return 0;
}

int declare_word(const struct declaring *d, const struct yaml_node *n, const char *const *words,
                 size_t count, const char *what)
{
	char list[160] = "";
	size_t used = 0;
	int i = n->kind == YAML_SCALAR ? operators_find(words, count, n->text) : -1;

	if (i >= 0)
		return i;
	for (size_t k = 0; k < count && used < sizeof(list); k++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", k ? ", " : "",
		                         words[k]);
	return declare_fail(d, n->line, "unknown %s \"%.*s\" (known: %s)", what, STR_ARGS(n->text),
	                    list);
}

/* Whether the word stands in a list of words between blanks. */
static bool is_listed(const char *list, struct str word)
{
	while (*list) {
		size_t n = strcspn(list, " ");

		if (str_equal(word, (struct str){ list, n }))
			return true;
		list += n;
		list += strspn(list, " ");
	}
	return false;
}

int declare_members(const struct declaring *d, const struct yaml_node *mapping, const char *allowed)
{
	for (const struct yaml_node *m = mapping->first; m; m = m->next) {
		if (!is_listed(allowed, m->key))
			return declare_fail(d, m->line, "unknown member \"%.*s\" (known: %s)",
			                    STR_ARGS(m->key), allowed);
	}
	return 0;
}

/* Printable and without quotes, so that every name can stand in a comparison and a message. */
static bool is_name(struct str s)
{
	if (s.n == 0 || s.n > PROGRAM_MAX_NAME || !str_is_utf8(s) || text_trim(s).n != s.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < ' ' || c == 0x7F || c == '"' || c == '\'')
			return false;
	}
	return true;
}

int declare_name(struct declaring *d, const struct yaml_node *mapping, const char *kind)
{
	const struct yaml_node *n;

	d->kind = NULL;
	if (mapping->kind != YAML_MAPPING)
		return declare_fail(d, mapping->line, "an %s must be a mapping with a name", kind);
	n = yaml_get(mapping, "name");
	if (!n || n->kind != YAML_SCALAR)
		return declare_fail(d, mapping->line, "%s without a name", kind);
	if (!is_name(n->text))
		return declare_fail(d, n->line,
		                    "\"%.*s\" is no name: 1 to %d printable bytes without quotes",
		                    STR_ARGS(n->text), PROGRAM_MAX_NAME);
	d->kind = kind;
	d->name = n->text;
	return 0;
}

static struct operand operand_of_input(const struct declaring *d, const struct program_input *in)
{
	static const enum operand_kind kinds[INPUT_TYPE_MAX] = {
		[INPUT_INTEGER] = OPERAND_INTEGER, [INPUT_NUMBER] = OPERAND_NUMBER,
		[INPUT_CATEGORY] = OPERAND_TEXT,   [INPUT_DATETIME] = OPERAND_TIME,
		[INPUT_DATE] = OPERAND_TIME,       [INPUT_TEXT] = OPERAND_TEXT,
	};

	return (struct operand){ kinds[in->type], (uint32_t)(in - d->d->inputs) };
}

int declare_operand(const struct declaring *d, unsigned line, struct str name, struct operand *ret)
{
	const struct program_input *in = map_get(&d->inputs, name);
	const struct declared_feature *f = map_get(&d->features, name);

	if (in) {
		*ret = operand_of_input(d, in);
		return 0;
	}
	if (f) {
		*ret = (struct operand){ OPERAND_FEATURE, (uint32_t)(f - d->d->features) };
		return 0;
	}
	if (map_get(&d->later, name))
		return declare_fail(d, line, "feature \"%.*s\" is not declared before this one",
		                    STR_ARGS(name));
	return declare_fail(d, line, "there is no input or feature \"%.*s\"", STR_ARGS(name));
}

bool declare_is_code(const struct declaring *d, struct operand o)
{
	return o.kind == OPERAND_FEATURE && d->d->features[o.index].op == OP_CATEGORY;
}

bool declare_is_numeric(struct operand o)
{
	return o.kind == OPERAND_INTEGER || o.kind == OPERAND_NUMBER || o.kind == OPERAND_FEATURE;
}

bool declared_needs_levels(const struct declared_feature *f)
{
	return f->op == OP_CATEGORY;
}

bool declared_needs_values(const struct declared_feature *f)
{
	return f->op == OP_NUMBER && (f->median || f->clip == CLIP_IQR);
}

/* "+09:00" in seconds; false if the text is not of that form. */
static bool offset_of_text(struct str s, int32_t *ret)
{
	int32_t hour, minute;

	if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':')
		return false;
	for (size_t i = 1; i < s.n; i++) {
		if (i != 3 && (s.p[i] < '0' || s.p[i] > '9'))
			return false;
	}
	hour = (s.p[1] - '0') * 10 + (s.p[2] - '0');
	minute = (s.p[4] - '0') * 10 + (s.p[5] - '0');
	if (hour > 14 || minute > 59)
		return false;
	*ret = (hour * 3600 + minute * 60) * (s.p[0] == '-' ? -1 : 1);
	return true;
}

/* "UTC", "Z", "+09:00". Names such as Asia/Seoul are refused: docs/features.md says why. */
static int declare_zone(struct declaring *d, const struct yaml_node *n)
{
	struct str s = { 0 };
	int r = declare_text(d, n, &s);

	if (r < 0)
		return r;
	if (str_is(s, "UTC") || str_is(s, "Z") || offset_of_text(s, &d->d->zone_seconds))
		return 0;
	return declare_fail(d, n->line,
	                    "timezone \"%.*s\" must be UTC or an offset such as +09:00 (the rules "
	                    "of a named zone differ between hosts)",
	                    STR_ARGS(s));
}

static int check_version(struct declaring *d, const struct yaml_node *root)
{
	const struct yaml_node *n = yaml_get(root, "version");

	if (!n)
		return declare_fail(d, root->line, "\"version\" is missing");
	if (n->kind != YAML_SCALAR || !str_is(n->text, "1"))
		return declare_fail(d, n->line, "version \"%.*s\" is not known, only 1",
		                    STR_ARGS(n->text));
	return 0;
}

static int declare_list(struct declaring *d, const struct yaml_node *root, const char *name,
                        size_t limit, const struct yaml_node **ret)
{
	const struct yaml_node *n = yaml_get(root, name);

	d->kind = NULL;
	if (!n)
		return declare_fail(d, root->line, "\"%s\" is missing", name);
	if (n->kind != YAML_SEQUENCE || n->count == 0 || n->count > limit)
		return declare_fail(d, n->line, "\"%s\" must be a list of 1 to %zu", name, limit);
	*ret = n;
	return 0;
}

static int declare_root(struct declaring *d, const struct yaml_node *root)
{
	const struct yaml_node *zone, *inputs = NULL, *features = NULL;
	int r;

	if (root->kind != YAML_MAPPING)
		return declare_fail(d, root->line, "a feature program must be a mapping");
	r = declare_members(d, root, "version timezone inputs features");
	if (r == 0)
		r = check_version(d, root);
	zone = yaml_get(root, "timezone");
	if (r == 0 && zone)
		r = declare_zone(d, zone);
	if (r == 0)
		r = declare_list(d, root, "inputs", PROGRAM_MAX_INPUTS, &inputs);
	if (r == 0)
		r = declare_inputs(d, inputs);
	if (r == 0)
		r = declare_list(d, root, "features", PROGRAM_MAX_FEATURES, &features);
	if (r == 0)
		r = declare_features(d, features);
	return r;
}

int program_declare(struct str yaml, const char *file, struct arena *a, struct declaration **ret,
                    struct errbuf *err)
{
	struct declaring d = { .file = file, .a = a, .err = err };
	struct yaml_node *root = NULL;
	int r;

	d.d = arena_calloc(a, 1, sizeof(*d.d));
	if (!d.d)
		return errbuf_set(err, -ENOMEM, "out of memory");
	r = yaml_parse(yaml, file, a, &root, err);
	if (r < 0)
		return r;
	r = declare_root(&d, root);
	if (r == -ENOMEM)
		return errbuf_set(err, r, "out of memory");
	if (r < 0)
		return r;
	*ret = d.d;
	return 0;
}
