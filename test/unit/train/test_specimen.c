/* Rows as text: they read back as the same cells, but for what is private. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/civil.h"
#include "config/settings.h"
#include "features/row.h"
#include "tools/train/specimen.h"
#include "tools/train/window.h"

static const char yaml[] = "version: 1\ntimezone: \"+09:00\"\ninputs:\n"
                           "  - { name: seq, type: integer, required: true, role: key }\n"
                           "  - { name: at, type: datetime, required: true, role: time }\n"
                           "  - { name: day, type: date }\n"
                           "  - { name: amount, type: number }\n"
                           "  - { name: country, type: category, default: KR }\n"
                           "  - { name: pin, type: number, private: true }\n"
                           "  - { name: user, type: text, private: true }\n"
                           "  - { name: note, type: text }\n"
                           "  - { name: sender, type: text, private: true }\n"
                           "  - { name: payer, type: text, private: true }\n"
                           "features:\n  - { name: amount, op: number, of: amount }\n";

static const struct {
	const char *row[10], *text, *revealed;
} cases[] = {
	{ { "1", "2026-01-02 03:04:05", "2026-01-02", "0.1", "DE", "7", "Anna", "hi", "anna ",
	    "Eva" },
	  "1,2026-01-02 03:04:05,2026-01-02,0.1,DE,,A,hi,A,C",
	  "1,2026-01-02 03:04:05,2026-01-02,0.1,DE,7,Anna,hi,anna ,Eva" },
	/* a zone is converted to the program's; fractions stay; defaults are written out */
	{ { "-5", "2026-01-02T23:59:59.5Z", "2026/01/02", "1e300", "", "", "", "a,\"b\"", "X", "" },
	  "-5,2026-01-03 08:59:59.500000,2026-01-02,1e+300,KR,,,\"a,\"\"b\"\"\",A,",
	  "-5,2026-01-03 08:59:59.500000,2026-01-02,1e+300,KR,,,\"a,\"\"b\"\"\",X," },
	{ { "9223372036854775807", "0001-01-01", "", "", "NULL", "1", "B", "", "C", "b" },
	  "9223372036854775807,0001-01-01 00:00:00,,,KR,,A,,B,A",
	  "9223372036854775807,0001-01-01 00:00:00,,,KR,1,B,,C,b" },
};

static void read_row(const struct program *p, const char *const *texts, struct cell *row)
{
	for (uint32_t i = 0; i < p->input_count; i++) {
		struct field_fault fault;

		if (cell_from_text(&p->inputs[i], str_of(texts[i]), &row[i], &fault) < 0)
			fail_msg("input %u, \"%s\": %s", i, texts[i], fault.message);
	}
}

static void test_rows(void **state)
{
	struct declaration *d;
	struct arena a = { 0 };
	struct strbuf out = { 0 };
	struct errbuf err = { "" };
	struct program p = { 0 };
	size_t size;
	void *image;

	(void)state;
	if (program_declare(STR(yaml), "test.yaml", &a, &d, &err) < 0 ||
	    program_compile(d, NULL, &a, &image, &size, &err) < 0 ||
	    program_open(image, size, &a, &p, &err) < 0)
		fail_msg("%s", err.text);
	specimen_write_header(&out, &p);
	assert_string_equal(out.p, "seq,at,day,amount,country,pin,user,note,sender,payer");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cell row[10];

		strbuf_reset(&out);
		read_row(&p, cases[i].row, row);
		specimen_write_row(&out, &p, row);
		if (strcmp(out.p, cases[i].text) != 0)
			fail_msg("case %zu: %s", i, out.p);
		strbuf_reset(&out);
		specimen_reveal_row(&out, &p, row);
		if (strcmp(out.p, cases[i].revealed) != 0)
			fail_msg("case %zu, revealed: %s", i, out.p);
	}
	strbuf_done(&out);
	arena_done(&a);
}

static void test_zones(void **state)
{
	static const struct {
		int32_t seconds;
		const char *text;
	} zones[] = {
		{ 0, "<+00:00>-00:00" },
		{ 32400, "<+09:00>-09:00" },
		{ -12600, "<-03:30>+03:30" },
		{ 49500, "<+13:45>-13:45" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		char text[24];

		window_print_zone(zones[i].seconds, text);
		assert_string_equal(text, zones[i].text);
	}
}

static void test_months(void **state)
{
	static const struct {
		int32_t year;
		uint8_t month, day;
		unsigned months;
		int32_t want_year;
		uint8_t want_month, want_day;
	} dates[] = {
		{ 2026, 3, 31, 1, 2026, 2, 28 },   { 2024, 3, 31, 1, 2024, 2, 29 },
		{ 2026, 1, 15, 1, 2025, 12, 15 },  { 2026, 12, 31, 12, 2025, 12, 31 },
		{ 2026, 5, 31, 240, 2006, 5, 31 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		struct civil from = { dates[i].year, dates[i].month, dates[i].day, 1, 2, 3, 4 };
		struct civil got =
		        civil_of_us(window_months_before(civil_to_us(&from), dates[i].months));

		if (got.year != dates[i].want_year || got.month != dates[i].want_month ||
		    got.day != dates[i].want_day || got.second != 3)
			fail_msg("case %zu: %d-%u-%u", i, got.year, got.month, got.day);
	}
}

/* Rows end retrain.label_delay_seconds before the labels; the months count from there. */
static void test_window_times(void **state)
{
	static const struct {
		const char *from, *until;
		uint32_t delay;
		int r;
		const char *want_from, *want_until, *want_labels, *words;
	} times[] = {
		{ NULL, "2026-03-31", 0, 0, "2026-02-28T00:00:00.000000",
		  "2026-03-31T00:00:00.000000", "2026-03-31T00:00:00.000000", "" },
		{ NULL, "2026-03-31", 86400, 0, "2026-02-28T00:00:00.000000",
		  "2026-03-30T00:00:00.000000", "2026-03-31T00:00:00.000000",
		  "; rows end 86400 s (retrain.label_delay_seconds) before "
		  "2026-03-31T00:00:00.000000" },
		{ "2026-01-01", "2026-03-01T00:00:00Z", 90, 0, "2026-01-01T00:00:00.000000",
		  "2026-03-01T08:58:30.000000", "2026-03-01T09:00:00.000000",
		  "; rows end 90 s (retrain.label_delay_seconds) before "
		  "2026-03-01T09:00:00.000000" },
		{ "2026-03-01", "2026-03-02", 86400, -EINVAL, "", "", "2026-03-02T00:00:00.000000",
		  "; rows end 86400 s (retrain.label_delay_seconds) before "
		  "2026-03-02T00:00:00.000000" },
		{ "2026-03-01", "2026-03-01", 0, -EINVAL, "", "", "2026-03-01T00:00:00.000000",
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct settings s = { .retrain = { .window_months = 1,
			                           .label_delay_seconds = times[i].delay } };
		struct window_options o = { .from = times[i].from, .until = times[i].until };
		struct window w = { 0 };
		struct errbuf err = { "" };
		char words[WINDOW_WORDS];
		int r = window_choose_times(&w, &o, 32400, &s, &err);

		window_print_delay(&w, words);
		if (r != times[i].r || strcmp(w.from, times[i].want_from) != 0 ||
		    strcmp(w.until, times[i].want_until) != 0 ||
		    strcmp(w.labels_until, times[i].want_labels) != 0 ||
		    strcmp(words, times[i].words) != 0)
			fail_msg("case %zu: %d \"%s\" \"%s\" \"%s\" \"%s\" \"%s\"", i, r, w.from,
			         w.until, w.labels_until, words, err.text);
		if (r < 0 && !strstr(err.text, *words ? words : "before it begins"))
			fail_msg("case %zu: \"%s\"", i, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_months),
		cmocka_unit_test(test_window_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
