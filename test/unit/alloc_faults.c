/*
 * Memory that runs out, at every place: each scenario is run with its first allocation failing,
 * then with its second, and so on until none fails any more; once for that allocation alone, once
 * for all from there on. Each time it has to end in -ENOMEM or as if nothing had been, and to leak
 * nothing (LeakSanitizer is asked each time). What shared libraries allocate by themselves does not
 * fail, but for libevent, which takes its memory from here.
 *
 * The linker leads our calls of malloc() and the like here: -Wl,--wrap=malloc, see CMakeLists.txt.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/cleanup.h"
#include "bundle/small_version.h"
#include "csv/reader.h"
#include "features/learned.h"
#include "http/form.h"
#include "http/parser.h"
#include "http/server.h"
#include "score/score.h"

/* --- the allocations --- */

static struct {
	bool armed;
	bool all; /* fail all from the n-th on */
	size_t seen, n;
} fault;

static bool fails(void)
{
	if (!fault.armed)
		return false;
	fault.seen++;
	if (fault.all ? fault.seen < fault.n : fault.seen != fault.n)
		return false;
	errno = ENOMEM;
	return true;
}

#define WRAPPED(name) __asm__("__wrap_" name)
#define REAL(name) __asm__("__real_" name)

void *real_malloc(size_t size) REAL("malloc");
void *real_calloc(size_t count, size_t size) REAL("calloc");
void *real_realloc(void *p, size_t size) REAL("realloc");
void *real_reallocarray(void *p, size_t count, size_t size) REAL("reallocarray");
void *real_aligned_alloc(size_t alignment, size_t size) REAL("aligned_alloc");
char *real_strdup(const char *text) REAL("strdup");

void *our_malloc(size_t size) WRAPPED("malloc");
void *our_calloc(size_t count, size_t size) WRAPPED("calloc");
void *our_realloc(void *p, size_t size) WRAPPED("realloc");
void *our_reallocarray(void *p, size_t count, size_t size) WRAPPED("reallocarray");
void *our_aligned_alloc(size_t alignment, size_t size) WRAPPED("aligned_alloc");
char *our_strdup(const char *text) WRAPPED("strdup");

void *our_malloc(size_t size)
{
	return fails() ? NULL : real_malloc(size);
}

void *our_calloc(size_t count, size_t size)
{
	return fails() ? NULL : real_calloc(count, size);
}

void *our_realloc(void *p, size_t size)
{
	return fails() ? NULL : real_realloc(p, size);
}

void *our_reallocarray(void *p, size_t count, size_t size)
{
	return fails() ? NULL : real_reallocarray(p, count, size);
}

void *our_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : real_aligned_alloc(alignment, size);
}

char *our_strdup(const char *text)
{
	return fails() ? NULL : real_strdup(text);
}

/* Not there without AddressSanitizer. */
int find_leaks(void) __asm__("__lsan_do_recoverable_leak_check") __attribute__((weak));

/* --- what is made once, with all memory there is --- */

static struct small_version version;
static void *image;
static size_t image_size;
static char document[2048]; /* JSON with more names in an object than a scan knows by heart */

static const char row_json[] =
        "{\"transaction_seq\":4,\"create_dt\":\"2026-01-02\",\"amount\":250,\"country\":null,"
        "\"register_date\":\"2025-12-31\",\"pin\":7,\"user_name\":\"\\uff41nna\","
        "\"sender_name\":\" ANNA\"}";
static const float row_margin = 2.53125f;

static int set_up(void **unused)
{
	struct errbuf err = { "" };
	int n;

	(void)unused;
	signal(SIGPIPE, SIG_IGN);
	event_set_mem_functions(malloc, realloc, free);
	json_setup();
	small_fill(&version);
	n = snprintf(document, sizeof(document), "{");
	for (unsigned i = 0; i < 70; i++)
		n += snprintf(document + n, sizeof(document) - (size_t)n, "\"name%u\":[%u,{}],", i,
		              i);
	snprintf(document + n, sizeof(document) - (size_t)n, "\"d\\u00e9j\\u00e0\":\"\\\"vu\"}");
	if (small_image(&version, &image, &image_size, &err) < 0)
		fail_msg("%s", err.text);
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	free(image);
	small_done(&version);
	return 0;
}

/* --- scenarios: 0 with the right outcome, -ENOMEM, or what must not be --- */

static int json_document(void)
{
	struct arena a = { 0 };
	struct strbuf out = { 0 };
	struct json_writer w = { .out = &out };
	struct json_fault where = { 0, NULL };
	const struct cJSON *tree;
	int r = json_parse(str_of(document), &a, &tree, &where);

	if (r == 0) {
		json_write_value(&w, tree);
		r = strbuf_error(&out);
	}
	if (r == 0 && (out.n < 900 || !strstr(out.p, "\"name69\":[69,{}]")))
		r = -EIO;
	strbuf_done(&out);
	arena_done(&a);
	return r;
}

static int write_row(void *self, uint64_t line, const struct str *fields, size_t count)
{
	struct strbuf *out = self;

	(void)line;
	for (size_t i = 0; i < count; i++)
		csv_write_field(out, fields[i], i == 0);
	strbuf_addc(out, '\n');
	return strbuf_error(out);
}

static int csv_rows(void)
{
	static const char text[] = "a,\"b \"\"c\"\"\",d\n\"one\n two\",,3\nlast,row,";
	struct strbuf out = { 0 };
	const struct csv_options options = { .on_row = write_row, .self = &out };
	struct csv_reader *reader = NULL;
	struct errbuf err;
	int r = csv_reader_new(&options, &reader);

	for (size_t at = 0; r == 0 && at < sizeof(text) - 1; at += 5) {
		size_t left = sizeof(text) - 1 - at;

		r = csv_read(reader, (struct str){ text + at, left < 5 ? left : 5 }, &err);
	}
	if (r == 0)
		r = csv_finish(reader, &err);
	if (r == 0 &&
	    !str_is(strbuf_str(&out), "a,\"b \"\"c\"\"\",d\n\"one\n two\",,3\nlast,row,\n"))
		r = -EIO;
	csv_reader_free(reader);
	strbuf_done(&out);
	return r;
}

static void on_fault(void *self, uint32_t input, const struct field_fault *what,
                     const struct cJSON *value)
{
	(void)self;
	(void)input;
	(void)what;
	(void)value;
}

static int read_row(const struct program *p, struct arena *a, struct cell *ret)
{
	struct json_fault where;
	const struct cJSON *tree;
	int r = json_parse(STR(row_json), a, &tree, &where);

	return r < 0 ? r : row_from_json(p, tree, a, ret, on_fault, NULL);
}

static int compile_and_run(struct arena *a)
{
	_Alignas(64) static unsigned char scratch[4096];
	struct declaration *declaration;
	struct learned *learned;
	struct program p;
	struct cell row[8];
	float features[5];
	struct errbuf err;
	size_t size;
	void *bytes;
	int r = program_declare(STR(small_features), "features.yaml", a, &declaration, &err);

	if (r == 0)
		r = learned_read(declaration, STR(small_encoders), STR(small_medians), a, &learned,
		                 &err);
	if (r == 0)
		r = program_compile(declaration, learned, a, &bytes, &size, &err);
	if (r == 0)
		r = program_open(bytes, size, a, &p, &err);
	if (r == 0)
		r = read_row(&p, a, row);
	if (r < 0)
		return r;
	assert_true(program_scratch_size(&p) <= sizeof(scratch));
	program_run(&p, row, scratch, features);
	return features[0] == 250.0f && features[2] == 0.0f && features[3] == 2.0f ? 0 : -EIO;
}

static int features_run(void)
{
	struct arena a = { 0 };
	int r = compile_and_run(&a);

	arena_done(&a);
	return r;
}

static int image_build(void)
{
	struct errbuf err;
	size_t size = 0;
	void *built = NULL;
	int r = small_image(&version, &built, &size, &err);

	if (r == 0 && (size != image_size || memcmp(built, image, size) != 0))
		r = -EIO;
	free(built);
	return r;
}

static int answer_row(struct arena *a, struct score_scratch *s, struct strbuf *out)
{
	struct json_writer w = { .out = out };
	struct score_result result;
	struct score_model m;
	struct cell row[8];
	struct errbuf err;
	int r = score_open(image, image_size, true, a, &m, &err);

	if (r == 0)
		r = score_scratch_init(s, &m);
	if (r == 0)
		r = read_row(&m.program, a, row);
	if (r < 0)
		return r;
	score_row(&m, row, &(struct score_options){ DECISION_ALLOW, 3 }, s, &result);
	score_write_json(&w, &m, row, &result, true);
	score_write_csv(out, &m, row, &result, 3);
	if (strbuf_error(out) < 0)
		return strbuf_error(out);
	return result.margin == row_margin && strstr(out->p, "\"BLOCK\"") ? 0 : -EIO;
}

static int score_answer(void)
{
	struct arena a = { 0 };
	struct score_scratch s = { 0 };
	struct strbuf out = { 0 };
	int r = answer_row(&a, &s, &out);

	strbuf_done(&out);
	score_scratch_done(&s);
	arena_done(&a);
	return r;
}

static const char requests[] = "POST /one?a=%20b HTTP/1.1\r\nHost: here\r\nX-Long: "
                               "0123456789012345678901234567890123456789012345678901234567890\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n"
                               "5;e=1\r\nhello\r\n20\r\n01234567890123456789012345678901\r\n"
                               "0\r\nTrailer: x\r\n\r\n"
                               "POST /two HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
                               "Content-Length: 3\r\n\r\nend";

static int parse_request(struct parser *p, struct str *in)
{
	enum parser_event e;
	struct str body;

	do {
		/* Byte by byte, so that unfinished lines are kept. */
		struct str byte = { in->p, 1 };

		e = parser_next(p, &byte, &body);
		in->n -= 1 - byte.n;
		in->p += 1 - byte.n;
	} while (e != PARSER_END && e != PARSER_BAD && in->n > 0);
	if (e == PARSER_BAD)
		return p->status == 503 ? -ENOMEM : -EBADMSG;
	while (e != PARSER_END) {
		struct str nothing = { in->p, 0 };

		e = parser_next(p, &nothing, &body);
		if (e == PARSER_MORE || e == PARSER_BAD)
			return -EBADMSG;
	}
	return 0;
}

static int http_parse(void)
{
	const struct parser_limits limits = { 1000, 1000, 10, 100, 100, 100 };
	struct str in = STR(requests);
	struct parser *p = real_calloc(1, sizeof(*p)); /* it has many fields */
	int r = 0;

	assert_non_null(p);
	for (unsigned i = 0; r == 0 && i < 2; i++) {
		parser_reset(p, &limits);
		r = parse_request(p, &in);
	}
	parser_done(p);
	free(p);
	return r;
}

static int http_form(void)
{
	struct arena a = { 0 };
	struct form f;
	int r = form_parse(STR("username=anna&password=%41+b&c="), &a, &f, NULL);

	if (r == 0 && !str_is(form_get(&f, "password"), "A b"))
		r = -EIO;
	arena_done(&a);
	return r;
}

static void on_head(struct http_exchange *x, void *self)
{
	(void)x;
	(void)self;
}

static void on_request(struct http_exchange *x, void *self)
{
	struct str body = http_body(x);
	char *copy = arena_strndup(http_arena(x), body);

	(void)self;
	if (!copy) {
		http_refuse(x, 503, 1, "no memory");
		return;
	}
	http_set_header(x, "X-Request-Id", "abc");
	if (str_is(http_path(x), "/one")) {
		http_answer(x, 200, "text/plain", str_of(copy));
		return;
	}
	http_answer_begin(x, 200, "text/plain", HTTP_CHUNKED);
	http_answer_part(x, str_of(copy));
	http_answer_end(x);
}

/* What a client of the server saw: two answers, fewer or a refusal, or something else. */
static int judge(const char *seen)
{
	const char *first = strstr(seen, "hello01234567890123456789012345678901");

	if (strstr(seen, " 4") || strstr(seen, " 500 "))
		return -EPROTO;
	if (first && strstr(first, " 200 ") && strstr(first, "\r\n3\r\nend\r\n0\r\n\r\n"))
		return 0;
	return -ENOMEM;
}

static int connect_to(int listener)
{
	struct sockaddr_in a;
	socklen_t size = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &size), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, size), 0);
	assert_int_equal(send(fd, requests, sizeof(requests) - 1, 0), sizeof(requests) - 1);
	return fd;
}

/* One connection from its first byte to its end. */
static int talk(struct event_base *base, const struct http_server *server, int listener)
{
	CLEANUP(close_p) int fd = connect_to(listener);
	char seen[4096] = "";
	size_t n = 0;
	ssize_t got = 1;

	for (unsigned turns = 0; got != 0; turns++) {
		struct pollfd p = { fd, POLLIN, 0 };

		if (turns == 20000)
			return -ETIMEDOUT;
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (poll(&p, 1, 1) != 1)
			continue;
		got = recv(fd, seen + n, sizeof(seen) - 1 - n, 0);
		if (got < 0)
			got = 0; /* a reset is an end, too */
		n += (size_t)got;
	}
	close_p(&fd);
	fd = -1;
	for (unsigned turns = 0; http_server_counters(server)->open > 0; turns++) {
		if (turns == 20000)
			return -ETIMEDOUT;
		event_base_loop(base, EVLOOP_NONBLOCK);
		poll(NULL, 0, 1);
	}
	return judge(seen);
}

static int listening(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static int serve(struct event_base *base, int listener, bool talks)
{
	struct http_limits limits = HTTP_LIMITS_DEFAULT;
	const struct http_callbacks callbacks = { .on_head = on_head, .on_request = on_request };
	const struct http_network trusted = { 0 };
	const struct http_listener_options options = { .trusted = &trusted, .trusted_count = 1 };
	struct http_server *server = NULL;
	int r;

	limits.source_connections = 4;
	fault.armed = !talks;
	r = http_server_new(base, &limits, &callbacks, NULL, &server);
	if (r == 0)
		r = http_server_listen(server, listener, &options);
	if (talks) {
		fault.armed = true;
		r = talk(base, server, listener);
		fault.armed = false;
		/* It lives on. */
		if (r == 0 || r == -ENOMEM)
			r = talk(base, server, listener) == 0 ? r : -EPIPE;
	}
	fault.armed = false;
	http_server_free(server);
	return r;
}

static int with_base(bool talks)
{
	CLEANUP(close_p) int listener = listening();
	struct event_base *base;
	int r;

	fault.armed = false;
	base = event_base_new();
	assert_non_null(base);
	r = serve(base, listener, talks);
	event_base_free(base);
	return r;
}

static int http_start(void)
{
	return with_base(false);
}

static int http_talk(void)
{
	return with_base(true);
}

/* --- all of them --- */

static const struct scenario {
	const char *name;
	int (*run)(void);
	size_t least; /* allocations, so that a scenario that tries nothing is noticed */
} scenarios[] = {
	{ "csv", csv_rows, 2 },
	{ "features", features_run, 3 },
	{ "http form", http_form, 1 },
	{ "http parser", http_parse, 2 },
	{ "http server", http_start, 3 },
	{ "http talk", http_talk, 5 },
	{ "json", json_document, 3 },
	{ "score", score_answer, 3 },
	{ "score image", image_build, 10 },
};

/* False once the n-th allocation was not reached. */
static bool fail_one(const struct scenario *s, size_t n, bool all)
{
	bool reached;
	int r;

	fault.seen = 0;
	fault.n = n;
	fault.all = all;
	fault.armed = true;
	r = s->run();
	fault.armed = false;
	reached = fault.seen >= n;
	if (r != 0 && (r != -ENOMEM || !reached))
		fail_msg("%s: allocation %zu%s fails: %d", s->name, n,
		         all ? " and all after it" : "", r);
	if (find_leaks && find_leaks())
		fail_msg("%s: allocation %zu%s fails: leaks", s->name, n,
		         all ? " and all after it" : "");
	return reached;
}

static void every_allocation_fails(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		for (int all = 0; all < 2; all++) {
			size_t n = 1;

			while (fail_one(&scenarios[i], n, all))
				n++;
			print_message("%s: %zu\n", scenarios[i].name, n - 1);
			if (n - 1 < scenarios[i].least)
				fail_msg("%s: only %zu allocations", scenarios[i].name, n - 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_fails),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
