/* Answers on the wire: their bytes, answers in parts, files, and what breaks them off. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "world.h"

#define HOST "Host: a\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static int make_file(const char *text, size_t repeat)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	for (size_t i = 0; i < repeat; i++)
		assert_int_equal(write(fd, text, strlen(text)), (long)strlen(text));
	return fd;
}

static void start(struct world *w)
{
	world_init(w);
	w->options.role = 7;
	w->file = make_file("abcdefghij", 1);
	world_start(w);
}

/* The head and the body of an answer byte for byte, but for the date. */
static void test_bytes(void **state)
{
	struct world w;
	struct client c;
	const char *date;

	(void)state;
	start(&w);
	client_open(&c, &w);
	client_sends(&c, GET("/facts"));
	client_expect(&c, "bytes", "200 [GET a - 127.0.0.1 role=7 tls=0 x= n=1];");
	date = strstr(c.in.p, "Date: ");
	assert_non_null(date);
	assert_int_equal(strcspn(date, "\r"), 6 + 29);
	assert_memory_equal(date + 6 + 25, " GMT", 4);
	assert_non_null(strstr(c.in.p, "\r\nContent-Type: text/plain\r\nContent-Length: 37\r\n"
	                               "X-Request-Id: abc\r\n\r\n"));
	assert_memory_equal(c.in.p, "HTTP/1.1 200 OK\r\nDate: ", 23);
	client_done(&c);
	client_open(&c, &w);
	client_sends(&c, GET("/refuse"));
	client_expect(&c, "refuse", "503 [{\"detail\": \"too \\\"busy\\\"\"}];");
	assert_non_null(strstr(c.in.p, "\r\nRetry-After: 7\r\n"));
	assert_non_null(strstr(c.in.p, "\r\nContent-Type: application/json\r\n"));
	client_done(&c);
	world_done(&w);
}

static bool client_has_ended(void *arg)
{
	struct client *c = arg;

	client_read(c);
	return c->ended;
}

static void test_broken_off(void **state)
{
	static const char *const requests[] = { GET("/break"), GET("/too-little") };
	struct world w;
	struct client c;

	(void)state;
	start(&w);
	for (size_t i = 0; i < 2; i++) {
		client_open(&c, &w);
		client_sends(&c, requests[i]);
		assert_true(world_until(&w, client_has_ended, &c));
		client_tell(&c);
		assert_true(!strstr(c.told.p, "];"));
		client_done(&c);
	}
	world_done(&w);
}

/* 20 MB through on_writable: nothing is lost and little is held. */
static void test_back_pressure(void **state)
{
	struct world w;
	struct client c;
	size_t bytes = 0;

	(void)state;
	start(&w);
	w.wanted = 20000000;
	client_open(&c, &w);
	client_sends(&c, GET("/big"));
	world_expect(&w, "request /big;");
	world_turn(&w);
	assert_true(w.written < w.wanted);
	client_sends(&c, "GET /b HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	assert_true(world_until(&w, client_has_ended, &c));
	for (const char *p = c.in.p; p < c.in.p + c.in.n; p++)
		bytes += *p == 'b' && p[-1] != '/';
	assert_true(bytes >= 20000000);
	assert_true(w.most_pending < 120000);
	assert_non_null(memmem(c.in.p + c.in.n - 8, 8, "/b", 2));
	client_done(&c);
	world_done(&w);
}

static void check_large_file(struct world *w, const char *request)
{
	struct client c;
	struct strbuf told = { 0 };

	client_open(&c, w);
	client_sends(&c, request);
	strbuf_adds(&told, "200 [<<<");
	for (size_t i = 0; i < w->wanted / 10; i++)
		strbuf_adds(&told, "abcdefghij");
	strbuf_adds(&told, ">>];200 [/b];");
	client_expect(&c, "large file", told.p);
	client_done(&c);
	strbuf_done(&told);
}

static void test_large_file(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.file = make_file("abcdefghij", 50000);
	w.wanted = 500000;
	world_start(&w);
	check_large_file(&w, GET("/file-parts") GET("/b"));
	check_large_file(&w, GET("/file-chunked") GET("/b"));
	world_done(&w);
}

/* A file that is shorter than was said: the answer breaks off. So does one that nobody reads. */
static void test_short_file(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_init(&w);
	w.file = make_file("abcdefghij", 50);
	w.wanted = 1000;
	world_start(&w);
	client_open(&c, &w);
	client_sends(&c, GET("/file-parts"));
	assert_true(world_until(&w, client_has_ended, &c));
	assert_string_equal(client_tell(&c), "part;EOF");
	client_done(&c);
	w.wanted = 0;
	client_open(&c, &w);
	client_sends(&c, GET("/file-parts") GET("/file-chunked"));
	client_expect(&c, "nothing of it", "200 [<<<>>];200 [<<<>>];");
	client_done(&c);
	world_done(&w);
}

static void test_set_header(void **state)
{
	struct world w;
	struct client c;
	char *large = malloc(9000);

	(void)state;
	start(&w);
	client_open(&c, &w);
	client_sends(&c, GET("/defer"));
	world_expect(&w, "request /defer;");
	memset(large, 'x', 8999);
	large[8999] = '\0';
	assert_int_equal(http_set_header(w.later, "A b", "1"), -EINVAL);
	assert_int_equal(http_set_header(w.later, "", "1"), -EINVAL);
	assert_int_equal(http_set_header(w.later, "A", "1\r\nB: 2"), -EINVAL);
	assert_int_equal(http_set_header(w.later, "A", large), -E2BIG);
	assert_int_equal(http_set_header(w.later, "A", "1"), 0);
	assert_int_equal(http_set_header(w.later, "A", ""), 0);
	http_answer(w.later, 200, NULL, STR("x"));
	client_expect(&c, "fields", "200 [x];");
	assert_non_null(strstr(c.in.p, "\r\nA: 1\r\nA: \r\n\r\nx"));
	assert_null(strstr(c.in.p, "Content-Type"));
	free(large);
	client_done(&c);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),         cmocka_unit_test(test_broken_off),
		cmocka_unit_test(test_back_pressure), cmocka_unit_test(test_large_file),
		cmocka_unit_test(test_short_file),    cmocka_unit_test(test_set_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
