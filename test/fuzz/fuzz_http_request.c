/*
 * The request parser, in one piece and cut at a place that the input chooses: both must say the
 * same. Paths and queries that it lets through are decoded, too.
 */
#include <stdint.h>
#include <stdlib.h>

#include "http/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A number that depends on every event and every byte of it. */
static uint64_t digest(struct parser *p, struct str in, uint64_t h)
{
	enum parser_event e;
	struct str body;

	while ((e = parser_next(p, &in, &body)) != PARSER_MORE) {
		if (e == PARSER_BODY) {
			for (size_t i = 0; i < body.n; i++)
				h = h * 31 + (uint8_t)body.p[i];
			continue;
		}
		h = h * 31 + e + p->field_count * UINT64_C(7) + (uint64_t)p->status + p->length;
		if (e == PARSER_BAD)
			break;
		if (e == PARSER_END)
			parser_reset(p, &p->limits);
	}
	return h;
}

static void decode(const struct parser *p)
{
	struct arena a = { .limit = 1 << 20 };
	struct str text;

	if (p->state > PARSER_ON_FIELD && p->state < PARSER_AT_BAD) {
		uri_decode(p->uri.path, false, &a, &text);
		uri_parameter(p->uri.query, "a", &a, &text);
	}
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct parser_limits limits = { 512, 2048, 16, 32, 64, 128 };
	struct parser *p = calloc(2, sizeof(*p));
	struct str whole;
	uint64_t a, b;
	size_t cut;

	if (size == 0 || !p) {
		free(p);
		return 0;
	}
	whole = (struct str){ (const char *)data + 1, size - 1 };
	cut = data[0] * whole.n / 256;
	parser_reset(&p[0], &limits);
	parser_reset(&p[1], &limits);
	a = digest(&p[0], whole, 0);
	decode(&p[0]);
	b = digest(&p[1], (struct str){ whole.p, cut }, 0);
	if (p[1].state != PARSER_AT_BAD)
		b = digest(&p[1], (struct str){ whole.p + cut, whole.n - cut }, b);
	if (a != b)
		abort();
	parser_done(&p[0]);
	parser_done(&p[1]);
	free(p);
	return 0;
}
