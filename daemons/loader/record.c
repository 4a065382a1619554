/*
 * The record beside the kept copy of a model: what it is, which generation it was, and what proves
 * that a version in the registry is the same one. It is ours, but it lies on a disk, so it is read
 * like anything else: every line known, once, and of its form. Used by kept.c and keep.c.
 */
#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "config/settings.h"

enum kind { TEXT, NUMBER, SMALL, DIGEST };

static const struct row {
	const char *key;
	enum kind kind;
	size_t offset;
} rows[] = {
	{ "name", TEXT, offsetof(struct record, name) },
	{ "version", TEXT, offsetof(struct record, version) },
	{ "registry_version", TEXT, offsetof(struct record, registry_version) },
	{ "recipe", TEXT, offsetof(struct record, recipe) },
	{ "generation", NUMBER, offsetof(struct record, generation) },
	{ "stamp", NUMBER, offsetof(struct record, stamp) },
	{ "size", NUMBER, offsetof(struct record, size) },
	{ "verified", SMALL, offsetof(struct record, verified) },
	{ "digest", DIGEST, offsetof(struct record, digest) },
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

int record_write(const struct record *r, struct strbuf *out)
{
	char hex[2 * BUNDLE_SHA256_SIZE + 1];

	for (size_t i = 0; i < ROW_COUNT; i++) {
		const void *field = (const char *)r + rows[i].offset;

		strbuf_addf(out, "%s=", rows[i].key);
		switch (rows[i].kind) {
		case TEXT:
			strbuf_adds(out, field);
			break;
		case NUMBER:
			strbuf_addf(out, "%" PRIu64, *(const uint64_t *)field);
			break;
		case SMALL:
			strbuf_addf(out, "%" PRIu32, *(const uint32_t *)field);
			break;
		case DIGEST:
			hex_encode(field, BUNDLE_SHA256_SIZE, hex);
			strbuf_adds(out, hex);
			break;
		}
		strbuf_addc(out, '\n');
	}
	return strbuf_error(out);
}

static int read_text(struct str value, char *ret)
{
	memcpy(ret, value.p, value.n < MESSAGE_NAME ? value.n : 0);
	return value.n < MESSAGE_NAME && message_text(ret, MESSAGE_NAME) ? 0 : -EBADMSG;
}

static int read_value(enum kind kind, struct str value, void *field)
{
	unsigned long long number = 0;

	if (kind == TEXT)
		return read_text(value, field);
	if (kind == DIGEST)
		return hex_decode(value, field, BUNDLE_SHA256_SIZE);
	if (str_to_u64(value, &number) < 0)
		return -EBADMSG;
	if (kind == NUMBER) {
		*(uint64_t *)field = number;
		return 0;
	}
	*(uint32_t *)field = (uint32_t)number;
	return number <= MODEL_VERIFIED_GOLDEN ? 0 : -EBADMSG;
}

/* The line of row i, in the order of the table; *rest moves behind it. */
static int read_row(size_t i, struct str *rest, struct record *ret)
{
	const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
	size_t n = end ? (size_t)(end - rest->p) : 0;
	size_t key = strlen(rows[i].key);

	if (n <= key || memcmp(rest->p, rows[i].key, key) != 0 || rest->p[key] != '=')
		return -EBADMSG;
	if (read_value(rows[i].kind, (struct str){ rest->p + key + 1, n - key - 1 },
	               (char *)ret + rows[i].offset) < 0)
		return -EBADMSG;
	rest->p += n + 1;
	rest->n -= n + 1;
	return 0;
}

int record_read(struct str text, struct record *ret)
{
	struct record r = { .generation = 0 };

	for (size_t i = 0; i < ROW_COUNT; i++)
		if (read_row(i, &text, &r) < 0)
			return -EBADMSG;
	if (text.n || r.generation == 0 || !*r.version)
		return -EBADMSG;
	*ret = r;
	return 0;
}

void record_recipe(const struct settings *s, char ret[MESSAGE_NAME])
{
	memset(ret, 0, MESSAGE_NAME);
	snprintf(ret, MESSAGE_NAME, "%s %.9g %.9g", s->models.trees,
	         s->models.default_threshold_low, s->models.default_threshold_high);
}
