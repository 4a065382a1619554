/*
 * Which rows of a window are taken and as what, and the set of keys that decides it. A wrapped
 * source is given rows that a test can count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tools/train/label_set.h"
#include "tools/train/selection.h"

#define ROWS 20000

static char path[] = "/tmp/fraudd-selection-XXXXXX";

/* --- the set --- */

static int read_set(const char *text, struct label_set **ret, struct errbuf *err)
{
	/* 2026-01-02 00:00 in a zone two hours east */
	const struct label_file file = { .path = path,
		                         .key = "seq",
		                         .until_us = INT64_C(1767312000) * 1000000,
		                         .zone_seconds = 7200 };

	assert_int_equal(file_write(AT_FDCWD, path, str_of(text), 0600), 0);
	return label_set_read(&file, ret, err);
}

static void test_files(void **state)
{
	static const struct {
		const char *text;
		size_t count;
		int64_t member; /* -1: none is asked for */
	} cases[] = {
		{ "", 0, -1 },
		{ "seq\n", 0, -1 },
		{ "seq\n17\n", 1, 17 },
		{ "17\n", 1, 17 },
		{ "17\r\n-18\r\n", 2, -18 },
		{ "17.0\n17\n", 1, 17 },
		{ "anything,seq\nx,17\ny,18\n", 2, 18 },
		{ "something else\n17\n", 1, 17 },
		{ "\"seq\"\n\"17\"\n", 1, 17 },
		{ "seq\n 17 \n", 1, 17 },
		{ "seq\n9223372036854775807\n", 1, INT64_MAX },
		/* known in time, in the zone of the window unless it says one */
		{ "seq,known_at\n17,2026-01-01 23:59:59\n", 1, 17 },
		{ "seq,known_at\n17,2026-01-02 00:00:00\n", 0, -1 },
		{ "seq,known_at\n17,2026-01-01T21:59:59Z\n", 1, 17 },
		{ "seq,known_at\n17,2026-01-01T22:00:00Z\n", 0, -1 },
		{ "seq,known_at\n17,\n", 1, 17 },
		{ "seq,known_at\n17\n", 1, 17 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct label_set *s = NULL;
		struct errbuf err = { "" };

		if (read_set(cases[i].text, &s, &err) < 0)
			fail_msg("case %zu: %s", i, err.text);
		if (label_set_count(s) != cases[i].count)
			fail_msg("case %zu: %zu keys", i, label_set_count(s));
		if (cases[i].count && !label_set_meet(s, cases[i].member))
			fail_msg("case %zu: no such key", i);
		label_set_free(s);
	}
}

static void test_bad_files(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "seq\nabc\n", ":2: the key of a transaction is wanted" },
		{ "seq\n17\n\n,\n", ":4: the key" },
		{ "a,seq\n17\n", ":2: the key" },
		{ "seq\n17.5\n", ":2: the key" },
		{ "seq\n9223372036854775808\n", ":2: the key" },
		{ "seq,known_at\n17,soon\n", ":2: column \"known_at\" is no time" },
		{ "seq\n\"17\n", "quote" },
	};
	struct label_set *s = NULL;
	struct errbuf err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (read_set(cases[i].text, &s, &err) != -EBADMSG)
			fail_msg("case %zu is taken", i);
		if (!strstr(err.text, cases[i].words))
			fail_msg("case %zu: %s", i, err.text);
	}
	const struct label_file absent = { .path = "/nonexistent", .key = "" };

	assert_int_equal(label_set_read(&absent, &s, &err), -ENOENT);
	assert_null(s);
}

static void test_unmet(void **state)
{
	struct label_set *s;
	struct errbuf err;
	int64_t first = 0;

	(void)state;
	assert_int_equal(read_set("5\n3\n9\n7\n", &s, &err), 0);
	assert_int_equal(label_set_unmet(s, &first), 4);
	assert_int_equal(first, 3);
	assert_true(label_set_meet(s, 3));
	assert_true(label_set_meet(s, 3));
	assert_false(label_set_meet(s, 4));
	assert_true(label_set_meet(s, 9));
	assert_int_equal(label_set_unmet(s, &first), 2);
	assert_int_equal(first, 5);
	label_set_free(s);
	label_set_free(NULL);
}

/* --- the source --- */

/* Rows 0 .. ROWS - 1, every tenth a fraud. */
static int read_rows(void *self, const struct program *p, const struct row_sink *sink,
                     struct errbuf *err)
{
	struct cell row[2] = { { .present = true }, { .present = true } };
	int r = 0;

	(void)self;
	(void)p;
	(void)err;
	for (int64_t i = 0; r == 0 && i < ROWS; i++) {
		row[1].v.integer = i;
		r = sink->on_row(sink->self, (uint64_t)i + 1, row, i % 10 == 0);
	}
	sink->on_bad_row(sink->self, ROWS + 1, "bad");
	return r;
}

struct counts {
	uint64_t rows, frauds, bad, sum;
	uint64_t stop_at;
};

static int on_row(void *self, uint64_t line, const struct cell *row, bool label)
{
	struct counts *c = self;

	assert_int_equal(line, row[1].v.integer + 1);
	c->rows++;
	c->frauds += label;
	c->sum += line * (label ? 3 : 1);
	return c->stop_at && c->rows == c->stop_at ? -ECANCELED : 0;
}

static void on_bad_row(void *self, uint64_t line, const char *what)
{
	struct counts *c = self;

	(void)line;
	assert_string_equal(what, "bad");
	c->bad++;
}

static int run(struct selection *s, int key, struct counts *c, struct errbuf *err)
{
	const struct program p = { .input_count = 2, .key = key };
	const struct row_sink sink = { on_row, on_bad_row, c };
	struct row_source source;

	s->from = (struct row_source){ .read = read_rows };
	source = selection_source(s);
	return source.read(source.self, &p, &sink, err);
}

static void test_all_rows(void **state)
{
	struct selection s = { .share = 1 };
	struct counts c = { 0 };
	struct errbuf err;

	(void)state;
	assert_int_equal(run(&s, -1, &c, &err), 0);
	assert_int_equal(c.rows, ROWS);
	assert_int_equal(c.frauds, ROWS / 10);
	assert_int_equal(c.bad, 1);
	c = (struct counts){ .stop_at = 17 };
	assert_int_equal(run(&s, -1, &c, &err), -ECANCELED);
	assert_int_equal(c.rows, 17);
}

/* All frauds; of the rest the share, within five standard deviations; the same ones each time. */
static void test_share(void **state)
{
	static const double shares[] = { 0.5, 0.1, 0.01 };
	struct errbuf err;

	(void)state;
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		struct selection s = { .share = shares[i] };
		struct counts first = { 0 }, second = { 0 };
		const unsigned rows = ROWS - ROWS / 10;
		double expected = shares[i] * rows, rest;

		assert_int_equal(run(&s, 1, &first, &err), 0);
		assert_int_equal(run(&s, 1, &second, &err), 0);
		assert_memory_equal(&first, &second, sizeof(first));
		assert_int_equal(first.frauds, ROWS / 10);
		rest = (double)(first.rows - first.frauds);
		if ((rest - expected) * (rest - expected) > 25 * expected)
			fail_msg("case %zu: %f rows", i, rest);
		for (int64_t key = -100; key < 100; key++)
			assert_true(!selection_takes(key, shares[i]) ||
			            selection_takes(key, shares[i] * 1.5));
	}
	assert_true(selection_takes(INT64_MIN, 1));
}

static void test_labels_decide(void **state)
{
	struct selection s = { .share = 1, .labels_decide = true };
	struct counts c = { 0 };
	struct errbuf err;
	int64_t first;

	(void)state;
	assert_int_equal(read_set("3\n10\n30000\n", &s.labels, &err), 0);
	assert_int_equal(run(&s, 1, &c, &err), 0);
	assert_int_equal(c.rows, ROWS);
	assert_int_equal(c.frauds, 2);
	assert_int_equal(label_set_unmet(s.labels, &first), 1);
	assert_int_equal(first, 30000);
	label_set_free(s.labels);
}

/* The query's labels stay; who was met is known. */
static void test_labels_are_marked(void **state)
{
	struct selection s = { .share = 1 };
	struct counts c = { 0 };
	struct errbuf err;
	int64_t first;

	(void)state;
	assert_int_equal(read_set("3\n10\n20\n", &s.labels, &err), 0);
	assert_int_equal(run(&s, 1, &c, &err), 0);
	assert_int_equal(c.frauds, ROWS / 10);
	assert_int_equal(label_set_unmet(s.labels, &first), 1);
	assert_int_equal(first, 3);
	/* without a key nobody is met, and nothing is wrong with that */
	c = (struct counts){ 0 };
	assert_int_equal(run(&s, -1, &c, &err), 0);
	label_set_free(s.labels);
}

static void test_a_key_is_needed(void **state)
{
	struct selection sampled = { .share = 0.5 };
	struct selection listed = { .share = 1, .labels_decide = true };
	struct counts c = { 0 };
	struct errbuf err;

	(void)state;
	assert_int_equal(run(&sampled, -1, &c, &err), -EINVAL);
	assert_non_null(strstr(err.text, "role key"));
	assert_int_equal(run(&listed, -1, &c, &err), -EINVAL);
	assert_int_equal(c.rows, 0);
}

static int set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_unmet),
		cmocka_unit_test(test_all_rows),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_labels_decide),
		cmocka_unit_test(test_labels_are_marked),
		cmocka_unit_test(test_a_key_is_needed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
