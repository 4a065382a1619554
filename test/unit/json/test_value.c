/* Numbers exactly as they were written, typed members with their words, memory that runs out. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "json/value.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int setup(void **unused)
{
	(void)unused;
	json_setup();
	return 0;
}

static const struct cJSON *parse(struct arena *a, const char *text)
{
	const struct cJSON *v = NULL;
	struct json_fault fault = { 0, "none" };
	int r = json_parse(str_of(text), a, &v, &fault);

	if (r < 0)
		fail_msg("%s: %d, %s at %zu", text, r, fault.what, fault.offset);
	return v;
}

static void integers(void **unused)
{
	static const struct {
		const char *text;
		bool is_integer;
		int64_t value;
	} cases[] = {
		{ "0", true, 0 },
		{ "-0", true, 0 },
		{ "5692339", true, 5692339 },
		{ "9007199254740993", true, 9007199254740993 },
		{ "-9007199254740993", true, -9007199254740993 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 },
		{ "18446744073709551616", false, 0 },
		{ "100000000000000000000000000000000000000000000000000000000000000000000", false,
		  0 },
		{ "3.0", false, 0 },
		{ "3e0", false, 0 },
		{ "3E2", false, 0 },
		{ "\"3\"", false, 0 },
		{ "true", false, 0 },
		{ "null", false, 0 },
		{ "[3]", false, 0 },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = { 0 };
		int64_t value = 0;
		bool is_integer = json_integer(parse(&a, cases[i].text), &value);

		if (is_integer != cases[i].is_integer || value != cases[i].value)
			fail_msg("case %zu: %d, %lld", i, is_integer, (long long)value);
		arena_done(&a);
	}
}

#define DIGITS_70 "1234567890123456789012345678901234567890123456789012345678901234567890"

/* Around the 63 bytes that cJSON reads of a number, too. */
static void numbers(void **unused)
{
	static const struct {
		const char *text;
		double value;
	} cases[] = {
		{ "0", 0.0 },
		{ "-0.0", -0.0 },
		{ "0.1", 0.1 },
		{ "445567.50", 445567.5 },
		{ "1e22", 1e22 },
		{ "2.2250738585072011e-308", 2.2250738585072011e-308 },
		{ "5e-324", 5e-324 },
		{ "1e400", INFINITY },
		{ "-1e400", -INFINITY },
		{ "1e-400", 0.0 },
		{ "0.10000000000000000555111512312578270211815834045410156250000", 0.1 },
		{ "0.1000000000000000055511151231257827021181583404541015625000000", 0.1 },
		{ "0.10000000000000000555111512312578270211815834045410156250000000", 0.1 },
		{ "0." DIGITS_70, 0.12345678901234568 },
		{ DIGITS_70, 1.2345678901234568e69 },
		{ "-" DIGITS_70 "." DIGITS_70 "e-80", -1.2345678901234568e-11 },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = { 0 };
		const struct cJSON *v = parse(&a, cases[i].text);
		double value = json_number(v);

		if (value != cases[i].value || signbit(value) != signbit(cases[i].value))
			fail_msg("case %zu: %.17g", i, value);
		if (!str_is(json_text(v), cases[i].text))
			fail_msg("case %zu: %.*s", i, STR_ARGS(json_text(v)));
		arena_done(&a);
	}
}

static void number_size(void **unused)
{
	static const struct {
		size_t digits;
		int r;
	} cases[] = { { 4096, 0 }, { 4097, -EBADMSG } };

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = { 0 };
		struct strbuf b = { 0 };
		const struct cJSON *v;
		struct json_fault fault = { 0, "" };
		int r;

		strbuf_addc(&b, '[');
		for (size_t k = 0; k < cases[i].digits; k++)
			strbuf_addc(&b, '7');
		strbuf_adds(&b, ", 12]");
		r = json_parse(strbuf_str(&b), &a, &v, &fault);
		if (r != cases[i].r)
			fail_msg("case %zu: %d, %s", i, r, fault.what);
		if (r < 0)
			assert_string_equal(fault.what, "number out of range");
		else
			assert_true(str_is(json_text(json_next(json_first(v))), "12"));
		strbuf_done(&b);
		arena_done(&a);
	}
}

/* Each number node gets its own text back, however the tree is shaped: a dump of all of them. */
static void dump_numbers(const struct cJSON *v, struct strbuf *b)
{
	if (json_type(v) == JSON_TYPE_NUMBER)
		strbuf_addf(b, "%.*s ", STR_ARGS(json_text(v)));
	for (v = json_first(v); v; v = json_next(v))
		dump_numbers(v, b);
}

static void document_order(void **unused)
{
	static const struct {
		const char *text, *numbers;
	} cases[] = {
		{ "{}", "" },
		{ "[[[1],2],[],{\"a\":3,\"b\":[4,{\"c\":5.0}]},\"6\",6]", "1 2 3 4 5.0 6 " },
		{ "{\"b\":1,\"a\":{\"z\":2},\"c\":[{},[[]],3e0],\"d\":-4}", "1 2 3e0 -4 " },
		{ "[" DIGITS_70 ",1,{\"a\":\"" DIGITS_70 "\",\"b\":-" DIGITS_70 "}]",
		  DIGITS_70 " 1 -" DIGITS_70 " " },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = { 0 };
		struct strbuf b = { 0 };

		strbuf_adds(&b, "");
		dump_numbers(parse(&a, cases[i].text), &b);
		if (strcmp(b.p, cases[i].numbers) != 0)
			fail_msg("case %zu: %s", i, b.p);
		strbuf_done(&b);
		arena_done(&a);
	}
}

static void many_numbers(void **unused)
{
	struct arena a = { 0 };
	struct strbuf b = { 0 };
	const struct cJSON *v;
	int64_t value;

	(void)unused;
	strbuf_addc(&b, '[');
	for (int i = 0; i < 1000; i++)
		strbuf_addf(&b, "%s{\"n\":%d}", i ? "," : "", i);
	strbuf_addc(&b, ']');
	v = parse(&a, b.p);
	strbuf_done(&b); /* the tree is not of these bytes */
	assert_int_equal(json_count(v), 1000);
	v = json_first(v);
	for (int i = 0; i < 1000; i++, v = json_next(v)) {
		assert_true(json_integer(json_member(v, "n"), &value));
		assert_int_equal(value, i);
	}
	assert_null(v);
	arena_done(&a);
}

static void depth(void **unused)
{
	struct arena a = { 0 };
	char text[2 * JSON_DEPTH + 2];
	const struct cJSON *v;
	struct json_fault fault;

	(void)unused;
	memset(text, '[', JSON_DEPTH);
	text[JSON_DEPTH] = '7';
	memset(text + JSON_DEPTH + 1, ']', JSON_DEPTH);
	text[2 * JSON_DEPTH + 1] = '\0';
	v = parse(&a, text);
	for (int i = 0; i < JSON_DEPTH; i++)
		v = json_first(v);
	assert_true(str_is(json_text(v), "7"));
	text[JSON_DEPTH] = '[';
	assert_int_equal(json_parse(str_of(text), &a, &v, &fault), -EBADMSG);
	arena_done(&a);
}

static void types(void **unused)
{
	struct arena a = { 0 };
	const struct cJSON *v =
	        parse(&a, "{\"n\":null,\"t\":true,\"f\":false,\"i\":1,\"s\":\"\\u0061\u2191\","
	                  "\"a\":[1,2],\"o\":{\"x\":1}}");
	static const struct {
		const char *name;
		enum json_type type;
		bool is_true;
		double number;
		const char *text;
		size_t count;
	} cases[] = {
		{ "n", JSON_TYPE_NULL, false, 0, "", 0 },
		{ "t", JSON_TYPE_BOOL, true, 0, "", 0 },
		{ "f", JSON_TYPE_BOOL, false, 0, "", 0 },
		{ "i", JSON_TYPE_NUMBER, false, 1, "1", 0 },
		{ "s", JSON_TYPE_TEXT, false, 0, "a\u2191", 0 },
		{ "a", JSON_TYPE_ARRAY, false, 0, "", 2 },
		{ "o", JSON_TYPE_OBJECT, false, 0, "", 1 },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct cJSON *m = json_member(v, cases[i].name);

		if (!m || json_type(m) != cases[i].type || json_bool(m) != cases[i].is_true ||
		    json_number(m) != cases[i].number || !str_is(json_text(m), cases[i].text) ||
		    json_count(m) != cases[i].count || !str_is(json_name(m), cases[i].name))
			fail_msg("case %zu", i);
	}
	assert_null(json_member(v, "N"));
	assert_null(json_member(v, "x"));
	assert_null(json_member(json_member(v, "a"), "x"));
	assert_true(str_is(json_name(v), ""));
	assert_null(json_next(v));
	arena_done(&a);
}

enum getter { TEXT, INTEGER, NUMBER };

static int get(enum getter getter, const struct cJSON *v, const char *name, struct errbuf *err)
{
	struct str text;
	int64_t integer;
	double number;

	switch (getter) {
	case TEXT:
		return json_get_text(v, name, &text, err);
	case INTEGER:
		return json_get_integer(v, name, &integer, err);
	default:
		return json_get_number(v, name, &number, err);
	}
}

static void getters(void **unused)
{
	static const struct {
		enum getter getter;
		const char *name, *words; /* NULL: taken */
	} cases[] = {
		{ TEXT, "s", NULL },
		{ TEXT, "i", "member \"i\" must be text" },
		{ TEXT, "n", "member \"n\" must be text" },
		{ TEXT, "no", "member \"no\" is missing" },
		{ INTEGER, "i", NULL },
		{ INTEGER, "d", "member \"d\" must be an integer of 64 bits" },
		{ INTEGER, "big", "member \"big\" must be an integer of 64 bits" },
		{ INTEGER, "s", "member \"s\" must be an integer of 64 bits" },
		{ INTEGER, "no", "member \"no\" is missing" },
		{ NUMBER, "i", NULL },
		{ NUMBER, "d", NULL },
		{ NUMBER, "s", "member \"s\" must be a number" },
		{ NUMBER, "no", "member \"no\" is missing" },
	};
	struct arena a = { 0 };
	const struct cJSON *v =
	        parse(&a, "{\"s\":\"7\",\"i\":7,\"d\":7.0,\"n\":null,\"big\":9223372036854775808}");

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct errbuf err = { "" };
		int r = get(cases[i].getter, v, cases[i].name, &err);

		if (r != (cases[i].words ? -EBADMSG : 0) ||
		    strcmp(err.text, cases[i].words ? cases[i].words : "") != 0)
			fail_msg("case %zu: %d, %s", i, r, err.text);
	}
	arena_done(&a);
}

static void faults(void **unused)
{
	static const struct {
		const char *text;
		size_t offset;
		const char *what;
	} cases[] = {
		{ "{\"a\":01}", 6, "invalid number" },  { "{\"a\":1,\"a\":2}", 7, "duplicate key" },
		{ "{\"a\":NaN}", 5, "expected value" }, { "\xef\xbb\xbf{}", 0, "expected value" },
		{ "", 0, "EOF while parsing a value" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = { 0 };
		const struct cJSON *v = NULL;
		struct json_fault fault = { 99, "" };
		int r = json_parse(str_of(cases[i].text), &a, &v, &fault);

		if (r != -EBADMSG || v || fault.offset != cases[i].offset ||
		    strcmp(fault.what, cases[i].what) != 0)
			fail_msg("case %zu: %d, %s at %zu", i, r, fault.what, fault.offset);
		arena_done(&a);
	}
}

/* Every limit of the arena: no memory, or the whole tree. */
static void memory(void **unused)
{
	struct strbuf b = { 0 };
	size_t failures = 0;
	int r = -ENOMEM;

	(void)unused;
	strbuf_adds(&b, "[" DIGITS_70);
	for (int i = 0; i < 500; i++)
		strbuf_addf(&b, ",{\"a\":%d,\"b\":\"x\"}", i);
	strbuf_addc(&b, ']');
	for (size_t limit = 1; r == -ENOMEM && limit < (1 << 20); limit += 997, failures++) {
		struct arena a = { .limit = limit };
		const struct cJSON *v;
		struct json_fault fault = { 0, NULL };

		r = json_parse(strbuf_str(&b), &a, &v, &fault);
		if (r < 0)
			assert_string_equal(fault.what, "no memory");
		else
			assert_int_equal(json_count(v), 501);
		arena_done(&a);
	}
	assert_int_equal(r, 0);
	assert_true(failures > 3);
	strbuf_done(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers),     cmocka_unit_test(numbers),
		cmocka_unit_test(number_size),  cmocka_unit_test(document_order),
		cmocka_unit_test(many_numbers), cmocka_unit_test(depth),
		cmocka_unit_test(types),        cmocka_unit_test(getters),
		cmocka_unit_test(faults),       cmocka_unit_test(memory),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
