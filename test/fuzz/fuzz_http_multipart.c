/*
 * A multipart body, in one piece and cut at a place that the input chooses: both must give the same
 * parts and bytes. The first line is the Content-Type.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t add(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = h * 31 + (uint8_t)s.p[i];
	return h;
}

/* How data is cut into events may differ; parts and their bytes may not. */
static uint64_t digest(struct multipart *m, struct str in, uint64_t h)
{
	enum multipart_event e;
	struct str data;

	while ((e = multipart_next(m, &in, &data)) != MULTIPART_MORE) {
		if (e == MULTIPART_DATA) {
			h = add(h, data);
			continue;
		}
		h = h * 31 + e;
		if (e == MULTIPART_PART)
			h = add(add(add(h, m->name), m->filename), m->type);
		if (e == MULTIPART_BAD)
			break;
	}
	return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
	struct multipart *m = calloc(2, sizeof(*m));
	struct str type, body;
	uint64_t a, b;
	size_t cut;

	if (!line || !m) {
		free(m);
		return 0;
	}
	type = (struct str){ (const char *)data + 1, (size_t)(line - data) - 1 };
	body = (struct str){ (const char *)line + 1, size - (size_t)(line - data) - 1 };
	cut = data[0] * body.n / 256;
	if (multipart_start(&m[0], type) == 0 && multipart_start(&m[1], type) == 0) {
		a = digest(&m[0], body, 0);
		b = digest(&m[1], (struct str){ body.p, cut }, 0);
		if (!m[1].why)
			b = digest(&m[1], (struct str){ body.p + cut, body.n - cut }, b);
		if (a != b)
			abort();
	}
	free(m);
	return 0;
}
