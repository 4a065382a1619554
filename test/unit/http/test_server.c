/*
 * The server against real sockets: what comes back for what was sent, in one piece and cut, and
 * what the user's callbacks saw. Limits and deadlines are in test_deadlines.c, TLS in test_tls.c.
 */
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

#include "cases.h"
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

static void talk(struct world *w, const struct test_case *t, size_t cut)
{
	struct client c;
	char name[128];

	w->streamed = 0;
	snprintf(name, sizeof(name), "%s, cut at %zu", t->name, cut);
	client_open(&c, w);
	c.heads = strncmp(t->bytes.p, "HEAD ", 5) == 0 ? "H" : "";
	if (cut > 0) {
		client_send(&c, (struct str){ t->bytes.p, cut });
		world_turn(w);
	}
	client_send(&c, (struct str){ t->bytes.p + cut, t->bytes.n - cut });
	client_expect(&c, name, t->told.p);
	client_done(&c);
}

static void test_talks(void **state)
{
	struct test_cases talks;
	struct world w;

	(void)state;
	cases_read(&talks, "talks.txt");
	start(&w);
	for (size_t i = 0; i < talks.count; i++) {
		talk(&w, &talks.rows[i], 0);
		/* A long one differs from the others by its length only. */
		for (size_t cut = 1; talks.rows[i].bytes.n < 200 && cut < talks.rows[i].bytes.n;
		     cut += 3)
			talk(&w, &talks.rows[i], cut);
	}
	world_done(&w);
	cases_done(&talks);
}

static void test_continue(void **state)
{
	static const char head[] =
	        "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
	struct world w;
	struct client c;

	(void)state;
	start(&w);
	client_open(&c, &w);
	client_sends(&c, head);
	client_expect(&c, "asked for", "100;");
	client_sends(&c, "hi");
	client_expect(&c, "sent", "100;200 [hi];");
	client_done(&c);

	/* The whole request in one segment: no 100 is needed. */
	client_open(&c, &w);
	client_sends(&c, "POST /echo HTTP/1.1\r\n" HOST
	                 "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
	client_expect(&c, "in one piece", "200 [hi];");
	client_done(&c);

	/* A paused body is not asked for. */
	client_open(&c, &w);
	client_sends(&c, "POST /pause HTTP/1.1\r\n" HOST
	                 "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	world_expect(&w, "head /pause;");
	world_turn(&w);
	client_read(&c);
	assert_string_equal(client_tell(&c), "");
	http_resume_body(w.later);
	client_expect(&c, "resumed", "100;");
	client_sends(&c, "hi");
	client_expect(&c, "paused and sent", "100;200 [2];");
	client_done(&c);
	world_done(&w);
}

#define CHUNK "POST /echo HTTP/1.1\r\nX-Id: 7\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

static void test_worded_refusals(void **state)
{
	static const struct {
		const char *sent, *told;
	} cases[] = {
		{ "GET /a HTTP/1.1\r\nX-Id: 7\r\nbad line\r\n\r\n",
		  "400 close [malformed field name|7|];EOF" },
		{ "GET /a HTTP/1.1\r\nX-Id: 7\r\n\r\n", "400 close [no Host|7|];EOF" },
		{ "GET /a HTTP/2.0\r\n\r\n", "505 close [HTTP version not supported||];EOF" },
		{ "FROB / HTTP/1.1\r\nX-Id: 7\r\n" HOST "\r\n" GET("/b"),
		  "501 [method not implemented|7|];200 [/b];" },
		{ CHUNK "zz\r\n", "400 close [malformed chunk size|7|known];EOF" },
		{ CHUNK "2\r\nhi!!", "400 close [chunk does not end where it said|7|known];EOF" },
	};
	struct world w;

	(void)state;
	world_init(&w);
	w.words = true;
	world_start(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client c;

		client_open(&c, &w);
		client_sends(&c, cases[i].sent);
		client_expect(&c, cases[i].sent, cases[i].told);
		assert_non_null(memmem(c.in.p, c.in.n, "X-Worded: yes\r\n", 15));
		client_done(&c);
	}
	world_done(&w);
}

static void test_deferred(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	start(&w);
	client_open(&c, &w);
	client_sends(&c, GET("/defer") GET("/b"));
	world_expect(&w, "request /defer;");
	world_turn(&w);
	client_read(&c);
	/* What is pipelined behind it waits. */
	assert_null(strstr(w.log.p, "head /b"));
	assert_string_equal(client_tell(&c), "");
	http_answer(w.later, 200, "text/plain", STR("late"));
	client_expect(&c, "deferred", "200 [late];200 [/b];");
	client_done(&c);
	world_done(&w);
}

static void test_pause(void **state)
{
	static char block[300000];
	struct world w;
	struct client c;

	(void)state;
	start(&w);
	memset(block, 'x', sizeof(block));
	client_open(&c, &w);
	client_sends(&c, "POST /pause HTTP/1.1\r\n" HOST "Content-Length: 300000\r\n\r\n");
	world_expect(&w, "head /pause;");
	send(c.fd, block, 1000, 0);
	world_turn(&w);
	assert_int_equal(w.streamed, 0);
	http_resume_body(w.later);
	client_send(&c, (struct str){ block + 1000, sizeof(block) - 1000 });
	client_expect(&c, "resumed", "200 [300000];");
	client_done(&c);
	world_done(&w);
}

/* The peer's half-close says that no more requests come, not that it will not read. */
static void test_half_close(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	start(&w);
	client_open(&c, &w);
	client_sends(&c, GET("/a") GET("/defer"));
	world_expect(&w, "request /defer;");
	shutdown(c.fd, SHUT_WR);
	world_turn(&w);
	http_answer(w.later, 200, "text/plain", STR("late"));
	client_expect(&c, "half-closed", "200 [/a];200 close [late];EOF");
	client_done(&c);
	client_open(&c, &w);
	client_sends(&c, GET("/1") GET("/2") GET("/3"));
	shutdown(c.fd, SHUT_WR);
	client_expect(&c, "pipelined", "200 [/1];200 [/2];200 [/3];EOF");
	client_done(&c);
	world_done(&w);
}

static bool nobody_is_open(void *arg)
{
	const struct world *w = arg;

	return w->connections == 0;
}

static void test_aborts(void **state)
{
	static const char *const halves[] = {
		"POST /stream HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nhalf",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nhalf",
		"POST /both HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
	};
	struct world w;
	struct client c;

	(void)state;
	start(&w);
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		client_open(&c, &w);
		client_sends(&c, halves[i]);
		world_expect(&w, "head ");
		world_turn(&w);
		client_done(&c);
		world_expect(&w, "abort /");
		assert_true(world_until(&w, nobody_is_open, &w));
		strbuf_reset(&w.log);
	}
	assert_int_equal(http_server_counters(w.server)->in_flight, 0);
	world_done(&w);
}

/* The peer resets while its answer is being made. */
static void test_reset_while_waiting(void **state)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	struct world w;
	struct client c;

	(void)state;
	start(&w);
	client_open(&c, &w);
	client_sends(&c, GET("/defer"));
	world_expect(&w, "request /defer;");
	assert_non_null(w.later);
	setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	client_done(&c);
	world_expect(&w, "abort /defer;");
	assert_null(w.later);
	assert_true(world_until(&w, nobody_is_open, &w));
	world_done(&w);
}

/* A chunked body turns bad when the answer was begun: only the close can say so. */
static void test_bad_body_after_begin(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	start(&w);
	client_open(&c, &w);
	client_sends(&c, "POST /both HTTP/1.1\r\n" HOST
	                 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
	world_expect(&w, "head /both;");
	client_sends(&c, "nonsense\r\n");
	world_expect(&w, "refused 400 malformed chunk size;abort /both;");
	assert_true(world_until(&w, nobody_is_open, &w));
	client_read(&c);
	assert_true(c.ended);
	client_done(&c);
	world_done(&w);
}

/* Bodies and arenas of any size, and more exchanges at once than are kept. */
static void test_memory_is_given_back(void **state)
{
	enum { CLIENTS = 80 };
	struct strbuf request = { 0 };
	struct world w;
	struct client c[CLIENTS];

	(void)state;
	world_init(&w);
	w.limits.body = 1000000;
	world_start(&w);
	strbuf_addf(&request, "POST /length HTTP/1.1\r\n" HOST "Content-Length: 200000\r\n\r\n");
	for (int i = 0; i < 200000; i++)
		strbuf_addc(&request, 'x');
	for (int i = 0; i < CLIENTS; i++) {
		client_open(&c[i], &w);
		client_send(&c[i], (struct str){ request.p, 1000 });
	}
	for (int i = 0; i < CLIENTS; i++) {
		client_send(&c[i], (struct str){ request.p + 1000, request.n - 1000 });
		client_expect(&c[i], "length", "200 [200000];");
		client_done(&c[i]);
	}
	strbuf_done(&request);
	world_done(&w);
}

static void test_bad_listener(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	assert_int_equal(http_server_listen(w.server, -1, &w.options), -EINVAL);
	world_done(&w);
	http_server_free(NULL);
}

static void on_drained(void *self)
{
	struct world *w = self;

	w->drained = true;
}

static bool is_drained(void *arg)
{
	const struct world *w = arg;

	return w->drained;
}

static void test_drain(void **state)
{
	struct world w;
	struct client idle, busy, fresh;

	(void)state;
	start(&w);
	client_open(&idle, &w);
	client_sends(&idle, GET("/a"));
	client_expect(&idle, "idle", "200 [/a];");
	client_open(&busy, &w);
	client_sends(&busy, GET("/defer"));
	world_expect(&w, "request /defer;");
	/* Accepted, but its request is still to come. */
	client_open(&fresh, &w);
	world_turn(&w);
	assert_int_equal(w.connections, 3);
	http_server_drain(w.server, on_drained);
	client_expect(&idle, "idle", "200 [/a];EOF");
	client_done(&idle);
	assert_false(w.drained);
	client_sends(&fresh, GET("/b"));
	client_expect(&fresh, "fresh", "200 close [/b];EOF");
	client_done(&fresh);
	http_answer(w.later, 200, "text/plain", STR("late"));
	client_expect(&busy, "busy", "200 close [late];EOF");
	client_done(&busy);
	assert_true(world_until(&w, is_drained, &w));
	assert_int_equal(w.connections, 0);
	world_done(&w);
}

static void test_drain_of_nobody(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	http_server_drain(w.server, on_drained);
	assert_true(world_until(&w, is_drained, &w));
	world_done(&w);
}

/* Everything is given back when the server ends in the middle. */
static void test_free_in_the_middle(void **state)
{
	struct world w;
	struct client a, b, c;

	(void)state;
	start(&w);
	client_open(&a, &w);
	client_sends(&a, GET("/defer"));
	world_expect(&w, "request /defer;");
	client_open(&b, &w);
	client_sends(&b, "POST /stream HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nhalf");
	world_expect(&w, "head /stream;");
	client_open(&c, &w);
	client_sends(&c, "GET /x HTT");
	world_turn(&w);
	http_server_free(w.server);
	w.server = NULL;
	assert_non_null(strstr(w.log.p, "abort /defer;"));
	assert_non_null(strstr(w.log.p, "abort /stream;"));
	client_done(&a);
	client_done(&b);
	client_done(&c);
	world_done(&w);
}

static void free_text(void *object)
{
	struct world **w = object;

	strbuf_adds(&(*w)->log, "freed;");
}

static struct world *freed_world;

static void on_head_with_memory(struct http_exchange *x, void *self)
{
	freed_world = self;
	arena_on_free(http_arena(x), free_text, &freed_world);
	http_set_user(x, self);
}

static void on_request_with_memory(struct http_exchange *x, void *self)
{
	struct world *w = self;

	assert_ptr_equal(http_user(x), self);
	strbuf_adds(&w->log, "request;");
	if (str_is(http_path(x), "/defer"))
		w->later = x;
	else
		http_answer(x, 200, NULL, STR(""));
}

/* What rides along in the arena ends with the exchange, answered or not. */
static void test_arena(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_init(&w);
	w.callbacks.on_head = on_head_with_memory;
	w.callbacks.on_request = on_request_with_memory;
	world_start(&w);
	client_open(&c, &w);
	client_sends(&c, GET("/1") GET("/2") GET("/defer"));
	client_expect(&c, "two", "200 [];200 [];");
	assert_string_equal(w.log.p, "request;freed;request;freed;request;");
	client_done(&c);
	w.callbacks.on_abort = NULL;
	world_turn(&w);
	http_server_free(w.server);
	w.server = NULL;
	assert_string_equal(w.log.p, "request;freed;request;freed;request;abort /defer;freed;");
	world_done(&w);
}

static void test_counters(void **state)
{
	struct http_counters shared = { .accepted = 100, .open = 9, .in_flight = 9 };
	struct world w;
	struct client c;

	(void)state;
	start(&w);
	http_server_set_counters(w.server, &shared);
	assert_int_equal(shared.open, 0);
	assert_int_equal(shared.in_flight, 0);
	client_open(&c, &w);
	client_sends(&c, GET("/a") GET("/early") GET("/defer"));
	world_expect(&w, "request /defer;");
	assert_int_equal(shared.in_flight, 1);
	assert_int_equal(shared.open, 1);
	http_answer(w.later, 500, NULL, STR(""));
	client_sends(&c, "bad\r\n");
	client_expect(&c, "all",
	              "200 [/a];404 [early];500 [];400 close "
	              "[{\"detail\": \"malformed method\"}];EOF");
	assert_int_equal(shared.accepted, 101);
	assert_int_equal(shared.requests, 3);
	assert_int_equal(shared.answers[2], 1);
	assert_int_equal(shared.answers[4], 2);
	assert_int_equal(shared.answers[5], 1);
	assert_int_equal(shared.refused[HTTP_REFUSED_400], 1);
	assert_int_equal(shared.in_flight, 0);
	assert_int_equal(shared.bytes_in,
	                 strlen(GET("/a")) + strlen(GET("/early")) + strlen(GET("/defer")) + 5);
	assert_int_equal(shared.bytes_out, c.in.n);
	client_done(&c);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talks),
		cmocka_unit_test(test_continue),
		cmocka_unit_test(test_worded_refusals),
		cmocka_unit_test(test_deferred),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_aborts),
		cmocka_unit_test(test_reset_while_waiting),
		cmocka_unit_test(test_bad_body_after_begin),
		cmocka_unit_test(test_memory_is_given_back),
		cmocka_unit_test(test_bad_listener),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drain_of_nobody),
		cmocka_unit_test(test_free_in_the_middle),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
