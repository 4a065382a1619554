/*
 * A body cut into its elements is JSON exactly if the body is, however the cut was cut into steps,
 * and faults of the skeleton point to where they are in the body.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemons/front/cut.h"
#include "json/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Elements may nest as deep as a document of their own: two levels more than within the body. */
#define DEPTH_WHOLE (JSON_DEPTH + 2)

static bool is_json(struct str text, unsigned depth, bool *deep)
{
	struct json_scan_options options = { .unique = true, .max_depth = depth };
	struct arena a = { 0 };
	struct json_fault fault = { 0, NULL };
	int r = json_scan(text, &options, &a, &fault);

	if (r < 0 && fault.what && strcmp(fault.what, "recursion limit exceeded") == 0)
		*deep = true;
	arena_done(&a);
	return r == 0;
}

static bool are_json(const struct cut *c, bool *deep)
{
	bool all = is_json(strbuf_str(&c->skeleton), JSON_DEPTH, deep);

	for (size_t i = 0; i < c->count; i++) {
		struct str e = cut_element(c, i);

		if (e.p < c->body.p || e.n > (size_t)(c->body.p + c->body.n - e.p))
			abort();
		all = is_json(e, JSON_DEPTH, deep) && all;
	}
	return all;
}

/* Each byte of the skeleton stands where it is said to, the numbers where their elements begin. */
static void check_offsets(const struct cut *c)
{
	size_t i = 0;

	for (size_t at = 0; at < c->skeleton.n; at++) {
		size_t offset = cut_body_offset(c, at);

		while (i < c->count && c->elements[i].mark <= at)
			i++;
		if (i < c->count &&
		    at + (size_t)snprintf(NULL, 0, "%zu", i) >= c->elements[i].mark) {
			if (offset != c->elements[i].start)
				abort();
		} else if (offset >= c->body.n || c->body.p[offset] != c->skeleton.p[at]) {
			abort();
		}
	}
	if (cut_body_offset(c, c->skeleton.n) != c->body.n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body;
	struct cut c;
	bool deep = false;
	bool whole, parts;
	int r;

	if (size < 2)
		return 0;
	body = (struct str){ (const char *)data + 1, size - 1 };
	cut_init(&c, body, 1000);
	do {
		r = cut_step(&c, (size_t)data[0] + 1);
	} while (r > 0);
	if (r == 0) {
		whole = is_json(body, DEPTH_WHOLE, &deep);
		parts = are_json(&c, &deep);
		if (whole != parts && !deep)
			abort();
		check_offsets(&c);
	} else if (r != -E2BIG && r != -EFBIG) {
		abort();
	}
	cut_done(&c);
	return 0;
}
