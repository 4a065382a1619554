/*
 * Three sources, one meaning: random rows as JSON, as CSV text and as PostgreSQL's binary values
 * give the same feature bits; and what each source makes of absent, empty and unreadable values.
 */
#include <endian.h>
#include <errno.h>
#include <math.h>

#include "base/civil.h"
#include "base/random.h"
#include "base/strbuf.h"
#include "fixture.h"
#include "json/writer.h"

#define PROGRAM                                                                                    \
	"version: 1\n"                                                                             \
	"timezone: +09:00\n"                                                                       \
	"inputs:\n"                                                                                \
	"  - { name: k, type: integer, required: true, role: key }\n"                              \
	"  - { name: t, type: datetime, required: true, role: time }\n"                            \
	"  - { name: d, type: date, missing: [\"9999-01-01\"] }\n"                                 \
	"  - { name: x, type: number, required: true }\n"                                          \
	"  - { name: n, type: integer, default: 3 }\n"                                             \
	"  - { name: c, type: category }\n"                                                        \
	"  - { name: s, type: text, private: true }\n"                                             \
	"features:\n"                                                                              \
	"  - { name: k, op: number, of: k }\n"                                                     \
	"  - { name: x, op: number, of: x }\n"                                                     \
	"  - { name: n, op: number, of: n }\n"                                                     \
	"  - { name: l, op: log1p, of: x }\n"                                                      \
	"  - { name: h, op: date_part, of: t, part: hour }\n"                                      \
	"  - { name: a, op: days_between, of: [t, d] }\n"                                          \
	"  - { name: m, op: date_part, of: d, part: month }\n"                                     \
	"  - { name: r, op: ratio, of: [x, a] }\n"                                                 \
	"  - { name: e, op: not_equal, of: [c, s] }\n"                                             \
	"  - { name: f, op: flag, all: [\"c in [KR, CN]\"] }\n"

static int faults_seen;

static void on_fault(void *self, uint32_t input, const struct field_fault *fault,
                     const struct cJSON *value)
{
	struct strbuf *log = self;

	(void)value;
	strbuf_addf(log, "%u:%s ", input, fault->type);
	faults_seen++;
}

/* numeric's wire form of a decimal text without exponent. */
static size_t encode_numeric(const char *text, unsigned char *ret)
{
	const char *point = strchr(text, '.');
	bool negative = text[0] == '-';
	const char *first = text + negative;
	size_t whole = point ? (size_t)(point - first) : strlen(first);
	size_t fraction = point ? strlen(point + 1) : 0;
	size_t groups = (whole + 3) / 4, pad = groups * 4 - whole, count;
	char digits[2100];
	uint16_t words[4];
	size_t n = 0;

	memset(digits, '0', sizeof(digits));
	for (n = 0; n < whole; n++)
		digits[pad + n] = first[n];
	for (n = 0; n < fraction; n++)
		digits[pad + whole + n] = point[1 + n];
	count = groups + (fraction + 3) / 4;
	words[0] = htobe16((uint16_t)count);
	words[1] = htobe16((uint16_t)(groups - 1));
	words[2] = htobe16(negative ? 0x4000 : 0);
	words[3] = htobe16((uint16_t)fraction);
	memcpy(ret, words, 8);
	for (n = 0; n < count; n++) {
		const char *g = digits + 4 * n;
		unsigned v = (unsigned)((g[0] - '0') * 1000 + (g[1] - '0') * 100 +
		                        (g[2] - '0') * 10 + (g[3] - '0'));

		ret[8 + 2 * n] = (unsigned char)(v >> 8);
		ret[9 + 2 * n] = (unsigned char)v;
	}
	return 8 + 2 * count;
}

struct source_row {
	char key[32], time[64], date[32], number[64], count[32], category[8], text[16];
	int64_t time_us, date_days; /* UTC */
	bool has_date;
};

static void draw(struct random *rng, struct source_row *r)
{
	static const char *const categories[] = { "KR", "CN", "US", "", "kr" };
	struct civil c;

	snprintf(r->key, sizeof(r->key), "%lld",
	         (long long)(random_u64(rng) >> (1 + random_below(rng, 62))));
	snprintf(r->number, sizeof(r->number), "%s%llu.%04llu", random_below(rng, 4) ? "" : "-",
	         (unsigned long long)random_below(rng, UINT64_C(1) << random_below(rng, 60)),
	         (unsigned long long)random_below(rng, 10000));
	snprintf(r->count, sizeof(r->count), "%d", (int)random_below(rng, 50));
	snprintf(r->category, sizeof(r->category), "%s", categories[random_below(rng, 5)]);
	snprintf(r->text, sizeof(r->text), "%s", categories[random_below(rng, 5)]);
	r->time_us = (int64_t)random_below(rng, UINT64_C(4000000000)) * 1000000 +
	             (int64_t)random_below(rng, 1000000);
	c = civil_of_us(r->time_us);
	snprintf(r->time, sizeof(r->time), "%04d-%02d-%02dT%02d:%02d:%02d.%06uZ", c.year, c.month,
	         c.day, c.hour, c.minute, c.second, c.microsecond);
	r->date_days = (int64_t)random_below(rng, 30000);
	r->has_date = random_below(rng, 4) > 0;
	c = civil_of_us(r->date_days * CIVIL_DAY_US);
	snprintf(r->date, sizeof(r->date), "%04d-%02d-%02d", c.year, c.month, c.day);
}

static void run_json(struct fixture *f, const struct source_row *r, struct strbuf *log)
{
	struct arena a = { 0 };
	const struct cJSON *object;
	struct json_fault fault;
	char *text = arena_printf(&a,
	                          "{\"s\": \"%s\", \"extra\": [1], \"x\": %s, \"k\": %s, \"t\": "
	                          "\"%s\", \"d\": %s%s%s, \"n\": %s, \"c\": \"%s\"}",
	                          r->text, r->number, r->key, r->time, r->has_date ? "\"" : "",
	                          r->has_date ? r->date : "null", r->has_date ? "\"" : "", r->count,
	                          r->category);

	if (json_parse(str_of(text), &a, &object, &fault) < 0)
		fail_msg("%s: %s", text, fault.what);
	if (row_from_json(&f->p, object, &a, f->row, on_fault, log) != 0)
		fail_msg("%s: %s", text, log->p);
	fixture_run(f);
	arena_done(&a);
}

static void run_csv(struct fixture *f, const struct source_row *r, struct strbuf *log)
{
	const struct str names[] = { STR("c"), STR("x"), STR("other"), STR("k"),
		                     STR("d"), STR("t"), STR("s"),     STR("n") };
	const struct str fields[] = { str_of(r->category),
		                      str_of(r->number),
		                      STR("?"),
		                      str_of(r->key),
		                      r->has_date ? str_of(r->date) : STR("NULL"),
		                      str_of(r->time),
		                      str_of(r->text),
		                      str_of(r->count) };
	struct arena a = { 0 };
	struct errbuf err = { "" };
	struct row_columns columns;

	if (row_columns(&f->p, names, COUNT(names), &a, &columns, &err) < 0)
		fail_msg("%s", err.text);
	if (row_from_fields(&f->p, &columns, fields, COUNT(fields), f->row, on_fault, log) != 0)
		fail_msg("%s", log->p);
	fixture_run(f);
	arena_done(&a);
}

static void set_binary(struct fixture *f, unsigned i, enum column_type type, const void *p,
                       size_t n)
{
	struct field_fault fault;

	assert_true(column_fits(f->p.inputs[i].type, type));
	if (cell_from_binary(&f->p.inputs[i], type, p, n, &f->row[i], &fault) < 0)
		fail_msg("input %u: %s", i, fault.message);
}

static void run_binary(struct fixture *f, const struct source_row *r)
{
	uint64_t key = htobe64((uint64_t)strtoll(r->key, NULL, 10));
	uint64_t time = htobe64((uint64_t)(r->time_us - 10957 * CIVIL_DAY_US));
	uint32_t date = htobe32((uint32_t)(r->date_days - 10957));
	uint32_t count = htobe32((uint32_t)atoi(r->count));
	unsigned char numeric[128];
	size_t n = encode_numeric(r->number, numeric);

	program_row_reset(&f->p, f->row);
	set_binary(f, 0, COLUMN_INT8, &key, 8);
	set_binary(f, 1, COLUMN_TIMESTAMPTZ, &time, 8);
	set_binary(f, 2, COLUMN_DATE, r->has_date ? &date : NULL, 4);
	set_binary(f, 3, COLUMN_NUMERIC, numeric, n);
	set_binary(f, 4, COLUMN_INT4, &count, 4);
	set_binary(f, 5, COLUMN_TEXT, r->category, strlen(r->category));
	set_binary(f, 6, COLUMN_TEXT, r->text, strlen(r->text));
	fixture_run(f);
}

static void same_bits(void **unused)
{
	struct fixture f = { 0 };
	struct strbuf log = { 0 };
	struct random rng;
	float kept[16];
	size_t size;

	(void)unused;
	json_setup();
	random_seed(&rng, 42);
	fixture_declare(&f, STR(PROGRAM));
	fixture_open(&f);
	size = f.p.feature_count * sizeof(float);
	for (int i = 0; i < 20000; i++) {
		struct source_row r;

		draw(&rng, &r);
		run_json(&f, &r, &log);
		memcpy(kept, f.features, size);
		run_csv(&f, &r, &log);
		if (memcmp(kept, f.features, size) != 0)
			fail_msg("row %d: CSV differs from JSON: x %s t %s", i, r.number, r.time);
		run_binary(&f, &r);
		if (memcmp(kept, f.features, size) != 0)
			fail_msg("row %d: binary differs: x %s t %s d %s", i, r.number, r.time,
			         r.date);
	}
	strbuf_done(&log);
	fixture_done(&f);
}

static const struct {
	const char *input, *text, *want; /* "": absent; "!type": a fault */
} text_cell_cases[] = {
	{ "k", "5692339.0", "5692339" },
	{ "k", "", "!missing" },
	{ "k", "NULL", "!missing" },
	{ "k", "x", "!int_parsing" },
	{ "k", "9223372036854775808", "!int_parsing_size" },
	{ "n", "", "3" },
	{ "n", "None", "3" },
	{ "n", "NaN", "3" },
	{ "n", "nan", "!int_parsing" },
	{ "x", "nan", "!finite_number" },
	{ "x", "NaN", "!missing" },
	{ "x", "1.5.", "!float_parsing" },
	{ "d", "NaT", "" },
	{ "d", "9999-01-01", "" },
	{ "d", "01/01/9999", "" },
	{ "d", "9999-01-01 10:00", "" },
	{ "d", "2026-13-01", "!date_from_datetime_parsing" },
	{ "d", "2026-01-01", "1767225600000000" },
	{ "d", "2026-01-01T16:00:00Z", "1767312000000000" }, /* the next day at +09:00 */
	{ "d", "86400", "86400000000" },
	{ "d", "86401", "!date_from_datetime_inexact" },
	{ "t", "2026-01-01", "1767225600000000" },
	{ "t", "2026-01-01T00:00:00Z", "1767258000000000" },
	{ "t", "2026-01-01 00:00:00+00", "1767258000000000" },
	{ "t", "2026/01/01 00:00", "1767225600000000" },
	{ "t", "01/01/2026 00:00", "1767225600000000" },
	{ "t", "01/01/2026", "1767225600000000" },
	{ "t", "1/1/2026", "!datetime_from_date_parsing" },
	{ "t", "2026/01-01", "!datetime_from_date_parsing" },
	{ "t", "13/01/2026", "!datetime_from_date_parsing" },
	{ "t", "9999-01-01", "253370764800000000" }, /* not in its list */
	{ "c", "\xFF", "!string_unicode" },
	{ "c", "a", "text" },
};

static void text_cells(void **unused)
{
	struct fixture f = { 0 };

	(void)unused;
	fixture_declare(&f, STR(PROGRAM));
	fixture_open(&f);
	for (size_t i = 0; i < COUNT(text_cell_cases); i++) {
		const struct program_input *in =
		        &f.p.inputs[program_find_input(&f.p, str_of(text_cell_cases[i].input))];
		struct field_fault fault;
		struct cell cell;
		char got[64] = "";
		int r = cell_from_text(in, str_of(text_cell_cases[i].text), &cell, &fault);

		if (r < 0)
			snprintf(got, sizeof(got), "!%s", fault.type);
		else if (cell.present && in->type == INPUT_CATEGORY)
			snprintf(got, sizeof(got), "text");
		else if (cell.present)
			snprintf(got, sizeof(got), "%lld", (long long)cell.v.integer);
		if (strcmp(got, text_cell_cases[i].want) != 0)
			fail_msg("case %zu: %s \"%s\": %s, wanted %s", i, text_cell_cases[i].input,
			         text_cell_cases[i].text, got, text_cell_cases[i].want);
	}
	fixture_done(&f);
}

static void json_rows(void **unused)
{
	static const struct {
		const char *json, *faults;
	} cases[] = {
		{ "{\"k\":1,\"t\":\"2026-01-01\",\"x\":1}", "" },
		{ "{}", "0:missing 1:missing 3:missing " },
		{ "{\"x\":\"a\",\"k\":true}", "1:missing 3:float_parsing " },
		{ "{\"x\":null,\"k\":null,\"t\":null,\"n\":null,\"d\":null,\"c\":null,\"s\":null}",
		  "0:int_type 1:datetime_type 3:float_type 4:int_type " },
		{ "{\"k\":1,\"t\":\"2026-01-01\",\"x\":1,\"c\":\"\",\"d\":\"\",\"s\":\"\"}", "" },
		{ "{\"k\":1,\"t\":\"\",\"x\":\"\",\"n\":\"\"}",
		  "1:datetime_from_date_parsing 3:float_parsing 4:int_parsing " },
		{ "{\"k\":1.5,\"t\":true,\"x\":1e999,\"c\":5,\"s\":[]}",
		  "0:int_from_float 1:datetime_type 3:finite_number 5:string_type "
		  "6:string_type " },
		{ "{\"k\":99999999999999999999,\"t\":0,\"x\":{},\"d\":1.5}",
		  "0:int_parsing_size 2:date_from_datetime_inexact 3:float_type " },
	};
	struct fixture f = { 0 };

	(void)unused;
	json_setup();
	fixture_declare(&f, STR(PROGRAM));
	fixture_open(&f);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct strbuf log = { 0 };
		struct arena a = { 0 };
		const struct cJSON *object;
		struct json_fault fault;
		int r;

		faults_seen = 0;
		assert_int_equal(json_parse(str_of(cases[i].json), &a, &object, &fault), 0);
		r = row_from_json(&f.p, object, &a, f.row, on_fault, &log);
		if (r != faults_seen || strcmp(log.p ? log.p : "", cases[i].faults) != 0)
			fail_msg("case %zu: %d %s", i, r, log.p);
		strbuf_done(&log);
		arena_done(&a);
	}
	fixture_done(&f);
}

static void columns(void **unused)
{
	static const struct {
		const char *header; /* names between commas */
		int r;
		const char *words;
	} cases[] = {
		{ "k,t,x", 0, "" },
		{ "x,unknown,t,k,d", 0, "" },
		{ "x,t,k,x", -EEXIST, "Duplicate column in CSV: x" },
		{ "x,t,k,y,y", -EEXIST, "Duplicate column in CSV: y" },
		{ "t,d", -ENOENT, "Missing required columns in CSV: k, x" },
		{ "", -ENOENT, "Missing required columns in CSV: k, t, x" },
	};
	struct fixture f = { 0 };

	(void)unused;
	fixture_declare(&f, STR(PROGRAM));
	fixture_open(&f);
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *next = arena_strdup(&f.a, cases[i].header);
		struct errbuf err = { "" };
		struct row_columns c;
		struct str names[8];
		size_t n = 0;

		for (char *name; (name = strsep(&next, ","));)
			names[n++] = str_of(name);
		if (row_columns(&f.p, names, n, &f.a, &c, &err) != cases[i].r ||
		    strcmp(err.text, cases[i].words) != 0)
			fail_msg("case %zu: %s", i, err.text);
	}
	fixture_done(&f);
}

static void short_and_long_rows(void **unused)
{
	const struct str names[] = { STR("k"), STR("t"), STR("n"), STR("x") };
	const struct str fields[] = { STR("1"), STR("2026-01-01"), STR("7"), STR("1"), STR("2") };
	struct strbuf log = { 0 };
	struct fixture f = { 0 };
	struct errbuf err = { "" };
	struct row_columns c;

	(void)unused;
	fixture_declare(&f, STR(PROGRAM));
	fixture_open(&f);
	assert_int_equal(row_columns(&f.p, names, 4, &f.a, &c, &err), 0);
	assert_int_equal(row_from_fields(&f.p, &c, fields, 4, f.row, on_fault, &log), 0);
	assert_int_equal(row_from_fields(&f.p, &c, fields, 3, f.row, on_fault, &log), 1);
	assert_string_equal(log.p, "3:missing ");
	assert_int_equal(row_from_fields(&f.p, &c, fields, 5, f.row, on_fault, &log), -E2BIG);
	assert_int_equal(row_from_fields(&f.p, &c, fields, 0, f.row, on_fault, &log), 3);
	assert_true(f.row[4].present && f.row[4].v.integer == 3); /* its default */
	strbuf_done(&log);
	fixture_done(&f);
}

static const struct {
	const char *input;
	enum column_type type;
	const char *bytes;
	size_t n;
	const char *want; /* "": absent; "!type": a fault */
} binary_cell_cases[] = {
	{ "k", COLUMN_INT2, "\xFF\xFE", 2, "-2" },
	{ "k", COLUMN_INT4, "\xFF\xFF\xFF\xFD", 4, "-3" },
	{ "k", COLUMN_INT8, "\x80\0\0\0\0\0\0\0", 8, "-9223372036854775808" },
	{ "k", COLUMN_BOOL, "\x01", 1, "1" },
	{ "k", COLUMN_FLOAT8, "\x40\x08\0\0\0\0\0\0", 8, "3" },
	{ "k", COLUMN_FLOAT8, "\x40\x0C\0\0\0\0\0\0", 8, "!int_from_float" },
	{ "k", COLUMN_FLOAT8, "\x7F\xF8\0\0\0\0\0\0", 8, "!missing" },
	{ "n", COLUMN_FLOAT8, "\x7F\xF8\0\0\0\0\0\0", 8, "3" },
	{ "k", COLUMN_NUMERIC, "\0\x01\0\0\0\0\0\0\0\x07", 10, "7" },
	{ "k", COLUMN_NUMERIC, "\0\x01\0\x01\0\0\0\0\0\x07", 10, "70000" },
	{ "k", COLUMN_NUMERIC, "\0\0\0\0\0\0\0\0", 8, "0" },
	{ "k", COLUMN_NUMERIC, "\0\x01\xFF\xFF\0\0\0\x01\x13\x88", 10, "!int_parsing" },
	{ "k", COLUMN_NUMERIC, "\0\x01\0\x05\0\0\0\0\0\x07", 10, "!int_parsing_size" },
	{ "n", COLUMN_NUMERIC, "\0\0\0\0\xC0\0\0\0", 8, "3" },
	{ "n", COLUMN_NUMERIC, "\0\0\0\0\xD0\0\0\0", 8, "!finite_number" },
	{ "n", COLUMN_NUMERIC, "\0\x02\0\0\0\0\0\0\0\x07", 10, "!int_parsing" },
	{ "n", COLUMN_NUMERIC, "\0\x01\0\0\0\0\0\0\xFF\x07", 10, "!int_parsing" },
	{ "k", COLUMN_INT4, "\0", 1, "!int_type" },
	{ "k", COLUMN_TEXT, "12", 2, "12" },
	{ "d", COLUMN_DATE, "\0\0\0\x01", 4, "946771200000000" },
	{ "d", COLUMN_DATE, "\x7F\xFF\xFF\xFF", 4, "!date_parsing" },
	{ "d", COLUMN_DATE, "\x80\0\0\0", 4, "!date_parsing" },
	{ "d", COLUMN_DATE, "\0\x2C\x94\x67", 4, "" }, /* 9999-01-01 */
	{ "d", COLUMN_TIMESTAMP, "\0\0\0\0\0\0\0\x01", 8, "946684800000000" },
	{ "t", COLUMN_TIMESTAMP, "\0\0\0\0\0\0\0\x01", 8, "946684800000001" },
	{ "t", COLUMN_TIMESTAMPTZ, "\0\0\0\0\0\0\0\x01", 8, "946717200000001" },
	{ "t", COLUMN_TIMESTAMP, "\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, "!datetime_parsing" },
	{ "t", COLUMN_TIMESTAMP, "\x80\0\0\0\0\0\0\0", 8, "!datetime_parsing" },
	{ "t", COLUMN_TIMESTAMP, NULL, 0, "!missing" },
	{ "c", COLUMN_TEXT, "", 0, "" },
	{ "c", COLUMN_INT4, "\0\0\0\x01", 4, "!string_type" },
};

static void binary_cells(void **unused)
{
	struct fixture f = { 0 };

	(void)unused;
	fixture_declare(&f, STR(PROGRAM));
	fixture_open(&f);
	for (size_t i = 0; i < COUNT(binary_cell_cases); i++) {
		const struct program_input *in =
		        &f.p.inputs[program_find_input(&f.p, str_of(binary_cell_cases[i].input))];
		struct field_fault fault;
		struct cell cell;
		char got[64] = "";
		int r = cell_from_binary(in, binary_cell_cases[i].type, binary_cell_cases[i].bytes,
		                         binary_cell_cases[i].n, &cell, &fault);

		if (r < 0)
			snprintf(got, sizeof(got), "!%s", fault.type);
		else if (cell.present)
			snprintf(got, sizeof(got), "%lld", (long long)cell.v.integer);
		if (strcmp(got, binary_cell_cases[i].want) != 0)
			fail_msg("case %zu: %s, wanted %s", i, got, binary_cell_cases[i].want);
	}
	fixture_done(&f);
}

/* numeric and float4 to the double that their text names. */
static void nearest_doubles(void **unused)
{
	static const char *const cases[] = {
		"0.1",
		"-0.3",
		"123456789012345678.5",
		"9007199254740993",
		"0.00000000000000000001",
		"12345678901234567890123456789012345678901234567890.000000001",
		"2."
		"2250738585072011360574097967091319759348195463516456480234261097248222220210769455"
		"1652952390813508791414915891303962110687008643869459464552765720740782062174337998"
		"81",
		/* Exactly between two doubles, and a hair above: the 800th digit decides. */
		"9007199254740993.0",
		"9007199254740993."
		"000000000000000000000000000000000000000000000000000000000000000000000000000000000"
		"1",
	};
	const struct program_input in = { .type = INPUT_NUMBER, .required = true };
	unsigned char numeric[2048];
	struct field_fault fault;
	struct random rng;
	struct cell cell;

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = encode_numeric(cases[i], numeric);

		if (cell_from_binary(&in, COLUMN_NUMERIC, numeric, n, &cell, &fault) < 0 ||
		    cell.v.number != strtod(cases[i], NULL))
			fail_msg("case %zu: %a, wanted %a", i, cell.v.number,
			         strtod(cases[i], NULL));
	}
	random_seed(&rng, 3);
	for (int i = 0; i < 20000; i++) {
		uint32_t bits = (uint32_t)random_u64(&rng);
		uint32_t wire = htobe32(bits);
		char text[NUMBER_TEXT_SIZE + 1];
		float v;

		memcpy(&v, &bits, sizeof(v));
		if (!isfinite(v))
			continue;
		text[number_print_float(v, text)] = '\0';
		assert_int_equal(cell_from_binary(&in, COLUMN_FLOAT4, &wire, 4, &cell, &fault), 0);
		if (cell.v.number != strtod(text, NULL))
			fail_msg("%s: %a", text, cell.v.number);
	}
}

/* More than 800 digits behind the point: the rest still decides on which side of a half it is. */
static void long_numeric(void **unused)
{
	const struct program_input in = { .type = INPUT_NUMBER, .required = true };
	char text[1200] = "9007199254740993.";
	unsigned char numeric[2048];
	struct field_fault fault;
	struct cell cell;
	size_t n = strlen(text);

	(void)unused;
	memset(text + n, '0', 1000);
	text[n + 1000] = '1';
	text[n + 1001] = '\0';
	n = encode_numeric(text, numeric);
	assert_int_equal(cell_from_binary(&in, COLUMN_NUMERIC, numeric, n, &cell, &fault), 0);
	assert_true(cell.v.number == 9007199254740994.0);
}

static void private_text(void **unused)
{
	const struct program_input open = { .type = INPUT_DATE };
	const struct program_input hidden = { .type = INPUT_DATE, .private = true };
	struct field_fault fault;
	struct cell cell;

	(void)unused;
	assert_int_equal(cell_from_text(&open, STR("2026-01-01"), &cell, &fault), 0);
	assert_true(str_is(cell.raw, "2026-01-01"));
	assert_int_equal(cell_from_text(&hidden, STR("2026-01-01"), &cell, &fault), 0);
	assert_int_equal(cell.raw.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_bits),           cmocka_unit_test(text_cells),
		cmocka_unit_test(json_rows),           cmocka_unit_test(columns),
		cmocka_unit_test(short_and_long_rows), cmocka_unit_test(binary_cells),
		cmocka_unit_test(nearest_doubles),     cmocka_unit_test(long_numeric),
		cmocka_unit_test(private_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
