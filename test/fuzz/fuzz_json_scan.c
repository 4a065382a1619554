/* The scan in its four moods. Texts of events are UTF-8; names come in objects only; a fault lies
 * within the text. */
#include <stdint.h>
#include <stdlib.h>

#include "json/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEPTH 40

struct shape {
	size_t depth;
	bool object[DEPTH];
	bool named; /* a name waits for its value */
};

static int on_event(void *self, enum json_event event, struct str text)
{
	struct shape *s = self;
	bool in_object = s->depth > 0 && s->object[s->depth - 1];

	if (!str_is_utf8(text) || memchr(text.p, '\0', text.n))
		abort();
	if (event == JSON_OBJECT_END || event == JSON_ARRAY_END) {
		if (s->depth == 0 || s->named || in_object != (event == JSON_OBJECT_END))
			abort();
		s->depth--;
		return 0;
	}
	if (in_object && s->named == (event == JSON_KEY))
		abort();
	if (!in_object && event == JSON_KEY)
		abort();
	s->named = event == JSON_KEY;
	if (event == JSON_OBJECT_BEGIN || event == JSON_ARRAY_BEGIN)
		s->object[s->depth++] = event == JSON_OBJECT_BEGIN;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };

	for (unsigned mood = 0; mood < 4; mood++) {
		struct shape shape = { 0 };
		struct json_scan_options options = { .max_depth = mood & 1 ? DEPTH : 0,
			                             .unique = mood & 1,
			                             .nonfinite = mood & 2,
			                             .on_event = on_event,
			                             .self = &shape };
		struct arena a = { 0 };
		struct json_fault fault = { size + 1, NULL };
		int r = json_scan(text, &options, &a, &fault);

		if (r < 0 ? fault.offset > size || !fault.what : shape.depth > 0 || shape.named)
			abort();
		arena_done(&a);
	}
	return 0;
}
