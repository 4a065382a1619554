/* The grammar as events, each fault with its words and offset, limits, names that come twice. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "json/scan.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* STR() for a static table */
#define TEXT(literal)                                                                              \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

/* {k=a s=b n=1 [ ] } with blanks between. */
static int on_event(void *self, enum json_event event, struct str text)
{
	static const char *const names[] = {
		[JSON_OBJECT_BEGIN] = "{", [JSON_OBJECT_END] = "}", [JSON_ARRAY_BEGIN] = "[",
		[JSON_ARRAY_END] = "]",    [JSON_KEY] = "k=",       [JSON_STRING] = "s=",
		[JSON_NUMBER] = "n=",      [JSON_TRUE] = "T",       [JSON_FALSE] = "F",
		[JSON_NULL] = "N",
	};
	struct strbuf *b = self;

	strbuf_adds(b, b->n ? " " : "");
	strbuf_adds(b, names[event]);
	if (event == JSON_KEY || event == JSON_STRING || event == JSON_NUMBER)
		strbuf_add(b, text.p, text.n);
	return 0;
}

/* The text lies in memory of exactly its size, so that reading beyond it shows. */
static int scan(struct str text, const struct json_scan_options *options,
                struct json_fault *ret_fault)
{
	struct arena a = { 0 };
	char *exact = malloc(text.n ? text.n : 1);
	int r;

	assert_non_null(exact);
	memcpy(exact, text.p, text.n);
	r = json_scan((struct str){ exact, text.n }, options, &a, ret_fault);
	free(exact);
	arena_done(&a);
	return r;
}

static void events(void **unused)
{
	static const struct {
		const char *text, *events;
	} cases[] = {
		{ "{}", "{ }" },
		{ " [ ] \r\n\t", "[ ]" },
		{ "null", "N" },
		{ "\"\"", "s=" },
		{ "{\"a\":1,\"b\":[true,false,null]}", "{ k=a n=1 k=b [ T F N ] }" },
		{ " { \"a\" : { \"b\" : \"c\" } , \"d\" : [ ] } ", "{ k=a { k=b s=c } k=d [ ] }" },
		{ "[[],[[1]],{}]", "[ [ ] [ [ n=1 ] ] { } ]" },
		{ "[0,-0,10,-1.5,1e5,1E+5,1.25e-7]",
		  "[ n=0 n=-0 n=10 n=-1.5 n=1e5 n=1E+5 n=1.25e-7 ]" },
		{ "1e400", "n=1e400" },
		{ "\"eight by eight, sixteen bytes, and seventeen\"",
		  "s=eight by eight, sixteen bytes, and seventeen" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "s=\"\\/\b\f\n\r\t" },
		{ "\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\uFFFD\"",
		  "s=A\u00e9\u20ac\U0001f600\ufffd" },
		{ "\"\\udbff\\udfff\\ud800\\udc00\"", "s=\U0010ffff\U00010000" },
		{ "\"x\\u007fy\\u0080\\u07ff\\u0800\"", "s=x\x7fy\xc2\x80\u07ff\u0800" },
		{ "\"\u00e9\u20ac\U0001f600\u2191FRAUD\"", "s=\u00e9\u20ac\U0001f600\u2191FRAUD" },
		{ "{\"\\u0061b\":\"\"}", "{ k=ab s= }" },
		{ "{\"a\":1,\"a\":2}", "{ k=a n=1 k=a n=2 }" },
		{ "\"\x7f\"", "s=\x7f" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct strbuf b = { 0 };
		const struct json_scan_options options = { .on_event = on_event, .self = &b };
		struct json_fault fault = { 0, "none" };
		int r = scan(str_of(cases[i].text), &options, &fault);

		if (r < 0 || strcmp(b.p, cases[i].events) != 0)
			fail_msg("case %zu: %d %s (%s)", i, r, b.p, fault.what);
		strbuf_done(&b);
	}
}

#define CONTROL "control character (\\u0000-\\u001F) found while parsing a string"
#define LEADING "lone leading surrogate in hex escape"
#define TRAILING "lone trailing surrogate in hex escape"
#define CODE_POINT "invalid unicode code point"
#define EOF_VALUE "EOF while parsing a value"
#define EOF_LIST "EOF while parsing a list"
#define EOF_OBJECT "EOF while parsing an object"
#define EOF_STRING "EOF while parsing a string"

static const struct {
	struct str text;
	size_t offset;
	const char *what;
} faults[] = {
	{ TEXT(""), 0, EOF_VALUE },
	{ TEXT("  "), 2, EOF_VALUE },
	{ TEXT("x"), 0, "expected value" },
	{ TEXT("\xef\xbb\xbf{}"), 0, "expected value" },
	{ TEXT("{} {}"), 3, "trailing characters" },
	{ TEXT("1 \0"), 2, "trailing characters" },
	{ TEXT("nul"), 3, EOF_VALUE },
	{ TEXT("nulx"), 3, "expected ident" },
	{ TEXT("TRUE"), 0, "expected value" },
	{ TEXT("True"), 0, "expected value" },
	{ TEXT("'a'"), 0, "expected value" },
	{ TEXT("truex"), 4, "trailing characters" },
	{ TEXT("NaN"), 0, "expected value" },
	{ TEXT("Infinity"), 0, "expected value" },
	{ TEXT("-Infinity"), 1, "invalid number" },
	{ TEXT("/* */1"), 0, "expected value" },
	{ TEXT("\v1"), 0, "expected value" },
	/* arrays */
	{ TEXT("["), 1, EOF_LIST },
	{ TEXT("[1"), 2, EOF_LIST },
	{ TEXT("[1,"), 3, EOF_LIST },
	{ TEXT("[1,]"), 3, "trailing comma" },
	{ TEXT("[,1]"), 1, "expected value" },
	{ TEXT("[1 2]"), 3, "expected `,` or `]`" },
	{ TEXT("[1}"), 2, "expected `,` or `]`" },
	{ TEXT("]"), 0, "expected value" },
	{ TEXT("[1]]"), 3, "trailing characters" },
	/* objects */
	{ TEXT("{"), 1, EOF_OBJECT },
	{ TEXT("{\"a\""), 4, EOF_OBJECT },
	{ TEXT("{\"a\" 1}"), 5, "expected `:`" },
	{ TEXT("{\"a\":"), 5, EOF_VALUE },
	{ TEXT("{\"a\":}"), 5, "expected value" },
	{ TEXT("{\"a\":1"), 6, EOF_OBJECT },
	{ TEXT("{\"a\":1,"), 7, EOF_OBJECT },
	{ TEXT("{\"a\":1,}"), 7, "trailing comma" },
	{ TEXT("{\"a\":1 \"b\":2}"), 7, "expected `,` or `}`" },
	{ TEXT("{\"a\":1]"), 6, "expected `,` or `}`" },
	{ TEXT("{1:2}"), 1, "key must be a string" },
	{ TEXT("{a:2}"), 1, "key must be a string" },
	{ TEXT("{,}"), 1, "key must be a string" },
	/* numbers */
	{ TEXT("-"), 1, EOF_VALUE },
	{ TEXT("-x"), 1, "invalid number" },
	{ TEXT("01"), 1, "invalid number" },
	{ TEXT("-012"), 2, "invalid number" },
	{ TEXT("00"), 1, "invalid number" },
	{ TEXT("1."), 2, EOF_VALUE },
	{ TEXT("[1.]"), 3, "invalid number" },
	{ TEXT("1.e5"), 2, "invalid number" },
	{ TEXT("1e"), 2, EOF_VALUE },
	{ TEXT("1e+"), 3, EOF_VALUE },
	{ TEXT("[1e+]"), 4, "invalid number" },
	{ TEXT("+1"), 0, "expected value" },
	{ TEXT(".5"), 0, "expected value" },
	{ TEXT("0x10"), 1, "trailing characters" },
	{ TEXT("1_000"), 1, "trailing characters" },
	{ TEXT("--1"), 1, "invalid number" },
	/* strings */
	{ TEXT("\""), 1, EOF_STRING },
	{ TEXT("\"abcdefgh"), 9, EOF_STRING },
	{ TEXT("\"\\"), 2, EOF_STRING },
	{ TEXT("\"\\\""), 3, EOF_STRING },
	{ TEXT("\"\\x\""), 1, "invalid escape" },
	{ TEXT("\"\\U0041\""), 1, "invalid escape" },
	{ TEXT("\"\\u00g0\""), 1, "invalid escape" },
	{ TEXT("\"\\u 041\""), 1, "invalid escape" },
	{ TEXT("\"\\u00\""), 6, EOF_STRING },
	{ TEXT("\"a\0b\""), 2, CONTROL },
	{ TEXT("\"a\nb\""), 2, CONTROL },
	{ TEXT("\"12345678\x1f\""), 9, CONTROL },
	{ TEXT("\"a\\u0000b\""), 2, "null character (\\u0000) is not allowed in a string" },
	{ TEXT("\"\\ud800\""), 7, LEADING },
	{ TEXT("\"\\ud800x     \""), 7, LEADING },
	{ TEXT("\"\\ud800\\n     \""), 7, LEADING },
	{ TEXT("\"\\ud800\\u0041\""), 7, LEADING },
	{ TEXT("\"\\ud800\\ud800\""), 7, LEADING },
	{ TEXT("\"\\ud83d\\udzzz\""), 7, LEADING },
	{ TEXT("\"\\udc00\""), 1, TRAILING },
	{ TEXT("\"\\udc00\\ud800\""), 1, TRAILING },
	/* UTF-8 */
	{ TEXT("\"\x80\""), 1, CODE_POINT },
	{ TEXT("\"\xc0\xaf\""), 1, CODE_POINT },
	{ TEXT("\"\xc1\xbf\""), 1, CODE_POINT },
	{ TEXT("\"\xc3\""), 1, CODE_POINT },
	{ TEXT("\"\xc3"), 1, CODE_POINT },
	{ TEXT("\"\xe0\x9f\xbf\""), 1, CODE_POINT },
	{ TEXT("\"\xed\xa0\x80\""), 1, CODE_POINT },
	{ TEXT("\"\xe2\x82\""), 1, CODE_POINT },
	{ TEXT("\"\xf0\x8f\xbf\xbf\""), 1, CODE_POINT },
	{ TEXT("\"\xf4\x90\x80\x80\""), 1, CODE_POINT },
	{ TEXT("\"\xf5\x80\x80\x80\""), 1, CODE_POINT },
	{ TEXT("\"\xff\""), 1, CODE_POINT },
	{ TEXT("\"12345678\xe2\x82\xac\xe2\""), 12, CODE_POINT },
	{ TEXT("{\"\xff\":1}"), 2, CODE_POINT },
};

static void fault_words(void **unused)
{
	const struct json_scan_options options = { .unique = true };

	(void)unused;
	for (size_t i = 0; i < COUNT(faults); i++) {
		struct json_fault fault = { 0, "none" };
		int r = scan(faults[i].text, &options, &fault);

		if (r != -EBADMSG || fault.offset != faults[i].offset ||
		    strcmp(fault.what, faults[i].what) != 0)
			fail_msg("case %zu: %d, %s at %zu", i, r, fault.what, fault.offset);
	}
}

static void nonfinite(void **unused)
{
	static const struct {
		const char *text, *events;
	} cases[] = {
		{ "[NaN,Infinity,-Infinity,-1]", "[ n=NaN n=Infinity n=-Infinity n=-1 ]" },
		{ "nan", NULL },
		{ "-NaN", NULL },
		{ "+Infinity", NULL },
		{ "Inf", NULL },
		{ "-Inf", NULL },
		{ "-I", NULL },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct strbuf b = { 0 };
		const struct json_scan_options options = { .on_event = on_event,
			                                   .self = &b,
			                                   .nonfinite = true };
		struct json_fault fault;
		int r = scan(str_of(cases[i].text), &options, &fault);

		if (cases[i].events ? r < 0 || strcmp(b.p, cases[i].events) != 0 : r != -EBADMSG)
			fail_msg("case %zu: %d", i, r);
		strbuf_done(&b);
	}
}

static void depth(void **unused)
{
	static const struct {
		unsigned max_depth, levels;
		bool good;
	} cases[] = {
		{ 0, 32, true }, { 0, 33, false }, { 1, 1, true },       { 1, 2, false },
		{ 3, 3, true },  { 3, 4, false },  { 1000, 1000, true }, { 1000, 1001, false },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct json_scan_options options = { .max_depth = cases[i].max_depth };
		struct json_fault fault = { 0, "" };
		struct strbuf b = { 0 };
		int r;

		for (size_t k = 0; k < cases[i].levels; k++)
			strbuf_adds(&b, k % 2 ? "{\"a\":" : "[");
		strbuf_addc(&b, '0');
		for (size_t k = cases[i].levels; k > 0; k--)
			strbuf_addc(&b, k % 2 ? ']' : '}');
		r = scan(strbuf_str(&b), &options, &fault);
		if (r != (cases[i].good ? 0 : -EBADMSG) ||
		    (r < 0 && strcmp(fault.what, "recursion limit exceeded") != 0))
			fail_msg("case %zu: %d %s", i, r, fault.what);
		strbuf_done(&b);
	}
}

static void duplicates(void **unused)
{
	static const struct {
		const char *text;
		size_t offset; /* of the second one, 0 = none */
	} cases[] = {
		{ "{\"a\":1,\"b\":2}", 0 },
		{ "{\"a\":1,\"a\":2}", 7 },
		{ "{\"a\":1,\"\\u0061\":2}", 7 },
		{ "{\"\":1,\"\":2}", 6 },
		{ "{\"a\":1,\"A\":2}", 0 },
		{ "{\"a\":{\"a\":1},\"b\":{\"a\":1}}", 0 },
		{ "[{\"a\":1},{\"a\":1}]", 0 },
		{ "{\"a\":{\"b\":1,\"c\":2},\"b\":3,\"a\":4}", 25 },
		{ "{\"a\":{\"b\":1,\"b\":2}}", 12 },
		{ "{\"abcdefgh1\":1,\"abcdefgh2\":2,\"abcdefgh1\":3}", 29 },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct json_scan_options options = { .unique = true };
		struct json_fault fault = { 0, "" };
		int r = scan(str_of(cases[i].text), &options, &fault);

		if (r != (cases[i].offset ? -EBADMSG : 0) || fault.offset != cases[i].offset ||
		    (r < 0 && strcmp(fault.what, "duplicate key") != 0))
			fail_msg("case %zu: %d %s at %zu", i, r, fault.what, fault.offset);
	}
}

/* "prefix0":0, … each; an object of them stands inside after the first `outer` ones. */
static void add_members(struct strbuf *b, const char *prefix, size_t first, size_t behind)
{
	for (size_t i = first; i < behind; i++)
		strbuf_addf(b, "%s\"%s%zu\":%zu", b->p[b->n - 1] == '{' ? "" : ",", prefix, i, i);
}

/* `count` members, an object of `inner` members of the same names in their midst, one name of the
 * outer object (or none) once more at the end. */
static int scan_large(size_t count, size_t inner, const char *again)
{
	const struct json_scan_options options = { .unique = true };
	struct json_fault fault = { 0, "" };
	struct strbuf b = { 0 };
	int r;

	strbuf_addc(&b, '{');
	add_members(&b, "m", 0, count / 2);
	for (int k = 0; k < 3; k++) {
		strbuf_addf(&b, "%s\"inner%d\":{", b.n > 1 ? "," : "", k);
		add_members(&b, "m", 0, inner);
		strbuf_addc(&b, '}');
	}
	add_members(&b, "m", count / 2, count);
	if (again)
		strbuf_addf(&b, ",\"%s\":0", again);
	strbuf_addc(&b, '}');
	assert_int_equal(strbuf_error(&b), 0);
	r = scan(strbuf_str(&b), &options, &fault);
	if (r < 0)
		assert_string_equal(fault.what, "duplicate key");
	strbuf_done(&b);
	return r;
}

static void many_members(void **unused)
{
	static const size_t counts[] = { 2, 28, 29, 30, 31, 32, 33, 34, 63, 64, 65, 200, 5000 };
	static const size_t inners[] = { 0, 31, 32, 33, 34, 70, 3000 };

	(void)unused;
	for (size_t i = 0; i < COUNT(counts); i++) {
		for (size_t k = 0; k < COUNT(inners); k++) {
			char last[32];

			snprintf(last, sizeof(last), "m%zu", counts[i] - 1);
			if (scan_large(counts[i], inners[k], NULL) != 0 ||
			    scan_large(counts[i], inners[k], "m0") != -EBADMSG ||
			    scan_large(counts[i], inners[k], last) != -EBADMSG ||
			    scan_large(counts[i], inners[k], "inner2") != -EBADMSG ||
			    scan_large(counts[i], inners[k], "m-1") != 0)
				fail_msg("%zu members, %zu inside", counts[i], inners[k]);
		}
	}
	assert_int_equal(scan_large(100000, 0, NULL), 0);
	assert_int_equal(scan_large(100000, 100000, "m50000"), -EBADMSG);
}

static int on_second_number(void *self, enum json_event event, struct str text)
{
	int *count = self;

	(void)text;
	return event == JSON_NUMBER && ++*count == 2 ? -ECANCELED : 0;
}

static void refusal_of_the_reader(void **unused)
{
	int count = 0;
	const struct json_scan_options options = { .on_event = on_second_number, .self = &count };
	struct json_fault fault = { 0, NULL };

	(void)unused;
	assert_int_equal(scan(STR("[1,22,3]"), &options, &fault), -ECANCELED);
	assert_int_equal(fault.offset, 5);
	assert_non_null(fault.what);
	assert_int_equal(count, 2);
}

/* Every limit of the arena, from nothing on: no memory, or the whole answer. */
static void memory(void **unused)
{
	struct strbuf b = { 0 };
	size_t limit = 1;
	int r = -ENOMEM;

	(void)unused;
	strbuf_adds(&b, "{\"\\u0061\":0");
	add_members(&b, "m", 0, 100);
	strbuf_addc(&b, '}');
	for (; r == -ENOMEM && limit < (1 << 20); limit += 512) {
		const struct json_scan_options options = { .unique = true };
		struct arena a = { .limit = limit };
		struct json_fault fault;

		r = json_scan(strbuf_str(&b), &options, &a, &fault);
		arena_done(&a);
	}
	assert_int_equal(r, 0);
	assert_true(limit > 513);
	strbuf_done(&b);
}

static void small_needs_no_memory(void **unused)
{
	const struct json_scan_options options = { .unique = true };
	struct arena a = { .limit = 1 };
	struct json_fault fault;

	(void)unused;
	assert_int_equal(json_scan(STR("{\"a\":[{\"a\":\"x\"},{\"b\":2.5}],\"b\":null}"), &options,
	                           &a, &fault),
	                 0);
	assert_int_equal(a.size, 0);
	arena_done(&a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(events),
		cmocka_unit_test(fault_words),
		cmocka_unit_test(nonfinite),
		cmocka_unit_test(depth),
		cmocka_unit_test(duplicates),
		cmocka_unit_test(many_members),
		cmocka_unit_test(refusal_of_the_reader),
		cmocka_unit_test(memory),
		cmocka_unit_test(small_needs_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
