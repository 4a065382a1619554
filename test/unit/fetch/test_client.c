/* The client against a server of scripted answers: what comes back, how often it asks, what it
 * sends, and what it says. */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "daemon/loop.h"
#include "fetch/fetch.h"

#define ANSWERS 8
#define SEEN ((size_t)262144)

/* One connection after the other: reads a request, sends the next answer, closes. NULL: closes
 * without a word. The last answer repeats. */
struct scripted {
	int fd;
	unsigned port;
	pthread_t thread;
	const char *answers[ANSWERS];
	unsigned connections;
	char *seen; /* all requests */
	size_t seen_size;
};

static struct {
	struct scripted first, second;
	struct fetch *fetch;
	char url[64];
} t;

static size_t body_size(const char *head)
{
	const char *at = strstr(head, "Content-Length: ");

	return at ? strtoul(at + 16, NULL, 10) : 0;
}

static void read_request(struct scripted *s, int fd)
{
	char *start = s->seen + s->seen_size;
	const char *end = NULL;
	size_t whole = SIZE_MAX;

	while ((size_t)(s->seen + s->seen_size - start) < whole) {
		ssize_t n = read(fd, s->seen + s->seen_size, SEEN - 1 - s->seen_size);

		if (n <= 0)
			break;
		s->seen_size += (size_t)n;
		s->seen[s->seen_size] = '\0';
		if (!end && (end = strstr(start, "\r\n\r\n")))
			whole = (size_t)(end + 4 - start) + body_size(start);
	}
}

static void *serve(void *self)
{
	struct scripted *s = self;
	unsigned next = 0;

	for (;;) {
		int fd = accept(s->fd, NULL, NULL);
		const char *answer = s->answers[next];

		if (fd < 0)
			return NULL;
		s->connections++;
		read_request(s, fd);
		if (answer)
			(void)!write(fd, answer, strlen(answer));
		if (next + 1 < ANSWERS && s->answers[next + 1])
			next++;
		close(fd);
	}
}

static void scripted_listen(struct scripted *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &n), 0);
	s->port = ntohs(a.sin_port);
	s->seen = calloc(1, SEEN);
}

static void scripted_start(struct scripted *s, const char *const *answers)
{
	for (unsigned i = 0; i < ANSWERS; i++)
		s->answers[i] = NULL;
	for (unsigned i = 0; i < ANSWERS && answers[i]; i++)
		s->answers[i] = answers[i];
	s->connections = 0;
	s->seen_size = 0;
	s->seen[0] = '\0';
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

/* The thread ends: no further connection. */
static void scripted_stop(struct scripted *s)
{
	shutdown(s->fd, SHUT_RD);
	pthread_join(s->thread, NULL);
	close(s->fd);
	free(s->seen);
	s->seen = NULL;
}

static int setup(void **unused)
{
	struct fetch_options o = { 0 };

	(void)unused;
	unsetenv("http_proxy");
	return fetch_new(NULL, &o, &t.fetch);
}

static int teardown(void **unused)
{
	(void)unused;
	fetch_free(t.fetch);
	return 0;
}

static const struct retry_policy quick = { .attempts = 4, .base_ms = 2, .cap_ms = 4 };

static void expect_words(size_t i, const struct fetch_result *r, const char *words)
{
	if (!strstr(r->err.text, words))
		fail_msg("case %zu: \"%s\" has no \"%s\"", i, r->err.text, words);
	if (strstr(r->err.text, "secret"))
		fail_msg("case %zu: \"%s\" tells the query", i, r->err.text);
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Thing:  a b \r\n\r\nok"
#define BUSY "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
#define LATER "HTTP/1.1 429 Later\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
#define CUT "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok"
#define JSON_404                                                                                   \
	"HTTP/1.1 404 No\r\nConnection: close\r\n\r\n"                                             \
	"{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\",\"message\":\"no model fraud\"}"
#define AZURE_409                                                                                  \
	"HTTP/1.1 409 No\r\nx-ms-error-code: BlobAlreadyExists\r\nContent-Length: 0\r\n\r\n"
#define LONG "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" OK
#define MOVED "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
#define FTP "HTTP/1.1 302 Found\r\nLocation: ftp://h/x\r\nContent-Length: 0\r\n\r\n"

static void answers_and_attempts(void **unused)
{
	static const struct {
		const char *answers[ANSWERS];
		const char *method;
		bool idempotent;
		uint32_t limit;
		int result;
		unsigned status, connections;
		const char *words;
	} cases[] = {
		{ { OK }, "GET", true, 0, 0, 200, 1, "" },
		{ { BUSY, LATER, OK }, "GET", true, 0, 0, 200, 3, "" },
		{ { CUT, OK }, "GET", true, 0, 0, 200, 2, "" },
		{ { BUSY }, "GET", true, 0, -EHOSTUNREACH, 503, 4, "after 4 attempts" },
		{ { BUSY }, "GET", true, 0, -EHOSTUNREACH, 503, 4, "/p/q answered 503" },
		{ { BUSY, OK }, "POST", false, 0, -EHOSTUNREACH, 503, 1, "answered 503" },
		{ { LATER, OK }, "POST", false, 0, 0, 200, 2, "" },
		{ { "" }, "POST", false, 0, -EHOSTUNREACH, 0, 1, "connection broke" },
		{ { CUT }, "GET", true, 0, -EHOSTUNREACH, 200, 4, "ended too early" },
		{ { JSON_404 }, "GET", true, 0, -ENOENT, 404, 1, "404: no model fraud" },
		{ { AZURE_409 }, "GET", true, 0, -EEXIST, 409, 1, "409: BlobAlreadyExists" },
		{ { LONG }, "GET", true, 0, -EFBIG, 200, 1, "longer than 1048576 bytes" },
		{ { OK }, "GET", true, 1, -EFBIG, 200, 1, "longer than 1 bytes" },
		{ { MOVED, OK }, "GET", true, 0, 0, 200, 2, "" },
		{ { MOVED }, "GET", true, 0, -EBADMSG, 302, 3, "302" },
		{ { MOVED, OK }, "POST", true, 0, -EBADMSG, 302, 1, "302" },
		{ { FTP }, "GET", true, 0, -EPROTO, 302, 1, "without TLS" },
		{ { "nonsense\r\n\r\n" }, "GET", true, 0, -EPROTO, 0, 1, "127.0.0.1" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fetch_request q = { .method = cases[i].method, .url = t.url };
		struct fetch_result r;

		q.idempotent = cases[i].idempotent;
		q.limit = cases[i].limit;
		q.retry = &quick;
		q.redirects = 2;
		scripted_listen(&t.first);
		snprintf(t.url, sizeof(t.url), "http://127.0.0.1:%u/p/q?sig=secret", t.first.port);
		scripted_start(&t.first, cases[i].answers);
		fetch_call(t.fetch, &q, &r);
		scripted_stop(&t.first);
		if (r.result != cases[i].result || r.status != cases[i].status ||
		    t.first.connections != cases[i].connections)
			fail_msg("case %zu: %d, status %u, %u connections: %s", i, r.result,
			         r.status, t.first.connections, r.err.text);
		expect_words(i, &r, r.result ? cases[i].words : "");
		if (r.result == 0) {
			assert_true(str_is(strbuf_str(&r.body), "ok"));
			assert_true(str_is(fetch_result_header(&r, "x-thing"), "a b"));
			assert_null(fetch_result_header(&r, "x-thin").p);
		}
		fetch_result_done(&r);
	}
}

static int add_date(void *self, struct fetch_call *c, struct errbuf *err)
{
	unsigned *count = self;
	char text[16];

	(void)err;
	snprintf(text, sizeof(text), "%u", ++*count);
	return fetch_add_header(c, "X-Attempt", text);
}

static void a_body_is_sent_again_and_prepared_anew(void **unused)
{
	static const char *const answers[ANSWERS] = { BUSY, OK };
	int fd;
	unsigned count = 0;
	struct fetch_header h[] = { { "Content-Type", "text/plain", false },
		                    { "X-Empty", "", false } };
	struct fetch_request q = { .method = "PUT", .headers = h, .header_count = 2 };
	struct fetch_result r;

	(void)unused;
	scripted_listen(&t.first);
	snprintf(t.url, sizeof(t.url), "http://127.0.0.1:%u/p", t.first.port);
	assert_int_equal(memfd_new("body", &fd), 0);
	assert_int_equal(file_write_all(fd, "0123456789", 10), 0);
	q.url = t.url;
	q.body_fd = &fd;
	q.body_offset = 3;
	q.body_size = 4;
	q.idempotent = true;
	q.retry = &quick;
	q.prepare = add_date;
	q.self = &count;
	scripted_start(&t.first, answers);
	assert_int_equal(fetch_call(t.fetch, &q, &r), 0);
	shutdown(t.first.fd, SHUT_RD);
	pthread_join(t.first.thread, NULL);
	assert_int_equal(t.first.connections, 2);
	assert_non_null(strstr(t.first.seen, "X-Attempt: 1\r\n"));
	assert_non_null(strstr(t.first.seen, "X-Attempt: 2\r\n"));
	assert_non_null(strstr(t.first.seen, "X-Empty:\r\n"));
	assert_non_null(strstr(t.first.seen, "Content-Length: 4\r\n"));
	assert_non_null(strstr(t.first.seen, "\r\n\r\n3456PUT /p"));
	assert_null(strstr(t.first.seen, "Expect"));
	close(t.first.fd);
	free(t.first.seen);
	fetch_result_done(&r);

	/* The file is shorter than said. */
	scripted_listen(&t.first);
	snprintf(t.url, sizeof(t.url), "http://127.0.0.1:%u/p", t.first.port);
	q.body_size = 40;
	scripted_start(&t.first, answers);
	assert_int_equal(fetch_call(t.fetch, &q, &r), -ENODATA);
	expect_words(0, &r, "file became shorter");
	scripted_stop(&t.first);
	fetch_result_done(&r);
	close(fd);
}

static void a_part_goes_behind_and_a_whole_to_the_start(void **unused)
{
	static const struct {
		const char *answer, *file;
	} cases[] = {
		{ "HTTP/1.1 206 Partial\r\nContent-Range: bytes 3-5/6\r\nContent-Length: 3\r\n\r\n"
		  "def",
		  "abcdef" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nABCDEF", "ABCDEF" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const answers[ANSWERS] = { cases[i].answer };
		struct fetch_request q = { .method = "GET", .url = t.url, .out_offset = 3 };
		struct fetch_result r;
		char text[16] = "";
		int fd;

		scripted_listen(&t.first);
		snprintf(t.url, sizeof(t.url), "http://127.0.0.1:%u/p", t.first.port);
		assert_int_equal(memfd_new("file", &fd), 0);
		assert_int_equal(file_write_all(fd, "abc", 3), 0);
		q.out_fd = &fd;
		scripted_start(&t.first, answers);
		assert_int_equal(fetch_call(t.fetch, &q, &r), 0);
		scripted_stop(&t.first);
		assert_int_equal(pread(fd, text, sizeof(text) - 1, 0), 6);
		if (strcmp(text, cases[i].file) != 0)
			fail_msg("case %zu: \"%s\"", i, text);
		fetch_result_done(&r);
		close(fd);
	}
}

static void secrets_stay_at_home(void **unused)
{
	char moved[200];
	const char *const first[ANSWERS] = { moved };
	static const char *const second[ANSWERS] = { OK };
	struct fetch_header h[] = { { "Authorization", "Bearer abc", true },
		                    { "X-Key", "abc", true },
		                    { "X-Open", "yes", false } };
	struct fetch_request q = { .method = "GET", .headers = h, .header_count = 3 };
	struct fetch_result r;

	(void)unused;
	scripted_listen(&t.first);
	scripted_listen(&t.second);
	snprintf(moved, sizeof(moved),
	         "HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:%u/x\r\n"
	         "Content-Length: 0\r\n\r\n",
	         t.second.port);
	snprintf(t.url, sizeof(t.url), "http://127.0.0.1:%u/p", t.first.port);
	q.url = t.url;
	q.redirects = 3;
	scripted_start(&t.first, first);
	scripted_start(&t.second, second);
	assert_int_equal(fetch_call(t.fetch, &q, &r), 0);
	assert_non_null(strstr(t.first.seen, "Bearer abc"));
	assert_non_null(strstr(t.second.seen, "GET /x HTTP/1.1"));
	assert_non_null(strstr(t.second.seen, "X-Open: yes"));
	assert_null(strstr(t.second.seen, "abc"));
	assert_null(strstr(t.second.seen, "Authorization"));
	scripted_stop(&t.first);
	scripted_stop(&t.second);
	fetch_result_done(&r);
}

static void what_cannot_be_reached(void **unused)
{
	static const struct {
		const char *url;
		int result;
		const char *words;
	} cases[] = {
		{ "http://no-such-host.invalid/x", -EHOSTUNREACH,
		  "host \"no-such-host.invalid\": name is not known (DNS)" },
		{ "http://127.0.0.1:1/x", -EHOSTUNREACH, "host \"127.0.0.1:1\": no connection" },
		{ "ftp://127.0.0.1/x", -EPROTO, "127.0.0.1" },
		{ "http://127.0.0.1:99999999/x", -EPROTO, "127.0.0.1" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fetch_request q = { .method = "GET", .url = cases[i].url };
		struct fetch_result r;

		q.retry = &quick;
		if (fetch_call(t.fetch, &q, &r) != cases[i].result)
			fail_msg("case %zu: %d %s", i, r.result, r.err.text);
		expect_words(i, &r, cases[i].words);
		assert_int_equal(r.attempts, r.result == -EPROTO ? 1 : 4);
		fetch_result_done(&r);
	}
}

static void a_silent_server_runs_into_the_deadline(void **unused)
{
	static const struct retry_policy p = { 3, 1, 1, 300 };
	struct fetch_request q = { .method = "GET", .idempotent = true, .retry = &p };
	struct fetch_result r;

	(void)unused;
	/* Listens, and nobody ever accepts. */
	scripted_listen(&t.first);
	snprintf(t.url, sizeof(t.url), "http://127.0.0.1:%u/p", t.first.port);
	q.url = t.url;
	assert_int_equal(fetch_call(t.fetch, &q, &r), -ETIMEDOUT);
	expect_words(0, &r, "time-out");
	fetch_result_done(&r);
	close(t.first.fd);
	free(t.first.seen);
}

static void headers_are_checked(void **unused)
{
	static const struct {
		const char *name, *value;
	} cases[] = { { "X-A", "a\r\nX-B: c" }, { "", "a" }, { "X A", "a" }, { "X:", "a" } };

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fetch_header h = { cases[i].name, cases[i].value, false };
		struct fetch_request q = { .method = "GET", .url = "http://127.0.0.1:1/" };
		struct fetch_result r;

		q.headers = &h;
		q.header_count = 1;
		if (fetch_call(t.fetch, &q, &r) != -EINVAL)
			fail_msg("case %zu: %d", i, r.result);
		fetch_result_done(&r);
	}
}

static void on_never(void *self, struct fetch_result *r)
{
	(void)self;
	(void)r;
	fail_msg("a cancelled call called back");
}

static void a_cancelled_call_is_silent(void **unused)
{
	struct fetch_request q = { .method = "GET", .url = "http://127.0.0.1:1/" };
	struct fetch_call *c;
	struct fetch_result r;

	(void)unused;
	q.retry = &quick;
	assert_int_equal(fetch_start(t.fetch, &q, on_never, NULL, &c), 0);
	fetch_cancel(c);
	assert_int_equal(fetch_call(t.fetch, &q, &r), -EHOSTUNREACH);
	fetch_result_done(&r);
	/* Under way when the client goes: teardown frees it. */
	assert_int_equal(fetch_start(t.fetch, &q, on_never, NULL, NULL), 0);
}

struct many {
	struct event_base *base;
	unsigned left;
};

static void on_one(void *self, struct fetch_result *r)
{
	struct many *m = self;

	assert_int_equal(r->result, 0);
	if (--m->left == 0)
		loop_break(m->base);
}

static void a_daemon_has_many_calls_under_way(void **unused)
{
	static const char *const answers[ANSWERS] = { OK };
	struct many m = { .left = 20 };
	struct fetch_options o = { 0 };
	struct fetch *f;
	struct fetch_request q = { .method = "GET", .idempotent = true };

	(void)unused;
	scripted_listen(&t.first);
	snprintf(t.url, sizeof(t.url), "http://127.0.0.1:%u/p", t.first.port);
	q.url = t.url;
	scripted_start(&t.first, answers);
	assert_int_equal(loop_new(&m.base), 0);
	assert_int_equal(fetch_new(m.base, &o, &f), 0);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(fetch_start(f, &q, on_one, &m, NULL), 0);
	assert_int_equal(loop_run(m.base), 0);
	assert_int_equal(m.left, 0);
	fetch_free(f);
	loop_free(m.base);
	scripted_stop(&t.first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_and_attempts),
		cmocka_unit_test(a_body_is_sent_again_and_prepared_anew),
		cmocka_unit_test(a_part_goes_behind_and_a_whole_to_the_start),
		cmocka_unit_test(secrets_stay_at_home),
		cmocka_unit_test(what_cannot_be_reached),
		cmocka_unit_test(a_silent_server_runs_into_the_deadline),
		cmocka_unit_test(headers_are_checked),
		cmocka_unit_test(a_daemon_has_many_calls_under_way),
		cmocka_unit_test(a_cancelled_call_is_silent),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
