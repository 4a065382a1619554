/*
 * Limits and deadlines of the server. The limits are tens of milliseconds here; the tests wait for
 * what must happen and measure nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "world.h"

#define HOST "Host: a\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define LATE_HEAD "408 close [{\"detail\": \"request head came too slowly\"}];EOF"
#define LATE_BODY "408 close [{\"detail\": \"request body came too slowly\"}];EOF"

struct late_case {
	const char *name;
	const char *sent;
	const char *told;
	const char *logged;
};

static const struct late_case late[] = {
	{ "no byte at all", "", "EOF", NULL },
	{ "half a request line", "GET /", LATE_HEAD, "refused 408" },
	{ "half a head", "GET / HTTP/1.1\r\nHost:", LATE_HEAD, "refused 408" },
	{ "only an empty line", "\r\n", "EOF", NULL },
	{ "idle after an answer", GET("/a"), "200 [/a];EOF", NULL },
	{ "idle after an empty line after an answer", GET("/a") "\r\n", "200 [/a];EOF", NULL },
	{ "half the next head", GET("/a") "GET /", "200 [/a];" LATE_HEAD, "refused 408" },
	{ "half a body", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf", LATE_BODY,
	  "abort /echo" },
	{ "half a streamed body", "POST /stream HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf",
	  LATE_BODY, "abort /stream" },
	{ "no body after 100",
	  "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n",
	  "100;" LATE_BODY, "abort /echo" },
	{ "half a chunked body",
	  "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhe", LATE_BODY,
	  "abort /echo" },
	{ "the rest of an answered request",
	  "POST /early HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf", "404 [early];EOF",
	  NULL },
};

static void start(struct world *w)
{
	world_init(w);
	w->limits.first_byte_ms = 60;
	w->limits.head_ms = 60;
	w->limits.idle_ms = 60;
	w->limits.body_ms = 60;
	w->limits.write_ms = 60;
	w->limits.linger_ms = 60;
	world_start(w);
}

static bool client_has_ended(void *arg)
{
	struct client *c = arg;

	client_read(c);
	return c->ended;
}

static bool nobody_is_open(void *arg)
{
	const struct world *w = arg;

	return w->connections == 0;
}

static void test_late(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	start(&w);
	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
		strbuf_reset(&w.log);
		client_open(&c, &w);
		client_sends(&c, late[i].sent);
		client_expect(&c, late[i].name, late[i].told);
		if (late[i].logged)
			world_expect(&w, late[i].logged);
		/* The peer does not close: lingering ends by itself. */
		assert_true(world_until(&w, nobody_is_open, &w));
		client_done(&c);
	}
	assert_true(http_server_counters(w.server)->refused[HTTP_REFUSED_408] >= 7);
	world_done(&w);
}

/* One byte now and then keeps no head alive: the deadline is for the whole of it. */
static void test_dripping_head(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\nX: ";
	struct world w;
	struct client c;

	(void)state;
	start(&w);
	client_open(&c, &w);
	client_sends(&c, head);
	while (!c.ended && c.in.n == 0) {
		send(c.fd, "x", 1, MSG_NOSIGNAL);
		world_turn(&w);
		client_read(&c);
	}
	client_expect(&c, "dripping", LATE_HEAD);
	client_done(&c);
	world_done(&w);
}

/* A body that keeps its rate may take longer than body_ms. */
static void test_steady_body(void **state)
{
	static const char piece[100] = { 0 };
	struct world w;
	struct client c;

	(void)state;
	world_init(&w);
	w.limits.body_ms = 40;
	w.limits.body_rate = 1; /* so each byte buys a second */
	world_start(&w);
	client_open(&c, &w);
	client_sends(&c, "POST /stream HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n");
	for (int i = 0; i < 10; i++) {
		struct client idle;

		client_send(&c, (struct str){ piece, sizeof(piece) });
		/* Something that takes time: another connection comes and goes. */
		client_open(&idle, &w);
		client_sends(&idle, GET("/a"));
		client_expect(&idle, "beside", "200 [/a];");
		client_done(&idle);
	}
	client_expect(&c, "steady", "200 [1000];");
	client_done(&c);
	world_done(&w);
}

/* A paused body and a request that waits for its answer have no deadline. */
static void test_users_time_is_not_the_peers(void **state)
{
	struct world w;
	struct client paused, waiting, idle;
	struct http_exchange *x;

	(void)state;
	start(&w);
	client_open(&paused, &w);
	client_sends(&paused, "POST /pause HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nha");
	world_expect(&w, "head /pause;");
	x = w.later;
	client_open(&waiting, &w);
	client_sends(&waiting, GET("/defer"));
	world_expect(&w, "request /defer;");
	/* Until a third one, which began later, has run into its deadline. */
	client_open(&idle, &w);
	client_expect(&idle, "idle", "EOF");
	client_done(&idle);
	http_answer(w.later, 200, NULL, STR("late"));
	client_expect(&waiting, "waiting", "200 [late];");
	http_resume_body(x);
	client_sends(&paused, "lf");
	client_expect(&paused, "paused", "200 [4];EOF");
	client_done(&paused);
	client_done(&waiting);
	world_done(&w);
}

/* A peer that asks and does not read. */
static void test_reads_nothing(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	start(&w);
	w.wanted = 100000000;
	client_open(&c, &w);
	client_sends(&c, GET("/big"));
	world_expect(&w, "abort /big;");
	assert_true(world_until(&w, nobody_is_open, &w));
	assert_int_equal(http_server_counters(w.server)->dropped, 1);
	assert_true(w.written < w.wanted);
	client_done(&c);
	world_done(&w);
}

/* A peer that pipelines without end and does not read: what is answered and held stays small. */
static void test_pipelines_without_reading(void **state)
{
	static const size_t size = 65000;
	struct strbuf request = { 0 };
	struct world w;
	struct client c;
	size_t at = 0;

	(void)state;
	world_init(&w);
	world_start(&w);
	strbuf_addf(&request, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", size);
	for (size_t i = 0; i < size; i++)
		strbuf_addc(&request, 'x');
	client_open(&c, &w);
	/* Until the server has taken nothing for fifty turns. */
	for (int refused = 0; refused < 50; refused++) {
		ssize_t n = send(c.fd, request.p + at, request.n - at, MSG_NOSIGNAL);

		if (n > 0) {
			at = (at + (size_t)n) % request.n;
			refused = 0;
		}
		world_turn(&w);
	}
	assert_true(http_server_counters(w.server)->answers[2] > 4);
	assert_true(http_server_counters(w.server)->bytes_out < 40000000);
	strbuf_done(&request);
	client_done(&c);
	world_done(&w);
}

static void test_requests_of_a_connection(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	world_init(&w);
	w.limits.requests = 2;
	w.limits.pipeline = 0; /* no sense: taken for 1 */
	world_start(&w);
	client_open(&c, &w);
	client_sends(&c, GET("/1") GET("/2") GET("/3"));
	client_expect(&c, "two", "200 [/1];200 close [/2];EOF");
	client_done(&c);
	world_done(&w);
}

struct gauge {
	const struct world *world;
	unsigned connections;
};

static bool is_reached(void *arg)
{
	const struct gauge *g = arg;

	return g->world->connections == g->connections;
}

/* Those beyond the limit wait in the listen queue and are served when one goes. */
static void test_connections(void **state)
{
	struct world w;
	struct client c[3];

	(void)state;
	world_init(&w);
	w.limits.connections = 2;
	world_start(&w);
	for (int i = 0; i < 3; i++) {
		client_open(&c[i], &w);
		client_sends(&c[i], GET("/a"));
	}
	client_expect(&c[0], "first", "200 [/a];");
	client_expect(&c[1], "second", "200 [/a];");
	world_turn(&w);
	client_read(&c[2]);
	assert_string_equal(client_tell(&c[2]), "");
	assert_int_equal(w.connections, 2);
	client_done(&c[0]);
	client_expect(&c[2], "third", "200 [/a];");
	client_done(&c[1]);
	client_done(&c[2]);
	world_done(&w);
}

/* More room by a reload. */
static void test_new_limits(void **state)
{
	struct world w;
	struct client c[2];

	(void)state;
	world_init(&w);
	w.limits.connections = 1;
	world_start(&w);
	for (int i = 0; i < 2; i++) {
		client_open(&c[i], &w);
		client_sends(&c[i], GET("/a"));
	}
	client_expect(&c[0], "first", "200 [/a];");
	world_turn(&w);
	client_read(&c[1]);
	assert_string_equal(client_tell(&c[1]), "");
	w.limits.connections = 2;
	w.limits.idle_ms = 50;
	w.limits.linger_ms = 50;
	http_server_set_limits(w.server, &w.limits);
	client_expect(&c[1], "second", "200 [/a];EOF");
	client_expect(&c[0], "first ends", "200 [/a];EOF");
	client_done(&c[0]);
	client_done(&c[1]);
	world_done(&w);
}

static void test_source_limit(void **state)
{
	struct world w;
	struct client c[3];

	(void)state;
	world_init(&w);
	w.limits.source_connections = 2;
	world_start(&w);
	for (int i = 0; i < 2; i++) {
		client_open(&c[i], &w);
		client_sends(&c[i], GET("/a"));
		client_expect(&c[i], "within", "200 [/a];");
	}
	client_open(&c[2], &w);
	client_expect(&c[2], "beyond", "EOF");
	client_done(&c[2]);
	assert_int_equal(http_server_counters(w.server)->dropped, 1);
	client_done(&c[0]);
	assert_true(world_until(&w, is_reached, &(struct gauge){ &w, 1 }));
	client_open(&c[2], &w);
	client_sends(&c[2], GET("/a"));
	client_expect(&c[2], "again", "200 [/a];");
	client_done(&c[1]);
	client_done(&c[2]);
	world_done(&w);
}

/* A reserved listener knows neither limit. */
static void test_reserved(void **state)
{
	struct world w;
	struct client c[3];

	(void)state;
	world_init(&w);
	w.limits.connections = 1;
	w.limits.source_connections = 1;
	w.options.reserved = true;
	world_start(&w);
	for (int i = 0; i < 3; i++) {
		client_open(&c[i], &w);
		client_sends(&c[i], GET("/a"));
		client_expect(&c[i], "reserved", "200 [/a];");
	}
	for (int i = 0; i < 3; i++)
		client_done(&c[i]);
	world_done(&w);
}

/* No descriptor is left: the connection is taken when there is one. */
static void test_descriptors(void **state)
{
	struct rlimit before, few;
	struct world w;
	struct client c;

	(void)state;
	world_init(&w);
	world_start(&w);
	client_open(&c, &w);
	client_sends(&c, GET("/a"));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)c.fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	world_turn(&w);
	assert_int_equal(w.connections, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	client_expect(&c, "taken later", "200 [/a];");
	client_done(&c);
	world_done(&w);
}

/* May_accept says no: the connection is taken all the same, one pause later. */
static void test_accept_pause(void **state)
{
	struct world w;
	struct client c[3];

	(void)state;
	world_init(&w);
	w.refusals = 1000000;
	world_start(&w);
	for (int i = 0; i < 3; i++) {
		client_open(&c[i], &w);
		client_sends(&c[i], GET("/a"));
	}
	for (int i = 0; i < 3; i++) {
		client_expect(&c[i], "paused", "200 [/a];");
		client_done(&c[i]);
	}
	/* Asked for each of them, and again when another connection has done something. */
	assert_true(w.refusals <= 1000000 - 3);
	world_done(&w);
}

/* -- who asks -----------------------------------------------------------------------------------
 */

struct forwarded_case {
	const char *fields;
	const char *peer;
};

static void test_forwarded(void **state)
{
	static const struct forwarded_case cases[] = {
		{ "", "127.0.0.1" },
		{ "X-Forwarded-For: 203.0.113.7\r\n", "203.0.113.7" },
		{ "X-Forwarded-For: 6.6.6.6, 203.0.113.7\r\n", "203.0.113.7" },
		{ "X-Forwarded-For: 6.6.6.6, 203.0.113.7, 10.0.0.1\r\n", "203.0.113.7" },
		{ "X-Forwarded-For: 6.6.6.6,203.0.113.7\r\nX-Forwarded-For: 10.2.2.2\r\n",
		  "203.0.113.7" },
		{ "X-Forwarded-For: 10.0.0.2, 10.0.0.1\r\n", "10.0.0.2" },
		{ "X-Forwarded-For: unknown\r\n", "127.0.0.1" },
		{ "X-Forwarded-For: 203.0.113.7, unknown, 10.0.0.1\r\n", "10.0.0.1" },
		{ "X-Forwarded-For:\r\n", "127.0.0.1" },
		{ "x-forwarded-for: [2001:db8::7]:1234\r\n", "2001:db8::7" },
	};
	struct http_network trusted[2];
	struct world w;
	struct client c;
	char text[256];

	(void)state;
	assert_int_equal(http_network_parse(STR("127.0.0.0/8"), &trusted[0]), 0);
	assert_int_equal(http_network_parse(STR("10.0.0.0/8"), &trusted[1]), 0);
	world_init(&w);
	w.options.trusted = trusted;
	w.options.trusted_count = 2;
	world_start(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		client_open(&c, &w);
		snprintf(text, sizeof(text), "GET /facts HTTP/1.0\r\n%s\r\n", cases[i].fields);
		client_sends(&c, text);
		assert_true(world_until(&w, client_has_ended, &c));
		snprintf(text, sizeof(text), "\r\n\r\nGET  - %s role", cases[i].peer);
		if (!strstr(c.in.p, text))
			fail_msg("case %zu: \"%s\"", i, c.in.p);
		client_done(&c);
	}
	world_done(&w);
}

#define PROXY_SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define PROXY_TCP4 PROXY_SIGNATURE "\x21\x11\0\x0c\xcb\0\x71\x07\x0a\0\0\x01\x04\xd2\x1f\x40"
#define PROXY_LOCAL PROXY_SIGNATURE "\x20\0\0\0"

static void start_proxy(struct world *w, const char *network)
{
	struct http_network trusted;

	assert_int_equal(http_network_parse(str_of(network), &trusted), 0);
	world_init(w);
	w->limits.first_byte_ms = 200;
	w->options.proxy_v2 = true;
	w->options.trusted = &trusted;
	w->options.trusted_count = 1;
	world_start(w);
}

static void test_proxy(void **state)
{
	static const char whole[] = PROXY_TCP4 GET("/facts");
	struct world w;
	struct client c;

	(void)state;
	start_proxy(&w, "127.0.0.1");
	for (size_t cut = 0; cut < sizeof(whole) - 1; cut++) {
		client_open(&c, &w);
		client_send(&c, (struct str){ whole, cut });
		world_turn(&w);
		client_send(&c, (struct str){ whole + cut, sizeof(whole) - 1 - cut });
		client_expect(&c, "proxy", "200 [GET a - 203.0.113.7 role=0 tls=0 x= n=1];");
		client_done(&c);
	}
	client_open(&c, &w);
	client_send(&c, STR(PROXY_LOCAL GET("/facts")));
	client_expect(&c, "local", "200 [GET a - 127.0.0.1 role=0 tls=0 x= n=1];");
	client_done(&c);
	world_done(&w);
}

static void test_bad_proxy(void **state)
{
	static const struct str bad[] = {
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27 },
		{ PROXY_SIGNATURE "\x21\x11\xff\xff", 16 },
		{ PROXY_SIGNATURE "\x31\x11\0\0", 16 },
		{ PROXY_SIGNATURE "\x21", 13 }, /* and then nothing: the deadline */
	};
	struct world w;
	struct client c;

	(void)state;
	start_proxy(&w, "127.0.0.1");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		client_open(&c, &w);
		client_send(&c, bad[i]);
		assert_true(world_until(&w, client_has_ended, &c));
		client_done(&c);
	}
	assert_int_equal(http_server_counters(w.server)->dropped, 4);
	client_open(&c, &w);
	client_send(&c, (struct str){ PROXY_SIGNATURE, 12 });
	world_turn(&w);
	client_done(&c);
	assert_true(world_until(&w, is_reached, &(struct gauge){ &w, 0 }));
	world_done(&w);
	start_proxy(&w, "10.0.0.0/8");
	client_open(&c, &w);
	client_expect(&c, "not trusted", "EOF");
	client_done(&c);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_dripping_head),
		cmocka_unit_test(test_steady_body),
		cmocka_unit_test(test_users_time_is_not_the_peers),
		cmocka_unit_test(test_reads_nothing),
		cmocka_unit_test(test_pipelines_without_reading),
		cmocka_unit_test(test_requests_of_a_connection),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_new_limits),
		cmocka_unit_test(test_source_limit),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_accept_pause),
		cmocka_unit_test(test_forwarded),
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_bad_proxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
