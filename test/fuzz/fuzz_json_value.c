/* What the scan accepts becomes a tree; written and parsed again it is the same. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "json/value.h"
#include "json/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct cJSON *a, const struct cJSON *b)
{
	if (json_type(a) != json_type(b) || json_bool(a) != json_bool(b) ||
	    json_number(a) != json_number(b) || !str_equal(json_text(a), json_text(b)) ||
	    !str_equal(json_name(a), json_name(b)) || json_count(a) != json_count(b))
		abort();
	a = json_first(a);
	b = json_first(b);
	for (; a && b; a = json_next(a), b = json_next(b))
		check_same(a, b);
}

static const struct cJSON *parse(struct arena *arena, struct str text)
{
	const struct cJSON *v;
	struct json_fault fault;
	int r = json_parse(text, arena, &v, &fault);

	if (r < 0 && (r != -EBADMSG || fault.offset > text.n || !fault.what))
		abort();
	return r < 0 ? NULL : v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct strbuf out = { 0 };
	struct json_writer writer = { .out = &out };
	const struct cJSON *first, *second;

	json_setup();
	first = parse(&arena, (struct str){ (const char *)data, size });
	if (first) {
		json_write_value(&writer, first);
		second = parse(&arena, strbuf_str(&out));
		if (!second)
			abort();
		check_same(first, second);
	}
	strbuf_done(&out);
	arena_done(&arena);
	return 0;
}
