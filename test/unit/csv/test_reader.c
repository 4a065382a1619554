/*
 * Files as the rows and faults they give, in one piece and in every way to cut them once or twice;
 * limits; words; fields that are written read back the same.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "csv/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* STR() for a static table */
#define TEXT(literal)                                                                              \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

/* "1:[a][b] 2!what " */
static int on_row(void *self, uint64_t line, const struct str *fields, size_t count)
{
	struct strbuf *b = self;

	strbuf_addf(b, "%u:", (unsigned)line);
	for (size_t i = 0; i < count; i++) {
		strbuf_addc(b, '[');
		strbuf_add(b, fields[i].p, fields[i].n);
		strbuf_addc(b, ']');
	}
	strbuf_addc(b, ' ');
	return 0;
}

static int on_bad_row(void *self, uint64_t line, const char *what)
{
	strbuf_addf(self, "%u!%s ", (unsigned)line, what);
	return 0;
}

/* Each piece lies in memory of its own, gone before the next: nothing may be kept or overread. */
static int feed(struct csv_reader *r, struct str piece, struct errbuf *err)
{
	char *copy = malloc(piece.n ? piece.n : 1);
	int result;

	assert_non_null(copy);
	if (piece.n)
		memcpy(copy, piece.p, piece.n);
	result = csv_read(r, (struct str){ copy, piece.n }, err);
	free(copy);
	return result;
}

static void read_cut(struct str text, size_t first, size_t second, struct strbuf *b)
{
	const struct csv_options options = { .max_field = 12,
		                             .max_row = 24,
		                             .max_fields = 4,
		                             .on_row = on_row,
		                             .on_bad_row = on_bad_row,
		                             .self = b };
	struct csv_reader *r;

	strbuf_reset(b);
	strbuf_adds(b, "");
	assert_int_equal(csv_reader_new(&options, &r), 0);
	assert_int_equal(feed(r, (struct str){ text.p, first }, NULL), 0);
	assert_int_equal(feed(r, (struct str){ text.p + first, second - first }, NULL), 0);
	assert_int_equal(feed(r, (struct str){ text.p + second, text.n - second }, NULL), 0);
	assert_int_equal(csv_finish(r, NULL), 0);
	csv_reader_free(r);
}

#define MIDDLE "quote inside a field that does not begin with one"
#define BEHIND "text behind a closing quote"
#define OPEN "quoted field without its closing quote"

static const struct {
	struct str text;
	const char *rows;
} files[] = {
	{ TEXT(""), "" },
	{ TEXT("a"), "1:[a] " },
	{ TEXT("a,b\n1,2\n"), "1:[a][b] 2:[1][2] " },
	{ TEXT("a,b\r\n1,2\r\n"), "1:[a][b] 2:[1][2] " },
	{ TEXT("a,b\n1,2"), "1:[a][b] 2:[1][2] " },
	{ TEXT(",\n,,\na,\n,a\n"), "1:[][] 2:[][][] 3:[a][] 4:[][a] " },
	{ TEXT("a,"), "1:[a][] " },
	{ TEXT("\n\r\n\na\n\n\nb\n\n"), "4:[a] 7:[b] " },
	/* quotes */
	{ TEXT("\"a\",\"b,c\"\n\"d\"\n"), "1:[a][b,c] 2:[d] " },
	{ TEXT("\"a \"\"b\"\" c\"\n\"\"\"\"\n"), "1:[a \"b\" c] 2:[\"] " },
	{ TEXT("\"a\nb\",\"\r\nc\"\nd\n"), "1:[a\nb][\r\nc] 4:[d] " },
	{ TEXT("\"\"\n\"\",\"\"\n"), "1:[] 2:[][] " },
	{ TEXT("\"a\"\r\nb\r\n"), "1:[a] 2:[b] " },
	{ TEXT("\"a\""), "1:[a] " },
	{ TEXT("a,\"\"\"\n\"\"\"\nb\n"), "1:[a][\"\n\"] 3:[b] " },
	/* blanks are data */
	{ TEXT(" a , b\n\t\n"), "1:[ a ][ b] 2:[\t] " },
	{ TEXT(" \"a\"\nb\n"), "1!" MIDDLE " 2:[b] " },
	/* a BOM, half of one, one that comes late */
	{ TEXT("\xef\xbb\xbf"
	       "a\nb\n"),
	  "1:[a] 2:[b] " },
	{ TEXT("\xef\xbb\xbf"), "" },
	{ TEXT("\xef\xbb\xbf\"a\"\n"), "1:[a] " },
	{ TEXT("\xef\xbb\xbf\xef\xbb\xbf"
	       "a\n"),
	  "1:[\xef\xbb\xbf"
	  "a] " },
	{ TEXT("\xef\xbb"
	       "a\nb\n"),
	  "1!not UTF-8 2:[b] " },
	{ TEXT("\xef\xbb"), "1!not UTF-8 " },
	{ TEXT("\xef\xbc\xa1,b\n"), "1:[\xef\xbc\xa1][b] " },
	/* faults end at the next LF */
	{ TEXT("a\"b,c\nd,e\n"), "1!" MIDDLE " 2:[d][e] " },
	{ TEXT("\"a\"b,c\nd,e\n"), "1!" BEHIND " 2:[d][e] " },
	{ TEXT("\"a\" ,c\nd\n"), "1!" BEHIND " 2:[d] " },
	{ TEXT("a,b\nc,\"d\ne,f\n"), "1:[a][b] 2!" OPEN " " },
	{ TEXT("a\rb\nc\n"), "1!CR without LF 2:[c] " },
	{ TEXT("a\r\r\nc\n"), "1!CR without LF 2:[c] " },
	{ TEXT("\ra\nc\n"), "1!CR without LF 2:[c] " },
	{ TEXT("\"a\"\rb\nc\n"), "1!CR without LF 2:[c] " },
	{ TEXT("a\r"), "1!CR without LF " },
	{ TEXT("\"a\rb\"\nc\n"), "1:[a\rb] 2:[c] " },
	{ TEXT("a\"b"), "1!" MIDDLE " " },
	/* UTF-8 within each field, NUL is data */
	{ TEXT("\xc3\xa9,\xe2\x82\xac\n"), "1:[\xc3\xa9][\xe2\x82\xac] " },
	{ TEXT("\"\xc3\xa9\",x\n"), "1:[\xc3\xa9][x] " },
	{ TEXT("a,\xff\nb\n"), "1!not UTF-8 2:[b] " },
	{ TEXT("\"a\",\"\xff\"\nb\n"), "1!not UTF-8 2:[b] " },
	{ TEXT("\"\xc3\",\"\xa9\"\nb\n"), "1!not UTF-8 2:[b] " },
	{ TEXT("\xc3,\xa9\nb"), "1!not UTF-8 2:[b] " },
	{ TEXT("b\n\xc3"), "1:[b] 2!not UTF-8 " },
	/* limits: 12 bytes a field, 24 a row, 4 fields */
	{ TEXT("123456789012,b\r\nc\n"), "1:[123456789012][b] 2:[c] " },
	{ TEXT("1234567890123,b\nc\n"), "1!field too long 2:[c] " },
	{ TEXT("\"123456789012\",b\nc\n"), "1:[123456789012][b] 2:[c] " },
	{ TEXT("\"12345678901\"\"\",b\nc\n"), "1:[12345678901\"][b] 2:[c] " },
	{ TEXT("\"123456789012\"\"\",b\nc\n"), "1!field too long 2:[c] " },
	{ TEXT("a,123456789012\r\nc\n"), "1:[a][123456789012] 2:[c] " },
	{ TEXT("a,1234567890123\r\nc\n"), "1!field too long 2:[c] " },
	{ TEXT("12345678901,123456789012\r\nc"), "1:[12345678901][123456789012] 2:[c] " },
	{ TEXT("12345678901,12345678901,\r\nc"), "1:[12345678901][12345678901][] 2:[c] " },
	{ TEXT("12345678901,12345678901,x\nc"), "1!row too long 2:[c] " },
	{ TEXT("123456789012,123456789012\nc"), "1!row too long 2:[c] " },
	{ TEXT("\"12345678901\",\"12345678\"\nc"), "1:[12345678901][12345678] 2:[c] " },
	{ TEXT("\"12345678901\",\"123456789\"\nc"), "1!row too long 2:[c] " },
	{ TEXT("a,b,c,d\ne\n"), "1:[a][b][c][d] 2:[e] " },
	{ TEXT("a,b,c,d,\ne\n"), "1!too many fields 2:[e] " },
	{ TEXT("a,b,c,d,e\nf\n"), "1!too many fields 2:[f] " },
	{ TEXT("\"a\",b,c,d,e\nf\n"), "1!too many fields 2:[f] " },
	{ TEXT("\"1\n2\n3\n4\n5\n6\n7\n8\n9\"\nx\n"),
	  "1!field too long 8:[8] 9!" MIDDLE " 10:[x] " },
};

static void whole(void **unused)
{
	struct strbuf b = { 0 };

	(void)unused;
	for (size_t i = 0; i < COUNT(files); i++) {
		read_cut(files[i].text, 0, 0, &b);
		if (strcmp(b.p, files[i].rows) != 0)
			fail_msg("case %zu: %s", i, b.p);
	}
	strbuf_done(&b);
}

static void every_cut(void **unused)
{
	struct strbuf b = { 0 };

	(void)unused;
	for (size_t i = 0; i < COUNT(files); i++) {
		for (size_t second = 0; second <= files[i].text.n; second++) {
			for (size_t first = 0; first <= second; first++) {
				read_cut(files[i].text, first, second, &b);
				if (strcmp(b.p, files[i].rows) != 0)
					fail_msg("case %zu, cut at %zu and %zu: %s", i, first,
					         second, b.p);
			}
		}
	}
	strbuf_done(&b);
}

static void byte_by_byte(void **unused)
{
	struct strbuf b = { 0 };

	(void)unused;
	for (size_t i = 0; i < COUNT(files); i++) {
		const struct csv_options options = { 12, 24, 4, on_row, on_bad_row, &b };
		struct csv_reader *r;

		strbuf_reset(&b);
		strbuf_adds(&b, "");
		assert_int_equal(csv_reader_new(&options, &r), 0);
		for (size_t k = 0; k < files[i].text.n; k++)
			feed(r, (struct str){ files[i].text.p + k, 1 }, NULL);
		assert_int_equal(csv_finish(r, NULL), 0);
		csv_reader_free(r);
		if (strcmp(b.p, files[i].rows) != 0)
			fail_msg("case %zu: %s", i, b.p);
	}
	strbuf_done(&b);
}

static void words(void **unused)
{
	static const struct {
		const char *text, *words; /* NULL: good */
	} cases[] = {
		{ "a,b\n\"c\nd\",e\n", NULL },
		{ "a,b\nc\"d,e\n", "line 2: " MIDDLE },
		{ "a,b\n\"c\nd\"x\n", "line 2: " BEHIND },
		{ "a,b\n\n\"c", "line 3: " OPEN },
		{ "a\xff\n", "line 1: not UTF-8" },
		{ "a\r", "line 1: CR without LF" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct strbuf b = { 0 };
		const struct csv_options options = { .on_row = on_row, .self = &b };
		struct csv_reader *r;
		struct errbuf err = { "" };
		int result;

		assert_int_equal(csv_reader_new(&options, &r), 0);
		result = feed(r, str_of(cases[i].text), &err);
		if (result == 0)
			result = csv_finish(r, &err);
		if (result != (cases[i].words ? -EBADMSG : 0) ||
		    strcmp(err.text, cases[i].words ? cases[i].words : "") != 0)
			fail_msg("case %zu: %d, %s", i, result, err.text);
		csv_reader_free(r);
		strbuf_done(&b);
	}
}

static int refuse_row(void *self, uint64_t line, const struct str *fields, size_t count)
{
	(void)fields;
	(void)count;
	++*(int *)self;
	return line == 3 ? -ECANCELED : 0;
}

static int refuse_bad_row(void *self, uint64_t line, const char *what)
{
	(void)self;
	(void)line;
	(void)what;
	return -ENOSPC;
}

static void refusals(void **unused)
{
	static const struct {
		const char *text;
		int result, rows;
	} cases[] = {
		{ "a\nb\nc\nd\n", -ECANCELED, 3 }, { "a\nb\n\"c\"\nd\n", -ECANCELED, 3 },
		{ "a\nb\nc", -ECANCELED, 3 },      { "a\n\"b\n", -ENOSPC, 1 },
		{ "a\nb\"\nc\n", -ENOSPC, 1 },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int rows = 0;
		const struct csv_options options = { .on_row = refuse_row,
			                             .on_bad_row = refuse_bad_row,
			                             .self = &rows };
		struct csv_reader *r;
		struct errbuf err = { "" };
		int result;

		assert_int_equal(csv_reader_new(&options, &r), 0);
		result = feed(r, str_of(cases[i].text), &err);
		if (result == 0)
			result = csv_finish(r, &err);
		if (result != cases[i].result || rows != cases[i].rows || err.text[0])
			fail_msg("case %zu: %d, %d rows, %s", i, result, rows, err.text);
		csv_reader_free(r);
	}
}

/* The limits of the header, without any being set. */
static void default_limits(void **unused)
{
	static const struct {
		size_t field, fields;
		const char *what; /* NULL: a row */
	} cases[] = {
		{ 65536, 1, NULL },  { 65537, 1, "field too long" },
		{ 1, 4096, NULL },   { 1, 4097, "too many fields" },
		{ 65535, 16, NULL }, { 65536, 16, "row too long" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct strbuf text = { 0 }, b = { 0 };
		const struct csv_options options = { .on_row = on_row,
			                             .on_bad_row = on_bad_row,
			                             .self = &b };
		struct csv_reader *r;

		for (size_t k = 0; k < cases[i].fields; k++) {
			if (k > 0)
				strbuf_addc(&text, ',');
			for (size_t n = 0; n < cases[i].field; n++)
				strbuf_addc(&text, 'x');
		}
		strbuf_addc(&text, '\n');
		assert_int_equal(csv_reader_new(&options, &r), 0);
		assert_int_equal(feed(r, strbuf_str(&text), NULL), 0);
		assert_int_equal(csv_finish(r, NULL), 0);
		if (!strstr(b.p, cases[i].what ? cases[i].what : "1:[x"))
			fail_msg("case %zu: %.40s", i, b.p);
		csv_reader_free(r);
		strbuf_done(&text);
		strbuf_done(&b);
	}
}

static void fields_written(void **unused)
{
	static const struct {
		const char *text, *first, *later;
	} cases[] = {
		{ "a", "a", ",a" },
		{ "", "\"\"", "," },
		{ " a ", " a ", ", a " },
		{ "a,b", "\"a,b\"", ",\"a,b\"" },
		{ "a\"b", "\"a\"\"b\"", ",\"a\"\"b\"" },
		{ "\"", "\"\"\"\"", ",\"\"\"\"" },
		{ "a\nb", "\"a\nb\"", ",\"a\nb\"" },
		{ "a\r", "\"a\r\"", ",\"a\r\"" },
		{ "\u2191", "\u2191", ",\u2191" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct strbuf b = { 0 };

		csv_write_field(&b, str_of(cases[i].text), true);
		if (strcmp(b.p, cases[i].first) != 0)
			fail_msg("case %zu: %s", i, b.p);
		strbuf_reset(&b);
		csv_write_field(&b, str_of(cases[i].text), false);
		if (strcmp(b.p, cases[i].later) != 0)
			fail_msg("case %zu: %s", i, b.p);
		strbuf_done(&b);
	}
}

/* Random tables of nasty bytes, written, read in random pieces. */
static void add_table(struct random *random, struct strbuf *csv, struct strbuf *rows)
{
	static const char letters[] = "ab,\"\n\r \xc3";
	uint64_t line = 1;

	for (uint64_t row = 0, count = random_below(random, 20); row < count; row++) {
		uint64_t fields = 1 + random_below(random, 4), ends = 1;

		strbuf_addf(rows, "%u:", (unsigned)line);
		for (uint64_t i = 0; i < fields; i++) {
			char text[12];
			size_t n = 0, length = random_below(random, 6);

			while (n < length) {
				text[n] = letters[random_below(random, sizeof(letters) - 1)];
				ends += text[n] == '\n';
				if (text[n++] == '\xc3')
					text[n++] = '\xa9';
			}
			csv_write_field(csv, (struct str){ text, n }, i == 0);
			strbuf_addc(rows, '[');
			strbuf_add(rows, text, n);
			strbuf_addc(rows, ']');
		}
		strbuf_adds(csv, random_below(random, 2) ? "\r\n" : "\n");
		strbuf_addc(rows, ' ');
		line += ends;
	}
}

static void read_random(struct random *random, struct str text, struct strbuf *b)
{
	const struct csv_options options = { .on_row = on_row,
		                             .on_bad_row = on_bad_row,
		                             .self = b };
	struct csv_reader *r;

	assert_int_equal(csv_reader_new(&options, &r), 0);
	while (text.n > 0) {
		size_t n = random_below(random, 40);

		n = n < text.n ? n : text.n;
		assert_int_equal(feed(r, (struct str){ text.p, n }, NULL), 0);
		text = (struct str){ text.p + n, text.n - n };
	}
	assert_int_equal(csv_finish(r, NULL), 0);
	csv_reader_free(r);
}

static void written_and_read(void **unused)
{
	struct random random;

	(void)unused;
	random_seed(&random, 3);
	for (int i = 0; i < 2000; i++) {
		struct strbuf csv = { 0 }, rows = { 0 }, b = { 0 };

		add_table(&random, &csv, &rows);
		read_random(&random, strbuf_str(&csv), &b);
		if (!str_equal(strbuf_str(&rows), strbuf_str(&b)))
			fail_msg("table %d: %s instead of %s", i, b.p, rows.p);
		strbuf_done(&csv);
		strbuf_done(&rows);
		strbuf_done(&b);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),          cmocka_unit_test(every_cut),
		cmocka_unit_test(byte_by_byte),   cmocka_unit_test(words),
		cmocka_unit_test(refusals),       cmocka_unit_test(default_limits),
		cmocka_unit_test(fields_written), cmocka_unit_test(written_and_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
