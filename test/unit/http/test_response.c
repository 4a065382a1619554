/* The bytes of answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <event2/buffer.h>

#include "http/response.h"

static void test_date(void **state)
{
	static const struct {
		int64_t second;
		const char *text;
	} cases[] = {
		{ 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
		{ 784111777, "Sun, 06 Nov 1994 08:49:37 GMT" },
		{ 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
		{ 1795428610, "Mon, 23 Nov 2026 10:10:10 GMT" },
		{ 4102444799, "Thu, 31 Dec 2099 23:59:59 GMT" },
	};
	struct response_date d = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!str_is(response_date(&d, cases[i].second * 1000000 + 999999), cases[i].text))
			fail_msg("case %zu: %s", i, d.text);
	}
	/* Within the second the text is kept. */
	d.text[0] = '!';
	assert_int_equal(response_date(&d, INT64_C(4102444799000000)).p[0], '!');
	assert_int_equal(response_date(&d, INT64_C(4102444800000000)).p[0], 'F');
}

static void check(struct evbuffer *b, long written, const char *text)
{
	size_t n = evbuffer_get_length(b);

	assert_int_equal(written, n);
	if (n != strlen(text) || memcmp(evbuffer_pullup(b, -1), text, n) != 0)
		fail_msg("\"%.*s\"", (int)n, (char *)evbuffer_pullup(b, -1));
	evbuffer_drain(b, n);
}

static void test_heads(void **state)
{
	struct evbuffer *b = evbuffer_new();
	struct response r = { .status = 200, .length = 3, .date = STR("D"), .type = "t" };

	(void)state;
	check(b, response_write(b, &r, STR("abc")),
	      "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: t\r\nContent-Length: 3\r\n\r\nabc");
	r = (struct response){ .status = 204,
		               .length = RESPONSE_NO_LENGTH,
		               .date = STR("D"),
		               .connection = RESPONSE_CLOSE,
		               .fields = STR("A: b\r\n") };
	check(b, response_write(b, &r, STR("")),
	      "HTTP/1.1 204 No Content\r\nDate: D\r\nConnection: close\r\nA: b\r\n\r\n");
	r = (struct response){ .status = 599,
		               .length = RESPONSE_CHUNKED,
		               .date = STR("D"),
		               .connection = RESPONSE_KEEP_ALIVE };
	check(b, response_write(b, &r, STR("")),
	      "HTTP/1.1 599 Status\r\nDate: D\r\nTransfer-Encoding: chunked\r\n"
	      "Connection: keep-alive\r\n\r\n");
	r = (struct response){ .status = 200, .length = INT64_MAX, .date = STR("D") };
	check(b, response_write(b, &r, STR("")),
	      "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 9223372036854775807\r\n\r\n");
	evbuffer_free(b);
}

/* Every reason, with the largest of everything else, fits the room that is reserved. */
static void test_room(void **state)
{
	struct evbuffer *b = evbuffer_new();
	struct response_date d = { 0 };
	static char type[5000], fields[8192], body[100000];
	struct response r = { .length = INT64_MAX, .connection = RESPONSE_KEEP_ALIVE };

	(void)state;
	memset(type, 't', sizeof(type) - 1);
	memset(fields, 'f', sizeof(fields));
	r.type = type;
	r.fields = (struct str){ fields, sizeof(fields) };
	r.date = response_date(&d, 0);
	for (r.status = 100; r.status < 600; r.status++) {
		size_t n = r.status % 2 ? sizeof(body) : 100;
		long written = response_write(b, &r, (struct str){ body, n });

		assert_true(written > (long)(n + sizeof(fields) + sizeof(type)));
		assert_int_equal(evbuffer_get_length(b), written);
		evbuffer_drain(b, (size_t)written);
	}
	evbuffer_free(b);
}

static void test_chunks(void **state)
{
	struct evbuffer *b = evbuffer_new();
	long n;

	(void)state;
	check(b, response_write_chunk(b, STR("0123456789abcdefg")), "11\r\n0123456789abcdefg\r\n");
	check(b, response_write_chunk_head(b, UINT64_MAX), "ffffffffffffffff\r\n");
	n = response_write_chunk(b, STR("x"));
	n += response_write_last_chunk(b);
	check(b, n, "1\r\nx\r\n0\r\n\r\n");
	evbuffer_free(b);
}

static void test_detail(void **state)
{
	struct strbuf b = { 0 };

	(void)state;
	response_write_detail(&b, "a \"b\" \\ \n \xc3\xa9");
	assert_string_equal(b.p, "{\"detail\": \"a \\\"b\\\" \\\\ \\u000a \xc3\xa9\"}");
	strbuf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_date),   cmocka_unit_test(test_heads),
		cmocka_unit_test(test_room),   cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_detail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
