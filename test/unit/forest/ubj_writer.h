/*
 * For tests: a JSON text written as UBJSON, so that one table of documents tries both readers.
 * Plain forms only (open lists, numbers one by one); typed lists come from the fixtures.
 */
#ifndef TEST_FOREST_UBJ_WRITER_H
#define TEST_FOREST_UBJ_WRITER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "json/scan.h"

struct ubj_writer {
	uint8_t bytes[65536];
	size_t n;
};

static inline void ubj_put(struct ubj_writer *w, const void *p, size_t n)
{
	if (n > sizeof(w->bytes) - w->n)
		abort();
	memcpy(w->bytes + w->n, p, n);
	w->n += n;
}

static inline void ubj_put_big_endian(struct ubj_writer *w, char type, uint64_t bits, unsigned size)
{
	ubj_put(w, &type, 1);
	for (unsigned i = size; i > 0; i--) {
		uint8_t byte = (uint8_t)(bits >> (8 * (i - 1)));

		ubj_put(w, &byte, 1);
	}
}

static inline void ubj_put_text(struct ubj_writer *w, struct str text)
{
	ubj_put_big_endian(w, 'L', text.n, 8);
	ubj_put(w, text.p, text.n);
}

/* Integers as 8 to 64 bits, the rest as float32. */
static inline void ubj_put_number(struct ubj_writer *w, struct str text)
{
	char digits[64] = { 0 };
	uint32_t bits;
	long long i;
	float f;

	if (str_to_i64(text, &i) == 0) {
		if (i >= INT8_MIN && i <= INT8_MAX)
			ubj_put_big_endian(w, 'i', (uint64_t)i, 1);
		else if (i >= 0 && i <= UINT8_MAX)
			ubj_put_big_endian(w, 'U', (uint64_t)i, 1);
		else if (i >= INT16_MIN && i <= INT16_MAX)
			ubj_put_big_endian(w, 'I', (uint64_t)i, 2);
		else if (i >= INT32_MIN && i <= INT32_MAX)
			ubj_put_big_endian(w, 'l', (uint64_t)i, 4);
		else
			ubj_put_big_endian(w, 'L', (uint64_t)i, 8);
		return;
	}
	memcpy(digits, text.p, text.n < 63 ? text.n : 63);
	f = strtof(digits, NULL);
	memcpy(&bits, &f, sizeof(bits));
	ubj_put_big_endian(w, 'd', bits, 4);
}

static inline int ubj_on_event(void *self, enum json_event event, struct str text)
{
	static const char marks[] = {
		[JSON_OBJECT_BEGIN] = '{', [JSON_OBJECT_END] = '}', [JSON_ARRAY_BEGIN] = '[',
		[JSON_ARRAY_END] = ']',    [JSON_STRING] = 'S',     [JSON_TRUE] = 'T',
		[JSON_FALSE] = 'F',        [JSON_NULL] = 'Z'
	};
	struct ubj_writer *w = self;

	if (event != JSON_KEY && event != JSON_NUMBER)
		ubj_put(w, &marks[event], 1);
	if (event == JSON_KEY || event == JSON_STRING)
		ubj_put_text(w, text);
	if (event == JSON_NUMBER)
		ubj_put_number(w, text);
	return 0;
}

/* 0, or what json_scan() says of the text. */
static inline int ubj_from_json(struct str json, struct ubj_writer *w)
{
	struct json_scan_options o = { .nonfinite = true, .on_event = ubj_on_event, .self = w };
	struct json_fault fault;
	struct arena a = { 0 };
	int r;

	w->n = 0;
	r = json_scan(json, &o, &a, &fault);
	arena_done(&a);
	return r;
}

#endif
