/*
 * One value of one setting: from text into its field, and back. Every source of settings (default,
 * YAML, .env, environment, command line, canonical text) comes through setting_set(), so a range is
 * checked in one place and a message says the same wherever the value stood.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "config/table.h"

static void *field_of(const struct setting_row *row, struct settings *s)
{
	return (char *)s + row->offset;
}

static const void *const_field_of(const struct setting_row *row, const struct settings *s)
{
	return (const char *)s + row->offset;
}

static int check_range(const struct setting_row *row, double v, struct str value,
                       struct errbuf *err)
{
	if (v < row->min)
		return errbuf_set(err, -ERANGE, "%.*s is below %.15g", STR_ARGS(value), row->min);
	if (v > row->max)
		return errbuf_set(err, -ERANGE, "%.*s is above %.15g", STR_ARGS(value), row->max);
	return 0;
}

static int parse_whole(const struct setting_row *row, struct str value, unsigned long long *ret,
                       struct errbuf *err)
{
	int r = str_to_u64(value, ret);

	if (r == -ERANGE)
		return errbuf_set(err, -ERANGE, "%.*s is above %.15g", STR_ARGS(value), row->max);
	if (r < 0)
		return errbuf_set(err, -EINVAL, "\"%.*s\" is no whole number from %.15g to %.15g",
		                  STR_ARGS(value), row->min, row->max);
	return check_range(row, (double)*ret, value, err);
}

/* "64 MiB", "64MiB", "1024". */
static int parse_size(const struct setting_row *row, struct str value, unsigned long long *ret,
                      struct errbuf *err)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	struct str number = value;
	unsigned shift = 0;
	int r;

	for (unsigned i = 0; i < 4; i++) {
		if (value.n > 3 && memcmp(value.p + value.n - 3, units[i], 3) == 0) {
			shift = 10 * (i + 1);
			number = str_trim((struct str){ value.p, value.n - 3 });
		}
	}
	r = parse_whole(row, number, ret, shift ? NULL : err);
	if (shift == 0)
		return r;
	if (r == -EINVAL || (*ret << shift) >> shift != *ret)
		return errbuf_set(err, -EINVAL, "\"%.*s\" is no size in bytes, KiB, MiB or GiB",
		                  STR_ARGS(value));
	*ret <<= shift;
	return check_range(row, (double)*ret, value, err);
}

static int parse_real(const struct setting_row *row, struct str value, double *ret,
                      struct errbuf *err)
{
	char text[64];
	char *end;
	double v;

	if (value.n > 0 && value.n < sizeof(text) && !isspace((unsigned char)value.p[0])) {
		memcpy(text, value.p, value.n);
		text[value.n] = '\0';
		v = strtod(text, &end);
		if (end == text + value.n && isfinite(v)) {
			*ret = v;
			return check_range(row, v, value, err);
		}
	}
	return errbuf_set(err, -EINVAL, "\"%.*s\" is no number from %.15g to %.15g",
	                  STR_ARGS(value), row->min, row->max);
}

static int parse_bool(struct str value, bool *ret, struct errbuf *err)
{
	static const char *const yes[] = { "true", "yes", "on", "1" };
	static const char *const no[] = { "false", "no", "off", "0" };

	for (unsigned i = 0; i < 4; i++) {
		if (str_equal_nocase(value, str_of(yes[i]))) {
			*ret = true;
			return 0;
		}
		if (str_equal_nocase(value, str_of(no[i]))) {
			*ret = false;
			return 0;
		}
	}
	return errbuf_set(err, -EINVAL, "\"%.*s\" is neither true nor false", STR_ARGS(value));
}

static int check_word(const struct setting_row *row, struct str value, struct errbuf *err)
{
	const char *at = row->choices;

	while (*at) {
		size_t n = strcspn(at, "|");

		if (str_equal(value, (struct str){ at, n }))
			return 0;
		at += n + (at[n] == '|');
	}
	return errbuf_set(err, -EINVAL, "\"%.*s\" is none of %s", STR_ARGS(value), row->choices);
}

static int set_text(const struct setting_row *row, struct settings *s, struct str value,
                    struct errbuf *err)
{
	char *copy;
	int r;

	for (size_t i = 0; i < value.n; i++) {
		if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
			return errbuf_set(err, -EINVAL, "the value has a control character");
	}
	if (row->kind == SETTING_WORD) {
		r = check_word(row, value, err);
		if (r < 0)
			return r;
	}
	copy = arena_strndup(&s->arena, value);
	if (!copy)
		return errbuf_set(err, -ENOMEM, "out of memory");
	*(const char **)field_of(row, s) = copy;
	return 0;
}

int setting_set(const struct setting_row *row, struct settings *s, struct str value,
                struct errbuf *err)
{
	unsigned long long whole = 0;
	double real = 0;
	bool flag = false;
	int r;

	switch (row->kind) {
	case SETTING_UINT:
		r = parse_whole(row, value, &whole, err);
		if (r == 0)
			*(uint32_t *)field_of(row, s) = (uint32_t)whole;
		return r;
	case SETTING_SIZE:
		r = parse_size(row, value, &whole, err);
		if (r == 0)
			*(uint64_t *)field_of(row, s) = whole;
		return r;
	case SETTING_REAL:
		r = parse_real(row, value, &real, err);
		if (r == 0)
			*(double *)field_of(row, s) = real;
		return r;
	case SETTING_BOOL:
		r = parse_bool(value, &flag, err);
		if (r == 0)
			*(bool *)field_of(row, s) = flag;
		return r;
	case SETTING_TEXT:
	case SETTING_WORD:
		break;
	}
	return set_text(row, s, value, err);
}

void setting_print(const struct setting_row *row, const struct settings *s, struct strbuf *out)
{
	const void *field = const_field_of(row, s);

	switch (row->kind) {
	case SETTING_UINT:
		strbuf_addf(out, "%u", *(const uint32_t *)field);
		break;
	case SETTING_SIZE:
		strbuf_addf(out, "%llu", (unsigned long long)*(const uint64_t *)field);
		break;
	case SETTING_REAL:
		strbuf_addf(out, "%.15g", *(const double *)field);
		break;
	case SETTING_BOOL:
		strbuf_adds(out, *(const bool *)field ? "true" : "false");
		break;
	case SETTING_TEXT:
	case SETTING_WORD:
		strbuf_adds(out, *(const char *const *)field);
		break;
	}
}

const struct setting_row *setting_find(struct str key)
{
	for (size_t i = 0; i < settings_table_count; i++) {
		if (str_is(key, settings_table[i].key))
			return &settings_table[i];
	}
	return NULL;
}

void setting_environment(const struct setting_row *row, char ret[SETTING_ENVIRONMENT_SIZE])
{
	const char *from = row->key;
	size_t i;

	for (i = 0; from[i] && i + 1 < SETTING_ENVIRONMENT_SIZE; i++)
		ret[i] = (char)(from[i] == '.' ? '_' : toupper((unsigned char)from[i]));
	ret[i] = '\0';
}
