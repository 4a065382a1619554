/*
 * A model document to a checked model: limits, which of the two spellings it is, the readers, then
 * its meaning (interpret.c). Memory while reading is bounded by the limits and by the document's
 * own length; what stays is in the caller's arena. Called by the loader's compile child and by
 * fraud-train.
 */
#include <errno.h>
#include <string.h>

#include "forest/build.h"
#include "forest/document.h"
#include "forest/image.h"
#include "forest/interpret.h"
#include "forest/ubj.h"
#include "json/scan.h"

static const struct forest_limits defaults = {
	.max_nodes = (size_t)64 << 20,
	.max_trees = 100000,
	.max_features = 65536,
	.max_depth = FOREST_MAX_DEPTH,
	.max_category_words = (size_t)16 << 20,
};

/* A limit that was not given, or lies beyond what the image can hold, is the default. */
static size_t limit(size_t given, size_t most)
{
	return given && given < most ? given : most;
}

static struct forest_limits complete(const struct forest_limits *given)
{
	struct forest_limits l = given ? *given : defaults;

	l.max_nodes = limit(l.max_nodes, defaults.max_nodes);
	l.max_trees = limit(l.max_trees, defaults.max_trees);
	l.max_features = limit(l.max_features, defaults.max_features);
	l.max_depth = (unsigned)limit(l.max_depth, defaults.max_depth);
	l.max_category_words = limit(l.max_category_words, defaults.max_category_words);
	return l;
}

static int on_json(void *self, enum json_event event, struct str text)
{
	struct document *d = self;
	struct number n = { .text = text };

	switch (event) {
	case JSON_OBJECT_BEGIN:
	case JSON_ARRAY_BEGIN:
		return document_begin(d, event == JSON_ARRAY_BEGIN);
	case JSON_OBJECT_END:
	case JSON_ARRAY_END:
		return document_end(d);
	case JSON_KEY:
		return document_key(d, text);
	case JSON_STRING:
		return document_string(d, text);
	case JSON_NUMBER:
		return document_number(d, &n);
	case JSON_TRUE:
	case JSON_FALSE:
		return document_bool(d, event == JSON_TRUE);
	case JSON_NULL:
		return document_null(d);
	}
	return -EINVAL;
}

static int read_json(struct str text, struct document *d)
{
	struct json_scan_options options = { .nonfinite = true, .on_event = on_json, .self = d };
	struct json_fault fault = { 0 };
	struct arena scratch = { 0 };
	int r = json_scan(text, &options, &scratch, &fault);

	arena_done(&scratch);
	if (r == -EBADMSG && !d->refused)
		return document_refuse(d, r, "byte %zu: %s", fault.offset, fault.what);
	return r;
}

/* XGBoost's own rule: a brace, then a quote (JSON) or the type of a length (UBJSON). */
static bool looks_like_ubj(struct str text)
{
	size_t i = 1;

	while (i < text.n && strchr(" \t\r\n", text.p[i]) && text.p[i])
		i++;
	return i == 1 && i < text.n && strchr("iUIlL", text.p[i]) && text.p[i];
}

static int read_document(struct str text, struct document *d)
{
	if (text.n == 0)
		return document_refuse(d, -EBADMSG, "empty document");
	if (text.n >= 4 && (memcmp(text.p, "binf", 4) == 0 || memcmp(text.p, "bs64", 4) == 0))
		return document_refuse(d, -EOPNOTSUPP,
		                       "XGBoost's old binary format is not served; save the model "
		                       "as .ubj or .json");
	if (text.p[0] != '{')
		return document_refuse(d, -EBADMSG,
		                       "neither JSON nor UBJSON: does not begin with \"{\"");
	return looks_like_ubj(text) ? ubj_read(text, d) : read_json(text, d);
}

int forest_import(struct str document, enum forest_trees which, const struct forest_limits *limits,
                  struct arena *a, struct forest_model **ret, struct errbuf *err)
{
	struct forest_limits complete_limits = complete(limits);
	struct forest_model *m = arena_calloc(a, 1, sizeof(*m));
	struct document d;
	int r;

	if (!m)
		return errbuf_set(err, -ENOMEM, "not enough memory for the model");
	document_init(&d, &complete_limits, a, err);
	r = read_document(document, &d);
	r = r ? r : document_interpret(&d, which, m);
	document_done(&d);
	if (r == -ENOMEM)
		return errbuf_set(err, r, "not enough memory for the model");
	if (r < 0)
		return r;
	*ret = m;
	return 0;
}
