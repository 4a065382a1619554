/*
 * Rows as COPY BINARY brings them, into a chunk: scores, reasons, rejects, rows given twice, and
 * where a chunk is full. The model is small_version.h's.
 */
#include <endian.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../bundle/small_version.h"
#include "tools/batch/scorer.h"

#define INPUTS 8

struct fixture {
	struct small_version version;
	void *image;
	size_t size;
	struct arena arena;
	struct score_model model;
	enum column_type types[INPUTS];
	struct source source;
	struct scorer scorer;
	struct chunk chunk;
};

static int set_up(void **state)
{
	static const struct score_options everything = { DECISION_ALLOW, 3 };
	static struct fixture f;
	struct errbuf err = { "" };

	f = (struct fixture){ .chunk = { .max_rows = 1000 } };
	json_setup();
	small_fill(&f.version);
	if (small_image(&f.version, &f.image, &f.size, &err) < 0 ||
	    score_open(f.image, f.size, true, &f.arena, &f.model, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	for (unsigned i = 0; i < INPUTS; i++)
		f.types[i] = COLUMN_TEXT;
	f.types[f.model.program.key] = COLUMN_INT8;
	f.source = (struct source){ .program = &f.model.program, .types = f.types };
	*state = &f;
	return scorer_init(&f.scorer, &f.model, &f.source, &everything);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	chunk_done(&f->chunk);
	scorer_done(&f->scorer);
	arena_done(&f->arena);
	free(f->image);
	small_done(&f->version);
	return 0;
}

/* texts: of the inputs behind the key; NULL: null. */
static int take(struct fixture *f, int64_t seq, uint64_t xid, const char *const *texts)
{
	uint64_t key = htobe64((uint64_t)seq), writer = htobe64(xid);
	struct str fields[INPUTS] = { { (const char *)&key, sizeof(key) } };
	struct errbuf err = { "" };

	for (unsigned i = 1; i < INPUTS; i++)
		fields[i] = texts[i - 1] ? str_of(texts[i - 1]) : (struct str){ NULL, 0 };
	return scorer_take(&f->scorer, fields,
	                   xid ? (struct str){ (const char *)&writer, sizeof(writer) }
	                       : (struct str){ NULL, 0 },
	                   &f->chunk, &err);
}

static const char *const good[] = { "2026-01-02", "100", "VN", "2025-01-01", NULL, "A", "B" };

static void test_score(void **state)
{
	struct fixture *f = *state;
	const struct chunk *c = &f->chunk;

	assert_int_equal(take(f, -5, 77, good), 0);
	assert_int_equal(c->rows, 1);
	assert_int_equal(c->score_count, 1);
	assert_int_equal(c->scores[0].seq, -5);
	assert_int_equal(c->scores[0].decision, DECISION_BLOCK);
	assert_true(c->scores[0].score == forest_sigmoid(2.90625f));
	assert_int_equal(c->last_seq, -5);
	assert_int_equal(c->last_xid, 77);
	assert_true(c->reason_count >= 2 && c->reason_count <= 3);
	for (size_t i = 0; i < c->reason_count; i++) {
		const struct chunk_reason *r = &c->reasons[i];
		struct str name = program_feature_name(&f->model.program, r->feature);
		struct str value = { c->values.p + r->value_at, r->value_size };

		assert_int_equal(r->seq, -5);
		assert_int_equal(r->rank, i + 1);
		assert_true(r->contribution > 0);
		if (str_is(name, "country") && (!str_is(value, "VN") || !isnan(r->zscore)))
			fail_msg("country: %.*s", STR_ARGS(value));
		if (str_is(name, "amount") && !str_is(value, "100"))
			fail_msg("amount: %.*s", STR_ARGS(value));
		if (str_is(name, "pin"))
			assert_true(r->value_size == UINT32_MAX);
	}
}

static char long_text[SOURCE_MAX_TEXT + 2];

static const struct {
	const char *row[INPUTS - 1];
	const char *input, *reason;
} rejects[] = {
	{ { NULL, "1" }, "create_dt", "Field required" },
	{ { "today", "1" },
	  "create_dt",
	  "Input should be a valid datetime or date, input is too short" },
	{ { "2026-01-02", NULL }, "amount", "Field required" },
	{ { "2026-01-02", "much" },
	  "amount",
	  "Input should be a valid number, unable to parse string as a number" },
	{ { "2026-01-02", "1e999" }, "amount", "Input should be a finite number" },
	{ { "2026-01-02", "1", "\xff" },
	  "country",
	  "Input should be a valid string, unable to parse raw data as a unicode string" },
	{ { "2026-01-02", "1", long_text }, "country", "Input should have at most 65536 bytes" },
	{ { "2026-01-02", "1", "VN", "2026-02-30" },
	  "register_date",
	  "Input should be a valid date or datetime, day value is outside expected range" },
};

static void test_rejects(void **state)
{
	struct fixture *f = *state;
	const size_t count = sizeof(rejects) / sizeof(rejects[0]);

	memset(long_text, 'x', SOURCE_MAX_TEXT + 1);
	for (size_t i = 0; i < count; i++) {
		const struct chunk_reject *r;

		assert_int_equal(take(f, (int64_t)i, 1, rejects[i].row), 0);
		assert_int_equal(f->chunk.reject_count, i + 1);
		r = &f->chunk.rejects[i];
		if (r->seq != (int64_t)i || strcmp(r->reason, rejects[i].reason) != 0 ||
		    !str_is(f->model.program.inputs[r->input].name, rejects[i].input))
			fail_msg("case %zu: %.*s: %s", i,
			         STR_ARGS(f->model.program.inputs[r->input].name), r->reason);
	}
	assert_int_equal(f->chunk.score_count, 0);
	assert_int_equal(f->chunk.rows, count);
}

/* A key of another width, or none: the stream is not what the source said. */
static void test_keys(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int64_t seq; /* 0: refused */
	} keys[] = {
		{ "\0\x07", 2, 7 },
		{ "\xff\xfe", 2, -2 },
		{ "\0\0\1\0", 4, 256 },
		{ "\x80\0\0\0", 4, INT32_MIN },
		{ "\x7f\xff\xff\xff\xff\xff\xff\xff", 8, INT64_MAX },
		{ "", 0, 0 },
		{ "\1\2\3", 3, 0 },
		{ NULL, 0, 0 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct str fields[INPUTS] = { { keys[i].bytes, keys[i].n } };
		struct errbuf err = { "" };
		int r;

		f->types[0] = keys[i].n == 2   ? COLUMN_INT2
		              : keys[i].n == 4 ? COLUMN_INT4
		                               : COLUMN_INT8;
		for (unsigned k = 1; k < INPUTS; k++)
			fields[k] = good[k - 1] ? str_of(good[k - 1]) : (struct str){ NULL, 0 };
		r = scorer_take(&f->scorer, fields, (struct str){ NULL, 0 }, &f->chunk, &err);
		if (r != (keys[i].seq ? 0 : -EBADMSG) ||
		    (r == 0 && f->chunk.last_seq != keys[i].seq))
			fail_msg("case %zu: %d, %lld", i, r, (long long)f->chunk.last_seq);
	}
}

static void test_row_given_twice(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(take(f, 1, 5, good), 0);
	assert_int_equal(take(f, 1, 5, good), 0);
	assert_int_equal(take(f, 1, 6, good), 0); /* written anew: the database decides */
	assert_int_equal(take(f, 2, 6, good), 0);
	assert_int_equal(f->chunk.rows, 4);
	assert_int_equal(f->chunk.score_count, 3);
}

static void test_full_by_rows(void **state)
{
	struct fixture *f = *state;

	f->chunk.max_rows = 3;
	for (int64_t i = 0; i < 3; i++) {
		assert_false(chunk_is_full(&f->chunk));
		assert_int_equal(take(f, i, 1, i == 1 ? rejects[0].row : good), 0);
	}
	assert_true(chunk_is_full(&f->chunk));
	chunk_reset(&f->chunk);
	assert_false(chunk_is_full(&f->chunk));
	assert_int_equal(f->chunk.score_count + f->chunk.reason_count + f->chunk.reject_count, 0);
}

/* The older service's column takes 255 bytes; a character is not cut in two. */
static void test_long_value(void **state)
{
	const struct score_result result = {
		.reason_count = 1,
		.reasons = { { .feature = 1, .contribution = 0.5 } }, /* country */
	};
	struct fixture *f = *state;
	const char *row[INPUTS - 1];

	memcpy(row, good, sizeof(row));
	memset(long_text, 'x', 300);
	memcpy(long_text + 254, "\xc3\xa9", 2);
	long_text[300] = '\0';
	row[2] = long_text;
	assert_int_equal(take(f, 1, 1, row), 0);
	chunk_reset(&f->chunk);
	assert_int_equal(chunk_add_score(&f->chunk, &f->model, f->scorer.row, 1, &result), 0);
	assert_int_equal(f->chunk.reasons[0].value_size, 254);
	assert_int_equal(f->chunk.values.n, 254);
}

/* Many rows end a chunk by their bytes long before max_rows. */
static void test_full_by_bytes(void **state)
{
	struct fixture *f = *state;
	const char *row[INPUTS - 1];
	int64_t i;

	memcpy(row, good, sizeof(row));
	memset(long_text, 'x', SOURCE_MAX_TEXT);
	long_text[SOURCE_MAX_TEXT] = '\0';
	row[2] = long_text; /* a country that nobody knows goes left, where its share is negative */
	row[1] = "5000";
	f->chunk.max_rows = 1000000;
	for (i = 0; i < 200000 && !chunk_is_full(&f->chunk); i++)
		assert_int_equal(take(f, i, 1, row), 0);
	assert_true(i < 200000);
	assert_true(f->chunk.values.room <= (size_t)32 * 1024 * 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_score, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rejects, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_row_given_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_by_rows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_value, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_by_bytes, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
