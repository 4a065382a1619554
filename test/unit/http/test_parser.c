/*
 * The request parser against the streams of requests.txt. A stream is read to its end, request
 * after request, and told as one line: "POST /x [hello];" for a request, "400" for a refusal,
 * "more" for a request that is not complete. Each stream is told again for every way to cut it once
 * or twice: the line must be the same.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "cases.h"
#include "http/parser.h"

static const struct parser_limits limits = {
	.request_line = 200,
	.head = 600,
	.fields = 12,
	.chunk_extension = 32,
	.chunk_extensions = 80,
	.trailer = 64,
};

static struct test_cases cases;

/* -- telling a stream ---------------------------------------------------------------------------
 */

struct teller {
	struct parser parser;
	struct strbuf told, body;
	bool over;
};

static void tell_request(struct teller *t)
{
	const struct parser *p = &t->parser;
	const char *method = http_method_name(p->method);
	char text[512];

	snprintf(text, sizeof(text), "%s %.*s%s%s", *method ? method : "?", STR_ARGS(p->target),
	         p->keep_alive ? "" : " close", p->expects_continue ? " continue" : "");
	strbuf_adds(&t->told, text);
	if (p->uri.host.p) {
		strbuf_adds(&t->told, " host=");
		strbuf_add(&t->told, p->host.p, p->host.n);
	}
	if (t->body.n > 0) {
		strbuf_adds(&t->told, " [");
		strbuf_add(&t->told, t->body.p, t->body.n);
		strbuf_adds(&t->told, "]");
	}
	strbuf_adds(&t->told, ";");
	t->over = !p->keep_alive;
	strbuf_reset(&t->body);
	parser_reset(&t->parser, &limits);
}

/* The bytes come in a block of their own size, so that the sanitizer sees each byte too far. */
static void tell(struct teller *t, const char *bytes, size_t n)
{
	char *block = malloc(n ? n : 1);
	struct str in = { block, n }, body;
	char status[16];

	assert_non_null(block);
	memcpy(block, bytes, n);
	while (!t->over) {
		enum parser_event e = parser_next(&t->parser, &in, &body);

		if (e == PARSER_MORE) {
			assert_int_equal(in.n, 0);
			break;
		}
		if (e == PARSER_BODY)
			strbuf_add(&t->body, body.p, body.n);
		if (e == PARSER_END)
			tell_request(t);
		if (e == PARSER_BAD) {
			snprintf(status, sizeof(status), "%d", t->parser.status);
			assert_non_null(t->parser.why);
			strbuf_adds(&t->told, status);
			t->over = true;
		}
	}
	free(block);
}

static const char *tell_end(struct teller *t)
{
	if (!t->over && parser_has_begun(&t->parser))
		strbuf_adds(&t->told, "more");
	return t->told.p ? t->told.p : "";
}

static void teller_reset(struct teller *t)
{
	strbuf_reset(&t->told);
	strbuf_reset(&t->body);
	t->over = false;
	parser_reset(&t->parser, &limits);
}

static void teller_done(struct teller *t)
{
	strbuf_done(&t->told);
	strbuf_done(&t->body);
	parser_done(&t->parser);
}

static void check(struct teller *t, size_t i, size_t cut1, size_t cut2)
{
	const struct test_case *c = &cases.rows[i];
	const char *told;

	teller_reset(t);
	tell(t, c->bytes.p, cut1);
	tell(t, c->bytes.p + cut1, cut2 - cut1);
	tell(t, c->bytes.p + cut2, c->bytes.n - cut2);
	told = tell_end(t);
	if (strcmp(told, c->told.p) != 0)
		fail_msg("case %zu (%s) cut at %zu and %zu: \"%s\" instead of \"%s\" (%s)", i,
		         c->name, cut1, cut2, told, c->told.p, t->parser.why ? t->parser.why : "-");
}

static void test_whole(void **state)
{
	struct teller t = { 0 };

	(void)state;
	for (size_t i = 0; i < cases.count; i++)
		check(&t, i, 0, 0);
	teller_done(&t);
}

static void test_one_cut(void **state)
{
	struct teller t = { 0 };

	(void)state;
	for (size_t i = 0; i < cases.count; i++) {
		for (size_t cut = 1; cut < cases.rows[i].bytes.n; cut++)
			check(&t, i, cut, cut);
	}
	teller_done(&t);
}

static void test_two_cuts(void **state)
{
	struct teller t = { 0 };

	(void)state;
	for (size_t i = 0; i < cases.count; i++) {
		/* The very long ones would take a minute of their own and differ only in length. */
		if (cases.rows[i].bytes.n > 260)
			continue;
		for (size_t a = 1; a < cases.rows[i].bytes.n; a++) {
			for (size_t b = a + 1; b < cases.rows[i].bytes.n; b++)
				check(&t, i, a, b);
		}
	}
	teller_done(&t);
}

static void test_byte_by_byte(void **state)
{
	struct teller t = { 0 };

	(void)state;
	for (size_t i = 0; i < cases.count; i++) {
		teller_reset(&t);
		for (size_t n = 0; n < cases.rows[i].bytes.n; n++)
			tell(&t, cases.rows[i].bytes.p + n, 1);
		if (strcmp(tell_end(&t), cases.rows[i].told.p) != 0)
			fail_msg("case %zu (%s) byte by byte: \"%s\" instead of \"%s\"", i,
			         cases.rows[i].name, t.told.p, cases.rows[i].told.p);
	}
	teller_done(&t);
}

/* -- what is not in the line --------------------------------------------------------------------
 */

static void test_fields(void **state)
{
	struct parser p = { 0 };
	struct str in = STR("GET /a?b HTTP/1.1\r\nHost: h:1\r\nx-a:  1 \r\nX-A: 2\r\nY:\r\n\r\n");
	struct str body;

	(void)state;
	parser_reset(&p, &limits);
	assert_int_equal(parser_next(&p, &in, &body), PARSER_HEAD);
	assert_int_equal(p.field_count, 4);
	assert_true(str_is(parser_field_name(&p, 1), "x-a"));
	assert_true(str_is(parser_field_value(&p, 1), "1"));
	assert_true(str_is(parser_field(&p, STR("X-a")), "1"));
	assert_true(str_is(parser_field(&p, STR("host")), "h:1"));
	assert_non_null(parser_field(&p, STR("y")).p);
	assert_int_equal(parser_field(&p, STR("y")).n, 0);
	assert_null(parser_field(&p, STR("z")).p);
	assert_true(str_is(p.uri.path, "/a"));
	assert_true(str_is(p.uri.query, "b"));
	assert_true(str_is(p.method_text, "GET"));
	assert_int_equal(parser_next(&p, &in, &body), PARSER_END);
	assert_int_equal(parser_next(&p, &in, &body), PARSER_END);
	parser_done(&p);
}

static void test_stays_bad(void **state)
{
	struct parser p = { 0 };
	struct str in = STR("bad\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
	struct str body;

	(void)state;
	parser_reset(&p, &limits);
	assert_int_equal(parser_next(&p, &in, &body), PARSER_BAD);
	assert_int_equal(parser_next(&p, &in, &body), PARSER_BAD);
	assert_int_equal(p.status, 400);
	parser_done(&p);
}

/* Memory that ends in the middle is an answer, too, not a crash. */
static void test_no_memory(void **state)
{
	static const char *const streams[] = {
		"GET / HTTP/1.1\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n",
	};
	struct parser p = { 0 };
	struct str in, body;

	(void)state;
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		size_t last_line = strlen(streams[i]) - (i == 1 ? 9 : i == 3 ? 6 : i == 2 ? 3 : 16);
		enum parser_event e;

		parser_reset(&p, &limits);
		in = (struct str){ streams[i], last_line };
		while ((e = parser_next(&p, &in, &body)) != PARSER_MORE)
			assert_int_equal(e, PARSER_HEAD);
		*(i < 2 ? &p.head.error : &p.line.error) = -ENOMEM;
		in = str_of(streams[i] + last_line);
		assert_int_equal(parser_next(&p, &in, &body), PARSER_BAD);
		assert_int_equal(p.status, 503);
	}
	parser_done(&p);
}

/* Settings that contradict each other refuse requests, no more. */
static void test_head_smaller_than_its_line(void **state)
{
	struct parser_limits narrow = limits;
	struct parser p = { 0 };
	struct str in = STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	struct str body;

	(void)state;
	narrow.head = 10;
	parser_reset(&p, &narrow);
	assert_int_equal(parser_next(&p, &in, &body), PARSER_BAD);
	assert_int_equal(p.status, 431);
	parser_done(&p);
}

/* A setting cannot make the field table overflow. */
static void test_field_limit_is_capped(void **state)
{
	struct parser_limits wide = limits;
	struct parser p = { 0 };
	struct strbuf text = { 0 };
	struct str in, body;

	(void)state;
	wide.fields = UINT32_MAX;
	wide.head = 1 << 20;
	parser_reset(&p, &wide);
	strbuf_adds(&text, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < PARSER_FIELDS_MAX; i++)
		strbuf_adds(&text, "a: b\r\n");
	in = strbuf_str(&text);
	assert_int_equal(parser_next(&p, &in, &body), PARSER_BAD);
	assert_int_equal(p.status, 431);
	strbuf_done(&text);
	parser_done(&p);
}

/* Every byte in the four places where bytes are judged by a table. */
static void test_every_byte(void **state)
{
	static const char tchars[] = "!#$%&'*+-.^_`|~0123456789"
	                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct parser p = { 0 };
	char text[128];
	struct str in, body;
	int n;

	(void)state;
	for (int c = 0; c < 256; c++) {
		bool tchar = c != 0 && strchr(tchars, c);
		bool value = c == '\t' || (c >= ' ' && c != 0x7f);
		bool target = c > ' ' && c < 0x7f && !strchr("\"#<>\\%", c);
		struct {
			const char *format;
			bool fine;
		} places[] = {
			{ "G%cT / HTTP/1.1\r\nHost: a\r\n\r\n", tchar },
			{ "GET /%c HTTP/1.1\r\nHost: a\r\n\r\n", target },
			{ "GET / HTTP/1.1\r\nHost: a\r\nX%cA: 1\r\n\r\n", tchar || c == ':' },
			{ "GET / HTTP/1.1\r\nHost: a\r\nX: a%cb\r\n\r\n", value },
		};

		for (size_t i = 0; i < 4; i++) {
			n = snprintf(text, sizeof(text), "%s", places[i].format);
			*strchr(text, '%') = (char)c;
			memmove(strchr(places[i].format, '%') - places[i].format + text + 1,
			        strchr(places[i].format, '%') + 2,
			        (size_t)n -
			                (size_t)(strchr(places[i].format, '%') - places[i].format) -
			                2);
			in = (struct str){ text, (size_t)n - 1 };
			parser_reset(&p, &limits);
			if ((parser_next(&p, &in, &body) == PARSER_HEAD) != places[i].fine)
				fail_msg("byte %d in place %zu", c, i);
		}
	}
	parser_done(&p);
}

static int read_cases(void **state)
{
	(void)state;
	cases_read(&cases, "requests.txt");
	return 0;
}

static int free_cases(void **state)
{
	(void)state;
	cases_done(&cases);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_one_cut),
		cmocka_unit_test(test_two_cuts),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_stays_bad),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_head_smaller_than_its_line),
		cmocka_unit_test(test_field_limit_is_capped),
		cmocka_unit_test(test_every_byte),
	};

	return cmocka_run_group_tests(tests, read_cases, free_cases);
}
