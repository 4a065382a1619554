/*
 * Login forms carry passwords, so nothing is guessed: a name that comes twice, a '%' without two
 * hex digits, a NUL or bytes that are no UTF-8 refuse the whole body instead of picking a reading.
 * Used by the route of /auth/login.
 */
#include "http/form.h"

#include <errno.h>
#include <string.h>

#include "http/uri.h"

bool form_is_type(struct str content_type)
{
	const char *semicolon = content_type.n ? memchr(content_type.p, ';', content_type.n) : NULL;

	if (semicolon)
		content_type.n = (size_t)(semicolon - content_type.p);
	return str_equal_nocase(str_trim(content_type), STR("application/x-www-form-urlencoded"));
}

static size_t count_pieces(struct str body)
{
	struct str name, value;
	size_t n = 0;

	while (uri_next_parameter(&body, &name, &value))
		n++;
	return n;
}

static int decode_text(struct str raw, struct arena *a, struct str *ret)
{
	struct str text;
	int r = uri_decode(raw, true, a, &text);

	if (r < 0)
		return r;
	if (!str_is_utf8(text))
		return -EINVAL;
	*ret = text;
	return 0;
}

struct str form_get(const struct form *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++) {
		if (str_is(f->fields[i].name, name))
			return f->fields[i].value;
	}
	return (struct str){ NULL, 0 };
}

static bool has_name(const struct form *f, struct str name)
{
	for (size_t i = 0; i < f->count; i++) {
		if (str_equal(f->fields[i].name, name))
			return true;
	}
	return false;
}

static int add_field(struct form *f, struct str name, struct str value, struct arena *a)
{
	struct form_field field;
	int r = decode_text(name, a, &field.name);

	if (r < 0)
		return r;
	r = decode_text(value, a, &field.value);
	if (r < 0)
		return r;
	if (has_name(f, field.name))
		return -EEXIST;
	f->fields[f->count++] = field;
	return 0;
}

int form_parse(struct str body, struct arena *a, struct form *ret, struct str *ret_bad)
{
	size_t n = count_pieces(body);
	struct str name, value;
	struct form f = { 0 };
	int r;

	if (n > FORM_FIELDS_MAX)
		return -E2BIG;
	f.fields = arena_calloc(a, n ? n : 1, sizeof(*f.fields));
	if (!f.fields)
		return -ENOMEM;
	while (uri_next_parameter(&body, &name, &value)) {
		r = add_field(&f, name, value, a);
		if (r < 0) {
			if (ret_bad)
				*ret_bad = name;
			return r;
		}
	}
	*ret = f;
	return 0;
}
