/*
 * Reads reasons.yaml: what to tell a person when a feature is a reason.
 *
 *   deposit_amount:
 *     high: amount is far above this product's usual range     z-score above 0
 *     low: …                                                   z-score below 0
 *     text: …                                                  either, and where there is no
 * z-score
 *
 * The texts become part of the image, so an answer's words are of the same generation as its score.
 */
#include <errno.h>

#include "config/yaml.h"
#include "score/reasons.h"

#define MAX_TEXTS (UINT32_C(16) << 20)

struct score_text score_add_text(struct strbuf *texts, struct str s)
{
	struct score_text t = { .offset = (uint32_t)texts->n, .size = (uint32_t)s.n };

	if (s.n == 0)
		return (struct score_text){ 0, 0 };
	strbuf_add(texts, s.p, s.n);
	return t;
}

static struct score_text *slot_of(struct score_reason_texts *r, struct str key)
{
	if (str_is(key, "high"))
		return &r->high;
	if (str_is(key, "low"))
		return &r->low;
	return str_is(key, "text") ? &r->any : NULL;
}

static int read_entry(const struct yaml_node *entry, struct strbuf *texts,
                      struct score_reason_texts *ret, struct errbuf *err)
{
	for (const struct yaml_node *n = entry->first; n; n = n->next) {
		struct score_text *slot = slot_of(ret, n->key);

		if (!slot)
			return errbuf_set(err, -EBADMSG,
			                  "reasons.yaml:%u: \"%.*s\" is none of high, low, text",
			                  n->line, STR_ARGS(n->key));
		if (n->kind != YAML_SCALAR || n->text.n > SCORE_MAX_REASON_TEXT)
			return errbuf_set(
			        err, -EBADMSG,
			        "reasons.yaml:%u: \"%.*s\" must be text of at most %d bytes",
			        n->line, STR_ARGS(n->key), SCORE_MAX_REASON_TEXT);
		*slot = score_add_text(texts, n->text);
	}
	return 0;
}

static int find_feature(const struct program *p, struct str name)
{
	for (uint32_t i = 0; i < p->feature_count; i++) {
		if (str_equal(program_feature_name(p, i), name))
			return (int)i;
	}
	return -1;
}

static int read_entries(const struct yaml_node *root, const struct program *p, struct strbuf *texts,
                        struct score_reason_texts *ret, struct errbuf *err)
{
	for (const struct yaml_node *n = root->first; n; n = n->next) {
		int feature = find_feature(p, n->key);
		int r;

		if (n->kind != YAML_MAPPING)
			return errbuf_set(
			        err, -EBADMSG,
			        "reasons.yaml:%u: \"%.*s\" must be a mapping of high, low, text",
			        n->line, STR_ARGS(n->key));
		if (feature < 0)
			continue;
		r = read_entry(n, texts, &ret[feature], err);
		if (r < 0)
			return r;
	}
	return 0;
}

int score_reasons_read(struct str yaml, const struct program *p, struct strbuf *texts,
                       struct score_reason_texts *ret, struct errbuf *err)
{
	struct arena a = { 0 };
	struct yaml_node *root;
	int r;

	texts->limit = MAX_TEXTS;
	r = yaml_parse(yaml, "reasons.yaml", &a, &root, err);
	if (r == 0 && root->kind != YAML_MAPPING)
		r = errbuf_set(err, -EBADMSG, "reasons.yaml: must be a mapping of feature names");
	if (r == 0)
		r = read_entries(root, p, texts, ret, err);
	arena_done(&a);
	return r;
}
