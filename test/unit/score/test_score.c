/*
 * A row through an image: decisions at the very threshold, reasons and their order, answers byte by
 * byte. The model is small_version.h's, whose margins can be added up by hand.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../bundle/small_version.h"
#include "score/build.h"
#include "score/image.h"

struct fixture {
	struct small_version version;
	void *image;
	size_t size;
	struct arena arena;
	struct score_model model;
	struct score_scratch scratch;
	struct cell row[8];
};

static int set_up(void **state)
{
	static struct fixture f;
	struct errbuf err = { "" };

	f = (struct fixture){ 0 };
	json_setup();
	small_fill(&f.version);
	if (small_image(&f.version, &f.image, &f.size, &err) < 0 ||
	    score_open(f.image, f.size, true, &f.arena, &f.model, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	*state = &f;
	return score_scratch_init(&f.scratch, &f.model);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	score_scratch_done(&f->scratch);
	arena_done(&f->arena);
	free(f->image);
	small_done(&f->version);
	return 0;
}

/* inputs in their order; text NULL: missing */
static void set_row(struct fixture *f, const char *const *texts)
{
	for (unsigned i = 0; i < 8; i++) {
		struct field_fault fault;
		struct str text = texts[i] ? str_of(texts[i]) : (struct str){ "", 0 };

		if (cell_from_text(&f->model.program.inputs[i], text, &f->row[i], &fault) < 0)
			fail_msg("input %u: %s", i, fault.message);
	}
}

#define EXPLAIN ((struct score_options){ DECISION_ALLOW, 50 })

static const struct {
	const char *row[8];
	float margin;
	enum decision decision;
} rows[] = {
	/* -1 - 0.25 + 0.75 + 0.03125 (missing pin goes right) */
	{ { "1", "2026-01-02", "50", "DE", "2026-01-01", NULL, "A", "A" },
	  -0.46875f,
	  DECISION_ALLOW },
	{ { "2", "2026-01-02", "100", "VN", "2025-01-01", NULL, "A", "B" },
	  2.90625f,
	  DECISION_BLOCK },
	/* unseen country is -1, hence left; missing date goes right; missing name: no mismatch */
	{ { "3", "2026-01-02", "5000", "XX", NULL, "1", NULL, "B" }, 0.1875f, DECISION_REVIEW },
	/* missing country is the level Unknown, 1; NFKC and case make names equal */
	{ { "4", "2026-01-02", "250", NULL, "2025-12-31", "7", "ａnna", " ANNA" },
	  2.53125f,
	  DECISION_BLOCK },
};

static void test_margins(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct score_result r;
		double sum = 0.0;

		set_row(f, rows[i].row);
		score_row(&f->model, f->row, &EXPLAIN, &f->scratch, &r);
		if (r.margin != rows[i].margin || r.decision != rows[i].decision ||
		    r.score != forest_sigmoid(rows[i].margin))
			fail_msg("row %zu: margin %.9g, %s", i, (double)r.margin,
			         decision_names[r.decision]);
		for (unsigned k = 0; k <= 5; k++)
			sum += f->scratch.contributions[k];
		if (fabs(sum - (double)r.margin) > 1e-6)
			fail_msg("row %zu: contributions sum to %.9g", i, sum);
	}
}

static void test_reasons_are_ordered(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct score_result all, few;

		set_row(f, rows[i].row);
		score_row(&f->model, f->row, &EXPLAIN, &f->scratch, &all);
		score_row(&f->model, f->row, &(struct score_options){ DECISION_ALLOW, 1 },
		          &f->scratch, &few);
		assert_int_equal(few.reason_count, all.reason_count ? 1 : 0);
		assert_memory_equal(&few.reasons[0].contribution, &all.reasons[0].contribution,
		                    sizeof(double));
		for (unsigned k = 0; k < all.reason_count; k++) {
			const struct reason *r = &all.reasons[k];

			if (r->contribution <= 0.0 || r->delta_score <= 0.0 ||
			    (k > 0 && r->contribution > all.reasons[k - 1].contribution))
				fail_msg("row %zu, reason %u: %g", i, k, r->contribution);
		}
	}
}

/* Two features with the same contribution: the earlier comes first, whatever top_k is. */
static void test_ties(void **state)
{
	struct fixture *f = *state;
	struct score_result r;

	/* a second stump like tree 1, on pin: same cover, same leaves */
	struct small_version v = { 0 };
	struct errbuf err = { "" };
	struct score_model m;
	struct arena a = { 0 };
	struct score_scratch s;
	size_t size = 0;
	void *image = NULL;

	small_fill(&v);
	small_replace(&v, SMALL_MODEL, "[5,0.0625,0.03125]", "[0.5,-0.25,1]");
	small_replace(&v, SMALL_MODEL, "[10,5,5]", "[10,8,2]");
	assert_int_equal(small_image(&v, &image, &size, &err), 0);
	assert_int_equal(score_open(image, size, true, &a, &m, &err), 0);
	assert_int_equal(score_scratch_init(&s, &m), 0);
	set_row(f, (const char *const[]){ "1", "2026-01-02", "50", "DE", NULL, "7", "A", "B" });
	for (unsigned k = 1; k <= 2; k++) {
		score_row(&m, f->row, &(struct score_options){ DECISION_ALLOW, k }, &s, &r);
		assert_int_equal(r.reason_count, k);
		assert_int_equal(r.reasons[0].feature, 2);
	}
	assert_int_equal(r.reasons[1].feature, 4);
	assert_true(r.reasons[0].contribution == r.reasons[1].contribution);
	score_scratch_done(&s);
	arena_done(&a);
	free(image);
	small_done(&v);
}

static void test_threshold_is_inclusive(void **state)
{
	struct fixture *f = *state;
	struct score_result r;

	set_row(f, rows[0].row);
	score_row(&f->model, f->row, &EXPLAIN, &f->scratch, &r);
	f->model.threshold_low = r.score;
	score_row(&f->model, f->row, &EXPLAIN, &f->scratch, &r);
	assert_int_equal(r.decision, DECISION_REVIEW);
	f->model.threshold_low = nextafterf(r.score, 1.0f);
	score_row(&f->model, f->row, &EXPLAIN, &f->scratch, &r);
	assert_int_equal(r.decision, DECISION_ALLOW);
	f->model.threshold_low = 0.0f;
	f->model.threshold_high = r.score;
	score_row(&f->model, f->row, &EXPLAIN, &f->scratch, &r);
	assert_int_equal(r.decision, DECISION_BLOCK);
}

static void test_explain_from(void **state)
{
	struct fixture *f = *state;
	/* decision of the row, explain_from, top_k, whether there are reasons */
	static const struct {
		unsigned row;
		enum decision from;
		unsigned top_k;
		bool explained;
	} cases[] = {
		{ 0, DECISION_ALLOW, 3, true },  { 0, DECISION_REVIEW, 3, false },
		{ 2, DECISION_REVIEW, 3, true }, { 2, DECISION_BLOCK, 3, false },
		{ 1, DECISION_BLOCK, 3, true },  { 1, DECISION_MAX, 3, false },
		{ 1, DECISION_ALLOW, 0, false }, { 1, DECISION_ALLOW, 1000, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct score_options o = { cases[i].from, cases[i].top_k };
		struct score_result r;

		set_row(f, rows[cases[i].row].row);
		score_row(&f->model, f->row, &o, &f->scratch, &r);
		if ((r.reason_count > 0) != cases[i].explained)
			fail_msg("case %zu: %u reasons", i, r.reason_count);
	}
}

static const char *json_of(struct fixture *f, const char *const *texts, bool whole)
{
	static struct strbuf out;
	struct json_writer w = { .out = &out };
	struct score_result r;

	strbuf_reset(&out);
	set_row(f, texts);
	score_row(&f->model, f->row, &EXPLAIN, &f->scratch, &r);
	/* round figures: what matters here is which members there are, and in which order */
	for (unsigned i = 0; i < r.reason_count; i++)
		r.reasons[i].contribution = r.reasons[i].delta_score = 0.5;
	score_write_json(&w, &f->model, f->row, &r, whole);
	return out.p;
}

static void test_json(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(
	        json_of(f, rows[1].row, true),
	        "{\"transaction_seq\":2,\"score\":0.94815457,\"decision\":\"BLOCK\",\"threshold_"
	        "low\":0.4,"
	        "\"threshold_high\":0.8,\"model_version\":\"20260101-000000\",\"reasons\":["
	        "{\"feature\":\"amount\",\"value\":100,\"delta_score\":0.5,\"direction\":"
	        "\"↑FRAUD\","
	        "\"zscore\":-1,\"contribution\":0.5,\"text\":\"far below the usual\"},"
	        "{\"feature\":\"name_mismatch\",\"value\":1,\"delta_score\":0.5,\"direction\":"
	        "\"↑FRAUD\","
	        "\"zscore\":1.5,\"contribution\":0.5},"
	        "{\"feature\":\"country\",\"value\":\"VN\",\"delta_score\":0.5,\"direction\":"
	        "\"↑FRAUD\","
	        "\"zscore\":null,\"contribution\":0.5,\"text\":\"the country stands out\"}]}");
}

/* Clipped to 1000 for the model, 5000 in the answer; a private value and a missing one are null. */
static void test_values(void **state)
{
	struct fixture *f = *state;
	const char *json = json_of(f, rows[2].row, false);

	assert_non_null(strstr(json, "{\"transaction_seq\":3,\"score\":0.54673"));
	assert_non_null(strstr(json, "\"feature\":\"amount\",\"value\":5000,"));
	assert_non_null(strstr(json, "\"zscore\":8,"));
	assert_non_null(strstr(json, "\"text\":\"far above the usual\""));
	assert_non_null(strstr(json, "\"feature\":\"pin\",\"value\":null,"));
	assert_null(strstr(json, "threshold"));
	json = json_of(f, rows[3].row, false);
	assert_non_null(strstr(json, "\"feature\":\"country\",\"value\":null,"));
}

static void test_csv(void **state)
{
	struct fixture *f = *state;
	struct strbuf out = { 0 };
	struct score_result r;

	score_write_csv_header(&out, 2);
	set_row(f, rows[2].row);
	score_row(&f->model, f->row, &(struct score_options){ DECISION_ALLOW, 2 }, &f->scratch, &r);
	assert_int_equal(r.reason_count, 2);
	r.reasons[0].contribution = 0.5;
	r.reason_count = 1;
	score_write_csv(&out, &f->model, f->row, &r, 2);
	r.reason_count = 0;
	score_write_csv(&out, &f->model, f->row, &r, 0);
	assert_string_equal(out.p, "transaction_seq,score,decision,reason_1,value_1,contribution_1,"
	                           "reason_2,value_2,contribution_2\n"
	                           "3,0.54673815,REVIEW,amount,5000,0.5,,,\n"
	                           "3,0.54673815,REVIEW\n");
	strbuf_done(&out);
}

/* The same row gives the same bytes whatever was scored before it. */
static void test_same_bytes(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct score_result first, again;

		memset(&first, 0, sizeof(first));
		memset(&again, 0, sizeof(again));
		set_row(f, rows[i].row);
		score_row(&f->model, f->row, &EXPLAIN, &f->scratch, &first);
		set_row(f, rows[(i + 1) % 4].row);
		score_row(&f->model, f->row, &EXPLAIN, &f->scratch, &again);
		memset(&again, 0, sizeof(again));
		set_row(f, rows[i].row);
		score_row(&f->model, f->row, &EXPLAIN, &f->scratch, &again);
		assert_int_equal(first.reason_count, again.reason_count);
		for (unsigned k = 0; k < first.reason_count; k++) {
			assert_memory_equal(&first.reasons[k].contribution,
			                    &again.reasons[k].contribution, sizeof(double));
		}
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_margins),      TEST(test_reasons_are_ordered),
		TEST(test_ties),         TEST(test_threshold_is_inclusive),
		TEST(test_explain_from), TEST(test_json),
		TEST(test_values),       TEST(test_csv),
		TEST(test_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
