/*
 * See world.h. The handlers are chosen by path; each does one thing that a user of the server may
 * do: answer at once, later, in parts, from a file, with a body taken or streamed.
 */
#include "world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>
#include <openssl/ssl.h>

#define GIVE_UP_S 20

/* -- handlers -----------------------------------------------------------------------------------
 */

static bool path_is(const struct http_exchange *x, const char *path)
{
	return str_is(http_path(x), path);
}

static void note(struct world *w, const char *what, struct http_exchange *x)
{
	strbuf_adds(&w->log, what);
	strbuf_adds(&w->log, " ");
	strbuf_add(&w->log, http_path(x).p, http_path(x).n);
	strbuf_adds(&w->log, ";");
}

static void on_head(struct http_exchange *x, void *self)
{
	static char known[] = "known";
	struct world *w = self;

	note(w, "head", x);
	http_set_user(x, known);
	if (path_is(x, "/early"))
		http_answer(x, 404, "text/plain", STR("early"));
	else if (path_is(x, "/refuse"))
		http_refuse(x, 503, 7, "too \"busy\"");
	else if (path_is(x, "/small"))
		http_take_body(x, 4);
	else if (path_is(x, "/stream") || path_is(x, "/both") || path_is(x, "/pause"))
		http_stream_body(x);
	if (path_is(x, "/both") || path_is(x, "/hasty"))
		http_answer_begin(x, 200, "text/plain", HTTP_CHUNKED);
	if (path_is(x, "/hasty"))
		http_answer_end(x);
	if (path_is(x, "/pause")) {
		http_pause_body(x);
		w->later = x;
	}
}

static void on_body(struct http_exchange *x, struct str bytes, void *self)
{
	struct world *w = self;

	w->streamed += bytes.n;
	if (path_is(x, "/both"))
		http_answer_part(x, bytes);
}

static void write_big(struct http_exchange *x, struct world *w)
{
	static char block[10000];

	memset(block, 'b', sizeof(block));
	while (w->written < w->wanted && http_output_pending(x) < 100000) {
		http_answer_part(x, (struct str){ block, sizeof(block) });
		w->written += sizeof(block);
	}
	if (http_output_pending(x) > w->most_pending)
		w->most_pending = http_output_pending(x);
	if (w->written >= w->wanted)
		http_answer_end(x);
}

static void answer_parts(struct http_exchange *x, int64_t length)
{
	http_answer_begin(x, 200, "text/plain", length);
	http_answer_part(x, STR("one "));
	http_answer_part(x, STR(""));
	http_answer_part(x, STR("two "));
	http_answer_part(x, STR("three"));
	http_answer_end(x);
}

static void answer_file(struct http_exchange *x, struct world *w)
{
	if (path_is(x, "/file")) {
		http_answer_file(x, 200, "text/plain", dup(w->file), 2, 6);
		return;
	}
	http_answer_begin(x, 200, "text/plain",
	                  path_is(x, "/file-chunked") ? HTTP_CHUNKED : (int64_t)w->wanted + 5);
	http_answer_part(x, STR("<<<"));
	http_answer_part_file(x, dup(w->file), 0, (off_t)w->wanted);
	http_answer_part(x, STR(">>"));
	http_answer_end(x);
}

static void answer_facts(struct http_exchange *x)
{
	char address[HTTP_ADDRESS_SIZE], text[256];
	struct str name, value;

	for (size_t i = 0; i < http_field_count(x); i++) {
		http_field_at(x, i, &name, &value);
		assert_true(name.n > 0 && name.p[name.n] == ':');
	}
	assert_int_equal(http_body_announced(x), 0);
	assert_true(http_started_ns(x) > 0);
	assert_true(http_query(x).n == 0 || http_query(x).p[0] == 'n');
	name = STR("-");
	http_parameter(x, "name", &name);
	snprintf(text, sizeof(text), "%s %.*s %.*s %s role=%d tls=%d x=%.*s n=%zu",
	         http_method_name(http_method(x)), STR_ARGS(http_host(x)), STR_ARGS(name),
	         http_address_print(http_peer(x), address), http_role(x), http_is_tls(x),
	         STR_ARGS(http_field(x, "x-test")), http_field_count(x));
	http_set_header(x, "X-Request-Id", "abc");
	http_answer(x, 200, "text/plain", str_of(text));
}

static void on_request(struct http_exchange *x, void *self)
{
	struct world *w = self;
	char text[64];

	note(w, "request", x);
	if (path_is(x, "/defer")) {
		w->later = x;
	} else if (path_is(x, "/chunked")) {
		answer_parts(x, HTTP_CHUNKED);
	} else if (path_is(x, "/parts")) {
		answer_parts(x, 13);
	} else if (path_is(x, "/too-much")) {
		answer_parts(x, 6);
	} else if (path_is(x, "/too-little")) {
		answer_parts(x, 20);
	} else if (path_is(x, "/break")) {
		http_answer_begin(x, 200, "text/plain", HTTP_CHUNKED);
		http_answer_part(x, STR("half"));
		http_answer_abort(x);
	} else if (path_is(x, "/big")) {
		http_answer_begin(x, 200, "text/plain", HTTP_CHUNKED);
		write_big(x, w);
	} else if (str_is((struct str){ http_path(x).p, 5 }, "/file")) {
		answer_file(x, w);
	} else if (path_is(x, "/facts")) {
		answer_facts(x);
	} else if (path_is(x, "/stream") || path_is(x, "/pause")) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)w->streamed);
		http_answer(x, 200, "text/plain", str_of(text));
	} else if (path_is(x, "/both")) {
		http_answer_end(x);
	} else if (path_is(x, "/length")) {
		snprintf(text, sizeof(text), "%zu", http_body(x).n);
		assert_non_null(arena_alloc(http_arena(x), 100000));
		http_answer(x, 200, "text/plain", str_of(text));
	} else if (path_is(x, "/nothing")) {
		http_answer(x, 204, NULL, STR(""));
	} else if (path_is(x, "/echo") || path_is(x, "/small")) {
		http_answer(x, 200, "text/plain", http_body(x));
	} else {
		http_answer(x, 200, "text/plain", http_path(x));
	}
}

static void on_writable(struct http_exchange *x, void *self)
{
	write_big(x, self);
}

static void on_abort(struct http_exchange *x, void *self)
{
	struct world *w = self;

	note(w, "abort", x);
	if (w->later == x)
		w->later = NULL;
}

static void on_refuse(struct http_exchange *x, int status, const char *why, void *self)
{
	struct str id = http_field(x, "X-Id");
	const struct world *w = self;
	char body[128];

	if (!w->words)
		return;
	snprintf(body, sizeof(body), "%s|%.*s|%s", why, STR_ARGS(id),
	         http_user(x) ? (const char *)http_user(x) : "");
	http_set_header(x, "X-Worded", "yes");
	http_answer(x, status, "text/plain", str_of(body));
}

static void on_refused(int status, const char *why, const struct http_address *peer, void *self)
{
	struct world *w = self;

	(void)peer;
	strbuf_addf(&w->log, "refused %d %s;", status, why);
}

static bool may_accept(void *self)
{
	struct world *w = self;

	if (w->refusals == 0)
		return true;
	w->refusals--;
	return false;
}

static void on_connections(uint64_t open, void *self)
{
	struct world *w = self;

	w->connections = (unsigned)open;
}

/* -- the world ----------------------------------------------------------------------------------
 */

void world_init(struct world *w)
{
	*w = (struct world){
		.limits = HTTP_LIMITS_DEFAULT,
		.callbacks = { on_head, on_body, on_request, on_writable, on_abort, on_refuse,
		               on_refused, may_accept, on_connections },
		.listener = -1,
		.file = -1,
	};
	w->limits.linger_ms = 1000;
	signal(SIGPIPE, SIG_IGN);
}

void world_start(struct world *w)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(a);

	w->base = event_base_new();
	assert_non_null(w->base);
	assert_int_equal(http_server_new(w->base, &w->limits, &w->callbacks, w, &w->server), 0);
	w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(w->listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(w->listener, 512), 0);
	assert_int_equal(getsockname(w->listener, (struct sockaddr *)&a, &size), 0);
	w->port = ntohs(a.sin_port);
	assert_int_equal(http_server_listen(w->server, w->listener, &w->options), 0);
}

void world_done(struct world *w)
{
	http_server_free(w->server);
	if (w->base)
		event_base_free(w->base);
	if (w->listener >= 0)
		close(w->listener);
	if (w->file >= 0)
		close(w->file);
	strbuf_done(&w->log);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void world_turn(struct world *w)
{
	for (int i = 0; i < 5; i++)
		event_base_loop(w->base, EVLOOP_NONBLOCK);
}

/* One turn that may wait for a socket, a wake or a tick, but not for long: the client's side is no
 * event of this loop. */
static void turn_waiting(struct world *w)
{
	struct timeval tv = { .tv_usec = 2000 };

	event_base_loopexit(w->base, &tv);
	event_base_loop(w->base, EVLOOP_ONCE);
}

bool world_until(struct world *w, bool (*done)(void *arg), void *arg)
{
	double end = now_s() + GIVE_UP_S;

	while (!done(arg)) {
		if (now_s() > end)
			return false;
		turn_waiting(w);
	}
	return true;
}

struct log_wish {
	struct world *world;
	const char *text;
};

static bool log_has(void *arg)
{
	const struct log_wish *wish = arg;

	return wish->world->log.p && strstr(wish->world->log.p, wish->text);
}

void world_expect(struct world *w, const char *text)
{
	struct log_wish wish = { w, text };

	if (!world_until(w, log_has, &wish))
		fail_msg("the log is \"%s\", without \"%s\"", w->log.p ? w->log.p : "", text);
}

/* -- clients ------------------------------------------------------------------------------------
 */

void client_open(struct client *c, struct world *w)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	*c = (struct client){ .world = w, .heads = "" };
	a.sin_port = htons(w->port);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connect(c->fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		assert_int_equal(errno, EINPROGRESS);
}

void client_done(struct client *c)
{
	/* A session that was not shut down is not resumed by OpenSSL. */
	if (c->ssl && SSL_is_init_finished(c->ssl))
		SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	if (c->fd >= 0)
		close(c->fd);
	strbuf_done(&c->in);
	strbuf_done(&c->told);
}

static long write_some(struct client *c, const char *p, size_t n)
{
	if (c->ssl)
		return SSL_write(c->ssl, p, (int)n);
	return send(c->fd, p, n, MSG_NOSIGNAL);
}

void client_send(struct client *c, struct str bytes)
{
	double end = now_s() + GIVE_UP_S;

	while (bytes.n > 0) {
		long n = write_some(c, bytes.p, bytes.n);

		if (n > 0) {
			bytes = (struct str){ bytes.p + n, bytes.n - (size_t)n };
			continue;
		}
		/* The server has closed: what it said is the test's business. */
		if (!c->ssl && n < 0 && errno != EAGAIN && errno != ENOTCONN)
			return;
		assert_true(now_s() < end);
		turn_waiting(c->world);
		client_read(c);
	}
}

void client_sends(struct client *c, const char *text)
{
	client_send(c, str_of(text));
}

static long read_some(struct client *c, char *p, size_t n)
{
	int r;

	if (!c->ssl)
		return recv(c->fd, p, n, 0);
	r = SSL_read(c->ssl, p, (int)n);
	if (r > 0)
		return r;
	r = SSL_get_error(c->ssl, r);
	if (r == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = r == SSL_ERROR_WANT_READ || r == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
	return -1;
}

void client_read(struct client *c)
{
	static char block[65536];
	long n;

	while (!c->ended && (n = read_some(c, block, sizeof(block))) != 0) {
		if (n > 0) {
			strbuf_add(&c->in, block, (size_t)n);
			continue;
		}
		if (errno == EAGAIN || errno == ENOTCONN)
			return;
		c->reset = true;
		break;
	}
	c->ended = true;
}

/* -- telling answers ----------------------------------------------------------------------------
 */

/* The value of a field in a head, or NULL. */
static const char *field_of(const char *head, const char *end, const char *name)
{
	const char *at = head;
	size_t n = strlen(name);

	while ((at = memmem(at, (size_t)(end - at), "\r\n", 2))) {
		at += 2;
		if ((size_t)(end - at) > n && strncmp(at, name, n) == 0)
			return at + n;
	}
	return NULL;
}

/* The body of a chunked answer into told; the end of it, or NULL if it is not whole. */
static const char *tell_chunks(struct strbuf *told, const char *at, const char *end)
{
	for (;;) {
		const char *line = memmem(at, (size_t)(end - at), "\r\n", 2);
		char *digits_end;
		size_t size;

		if (!line)
			return NULL;
		size = strtoul(at, &digits_end, 16);
		if (digits_end != line || (size_t)(end - line) < size + 4)
			return NULL;
		at = line + 2;
		strbuf_add(told, at, size);
		if (memcmp(at + size, "\r\n", 2) != 0)
			return NULL;
		at += size + 2;
		if (size == 0)
			return at;
	}
}

/* One answer; the end of it, or NULL if it is not whole. */
static const char *tell_answer(struct client *c, const char *at, const char *end, bool is_head)
{
	const char *body = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
	const char *length, *coding, *connection;
	size_t n = 0;

	if (!body)
		return NULL;
	body += 4;
	length = field_of(at, body, "Content-Length: ");
	coding = field_of(at, body, "Transfer-Encoding: chunked\r\n");
	connection = field_of(at, body, "Connection: ");
	strbuf_add(&c->told, at + 9, 3);
	if (connection)
		strbuf_adds(&c->told, strncmp(connection, "close", 5) == 0 ? " close" : " keep");
	if (strncmp(at + 9, "100", 3) == 0) {
		strbuf_adds(&c->told, ";");
		return body;
	}
	strbuf_adds(&c->told, " [");
	if (coding && !is_head) {
		body = tell_chunks(&c->told, body, end);
		if (!body)
			return NULL;
	} else if (length && !is_head) {
		n = strtoul(length, NULL, 10);
	} else if (!length && !coding && strncmp(at + 9, "204", 3) != 0) {
		n = (size_t)(end - body);
		if (!c->ended)
			return NULL;
	}
	if ((size_t)(end - body) < n)
		return NULL;
	strbuf_add(&c->told, body, n);
	strbuf_adds(&c->told, "];");
	return body + n;
}

const char *client_tell(struct client *c)
{
	const char *at = c->in.p, *end = c->in.p + c->in.n;
	const char *heads = c->heads;

	strbuf_reset(&c->told);
	strbuf_adds(&c->told, "");
	while (at && at < end) {
		size_t told = c->told.n;
		const char *next = tell_answer(c, at, end, *heads == 'H');

		if (!next) {
			c->told.n = told;
			c->told.p[told] = '\0';
			strbuf_adds(&c->told, "part;");
			break;
		}
		if (*heads && strncmp(at + 9, "100", 3) != 0)
			heads++;
		at = next;
	}
	if (c->ended)
		strbuf_adds(&c->told, c->reset ? "RESET" : "EOF");
	return c->told.p ? c->told.p : "";
}

struct told_wish {
	struct client *client;
	const char *told;
};

static bool is_told(void *arg)
{
	struct told_wish *wish = arg;

	client_read(wish->client);
	return strcmp(client_tell(wish->client), wish->told) == 0;
}

/* Long bodies: what differs is at the end. */
static const char *tail(const char *text)
{
	size_t n = strlen(text);

	return n > 400 ? text + n - 400 : text;
}

void client_expect(struct client *c, const char *name, const char *told)
{
	struct told_wish wish = { c, told };

	if (!world_until(c->world, is_told, &wish))
		fail_msg("%s: \"%s\" instead of \"%s\"", name, tail(client_tell(c)), tail(told));
	/* And nothing more. */
	world_turn(c->world);
	client_read(c);
	if (strcmp(client_tell(c), told) != 0)
		fail_msg("%s: then came \"%s\"", name, tail(client_tell(c)));
}
