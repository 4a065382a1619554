/* What is written, byte for byte; whatever text goes in, valid JSON comes out; numbers read back.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "json/value.h"
#include "json/writer.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* STR() for a static table */
#define TEXT(literal)                                                                              \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

static int setup(void **unused)
{
	(void)unused;
	json_setup();
	return 0;
}

static void answer(void **unused)
{
	struct strbuf b = { 0 };
	struct json_writer w = { .out = &b };

	(void)unused;
	json_begin_object(&w);
	json_write_name(&w, "transaction_seq");
	json_write_integer(&w, 5692339);
	json_write_name(&w, "score");
	json_write_float(&w, 0.8734f);
	json_write_name(&w, "reasons");
	json_begin_array(&w);
	for (int i = 0; i < 2; i++) {
		json_begin_object(&w);
		json_write_name(&w, "direction");
		json_write_text(&w, STR("\u2191FRAUD"));
		json_write_name_str(&w, STR("a\"b"));
		json_write_null(&w);
		json_end_object(&w);
	}
	json_write_bool(&w, true);
	json_write_raw(&w, STR("{\"x\":1}"));
	json_write_bool(&w, false);
	json_end_array(&w);
	json_write_name(&w, "none");
	json_begin_array(&w);
	json_end_array(&w);
	json_write_name(&w, "empty");
	json_begin_object(&w);
	json_end_object(&w);
	json_write_name(&w, "last");
	json_write_unsigned(&w, UINT64_MAX);
	json_end_object(&w);
	assert_string_equal(b.p,
	                    "{\"transaction_seq\":5692339,\"score\":0.8734,\"reasons\":["
	                    "{\"direction\":\"\u2191FRAUD\",\"a\\\"b\":null},"
	                    "{\"direction\":\"\u2191FRAUD\",\"a\\\"b\":null},true,{\"x\":1},false],"
	                    "\"none\":[],\"empty\":{},\"last\":18446744073709551615}");
	strbuf_done(&b);
}

static void texts(void **unused)
{
	static const struct {
		struct str text;
		const char *json;
	} cases[] = {
		{ TEXT(""), "\"\"" },
		{ TEXT("plain"), "\"plain\"" },
		{ TEXT("\"\\/"), "\"\\\"\\\\/\"" },
		{ TEXT("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"" },
		{ TEXT("a\0b\x1f\x7f"), "\"a\\u0000b\\u001f\x7f\"" },
		{ TEXT("\u2191FRAUD \u20ac \U0001f600"), "\"\u2191FRAUD \u20ac \U0001f600\"" },
		{ TEXT("a\xff"
		       "b"),
		  "\"a\ufffdb\"" },
		{ TEXT("\xe2\x82"), "\"\ufffd\ufffd\"" },
		{ TEXT("\xed\xa0\x80"), "\"\ufffd\ufffd\ufffd\"" },
		{ TEXT("\xc0\xaf"), "\"\ufffd\ufffd\"" },
		{ TEXT("\xc3\"x"), "\"\ufffd\\\"x\"" },
		{ TEXT("longer than eight bytes \"quoted\" and on"),
		  "\"longer than eight bytes \\\"quoted\\\" and on\"" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct strbuf b = { 0 };
		struct json_writer w = { .out = &b };

		json_write_text(&w, cases[i].text);
		if (strcmp(b.p, cases[i].json) != 0)
			fail_msg("case %zu: %s", i, b.p);
		strbuf_reset(&b);
		w.comma = false;
		json_write_name_str(&w, cases[i].text);
		if (strncmp(b.p, cases[i].json, strlen(cases[i].json)) != 0 ||
		    strcmp(b.p + strlen(cases[i].json), ":") != 0)
			fail_msg("name %zu: %s", i, b.p);
		strbuf_done(&b);
	}
}

/* Random bytes as text: always what the strict scan accepts. */
static void any_bytes(void **unused)
{
	struct random random;

	(void)unused;
	random_seed(&random, 1);
	for (int i = 0; i < 20000; i++) {
		char bytes[12];
		size_t n = random_below(&random, sizeof(bytes) + 1);
		struct strbuf b = { 0 };
		struct json_writer w = { .out = &b };
		struct json_scan_options options = { 0 };
		struct json_fault fault;
		struct arena a = { 0 };

		for (size_t k = 0; k < n; k++)
			bytes[k] = (char)(1 + random_below(&random, 255));
		json_write_text(&w, (struct str){ bytes, n });
		if (json_scan(strbuf_str(&b), &options, &a, &fault) < 0)
			fail_msg("%d: %s", i, b.p);
		strbuf_done(&b);
		arena_done(&a);
	}
}

static void integers(void **unused)
{
	static const struct {
		int64_t value;
		const char *json;
	} cases[] = {
		{ 0, "0" },
		{ -1, "-1" },
		{ 10, "10" },
		{ INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct strbuf b = { 0 };
		struct json_writer w = { .out = &b };

		json_write_integer(&w, cases[i].value);
		if (strcmp(b.p, cases[i].json) != 0)
			fail_msg("case %zu: %s", i, b.p);
		strbuf_done(&b);
	}
}

static void number_texts(void **unused)
{
	static const struct {
		double value;
		const char *json, *json_float;
	} cases[] = {
		{ 0.0, "0", "0" },
		{ -0.0, "-0", "-0" },
		{ 1.0, "1", "1" },
		{ 445567.0, "445567", "445567" },
		{ 0.1, "0.1", "0.1" },
		{ 0.32, "0.32", "0.32" },
		{ 1.0 / 3, "0.3333333333333333", "0.33333334" },
		{ 1e20, "1e+20", "1e+20" },
		{ 1.5e-7, "1.5e-07", "1.5e-07" },
		{ 123456789012.0, "123456789012", "1.2345679e+11" },
		{ -2.5, "-2.5", "-2.5" },
		{ 9007199254740993.0, "9.007199254740992e+15", "9.007199e+15" },
		{ DBL_MAX, "1.7976931348623157e+308", "null" },
		{ -DBL_MAX, "-1.7976931348623157e+308", "null" },
		{ 5e-324, "5e-324", "0" },
		{ DBL_MIN, "2.2250738585072014e-308", "0" },
		{ NAN, "null", "null" },
		{ INFINITY, "null", "null" },
		{ -INFINITY, "null", "null" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct strbuf b = { 0 };
		struct json_writer w = { .out = &b };

		json_write_double(&w, cases[i].value);
		if (strcmp(b.p, cases[i].json) != 0)
			fail_msg("case %zu: %s", i, b.p);
		strbuf_reset(&b);
		w.comma = false;
		/* What does not fit a float is infinite or zero: a conversion of ours, not of C. */
		json_write_float(&w,
		                 fabs(cases[i].value) > FLT_MAX ? INFINITY : (float)cases[i].value);
		if (strcmp(b.p, cases[i].json_float) != 0)
			fail_msg("float of case %zu: %s", i, b.p);
		strbuf_done(&b);
	}
}

/* Any 64 bits as a double: a JSON number, at most 17 digits, that reads back to the same bits. */
static void check_double(uint64_t bits)
{
	char text[NUMBER_TEXT_SIZE + 1];
	struct json_scan_options options = { 0 };
	struct json_fault fault;
	struct arena a = { 0 };
	double value, back;
	uint64_t back_bits;
	size_t n;

	memcpy(&value, &bits, sizeof(value));
	if (!isfinite(value))
		return;
	n = number_print_double(value, text);
	assert_true(n < NUMBER_TEXT_SIZE);
	text[n] = '\0';
	back = strtod(text, NULL);
	memcpy(&back_bits, &back, sizeof(back));
	if (back_bits != bits || json_scan((struct str){ text, n }, &options, &a, &fault) < 0)
		fail_msg("%.17g: %s", value, text);
	arena_done(&a);
}

static void check_float(uint32_t bits)
{
	char text[NUMBER_TEXT_SIZE + 1];
	struct json_scan_options options = { 0 };
	struct json_fault fault;
	struct arena a = { 0 };
	float value, back;
	uint32_t back_bits;
	size_t n;

	memcpy(&value, &bits, sizeof(value));
	if (!isfinite(value))
		return;
	n = number_print_float(value, text);
	assert_true(n < NUMBER_TEXT_SIZE);
	text[n] = '\0';
	back = strtof(text, NULL);
	memcpy(&back_bits, &back, sizeof(back));
	if (back_bits != bits || json_scan((struct str){ text, n }, &options, &a, &fault) < 0)
		fail_msg("%.9g: %s", (double)value, text);
	arena_done(&a);
}

static void round_trip(void **unused)
{
	struct random random;

	(void)unused;
	random_seed(&random, 2);
	for (int i = 0; i < 20000; i++) {
		double plain = random_unit(&random) * 1e7;
		uint64_t bits;

		memcpy(&bits, &plain, sizeof(bits));
		check_double(bits);
		check_double(random_u64(&random));
		check_float((uint32_t)random_u64(&random));
	}
}

static void values(void **unused)
{
	static const char *const cases[] = {
		"{}",
		"[]",
		"7",
		"\"\"",
		"null",
		"[[],{},[{\"a\":[1,2,{\"b\":null}]}],\"\"]",
		"{\"a\":{\"b\":{\"c\":[true,false]}},\"d\":-0.00,\"e\":1E+5}",
		"[9007199254740993,-9223372036854775808]",
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1,2]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
		"{\"quote\\\"\":\"\\n\u2191\",\"\":[[1],[2]]}",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct strbuf b = { 0 };
		struct json_writer w = { .out = &b };
		struct arena a = { 0 };
		const struct cJSON *v;
		struct json_fault fault;

		if (json_parse(str_of(cases[i]), &a, &v, &fault) < 0)
			fail_msg("case %zu: %s", i, fault.what);
		json_begin_array(&w);
		json_write_null(&w);
		json_write_value(&w, v);
		json_write_null(&w);
		json_end_array(&w);
		if (strncmp(b.p, "[null,", 6) != 0 ||
		    strncmp(b.p + 6, cases[i], strlen(cases[i])) != 0 ||
		    strcmp(b.p + 6 + strlen(cases[i]), ",null]") != 0)
			fail_msg("case %zu: %s", i, b.p);
		strbuf_done(&b);
		arena_done(&a);
	}
}

/* A member in the midst of its siblings is written alone. */
static void part(void **unused)
{
	struct strbuf b = { 0 };
	struct json_writer w = { .out = &b };
	struct arena a = { 0 };
	const struct cJSON *v;
	struct json_fault fault;

	(void)unused;
	assert_int_equal(json_parse(STR("{\"a\":1,\"b\":[2],\"c\":3}"), &a, &v, &fault), 0);
	json_write_value(&w, json_member(v, "b"));
	assert_string_equal(b.p, "[2]");
	json_write_value(&w, json_member(v, "a"));
	assert_string_equal(b.p, "[2],1");
	strbuf_done(&b);
	arena_done(&a);
}

static void limit(void **unused)
{
	(void)unused;
	for (size_t limit = 1; limit < 24; limit++) {
		struct strbuf b = { .limit = limit };
		struct json_writer w = { .out = &b };

		json_begin_array(&w);
		json_write_text(&w, STR("a\"b\xff"));
		json_write_double(&w, 12.5);
		json_write_name(&w, "x");
		json_write_integer(&w, 1);
		json_end_array(&w);
		/* ["a\"b\ufffd",12.5,"x":1] */
		assert_int_equal(strbuf_error(&b) == 0, limit >= 22);
		strbuf_done(&b);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer),       cmocka_unit_test(texts),
		cmocka_unit_test(any_bytes),    cmocka_unit_test(integers),
		cmocka_unit_test(number_texts), cmocka_unit_test(round_trip),
		cmocka_unit_test(values),       cmocka_unit_test(part),
		cmocka_unit_test(limit),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
