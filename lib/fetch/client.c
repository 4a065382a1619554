/*
 * Calls from start to result: attempts, waits between them, redirects, the end. A call is either
 * waiting for its time (due_ms) or has one transfer under way; the client's one timer is armed for
 * the call that is due first.
 *
 * Invariant: on_done runs from the loop only, once, when nothing of the call is under way. Called
 * by azure, by mlflow and by the tools.
 */
#include "fetch/fetch.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/loop.h"
#include "fetch/call.h"
#include "fetch/explain.h"
#include "fetch/redirect.h"
#include "fetch/transfer.h"

static uint64_t now_ms(void)
{
	return clock_mono_ns() / 1000000;
}

static void arm(struct fetch *f)
{
	uint64_t first = UINT64_MAX;
	uint64_t now = now_ms();

	for (const struct fetch_call *c = f->calls; c; c = c->next) {
		if (c->due_ms && c->due_ms < first)
			first = c->due_ms;
	}
	if (first == UINT64_MAX)
		loop_timer_disarm(f->due);
	else
		loop_timer_arm(f->due, first > now ? first - now : 0);
}

static void call_free(struct fetch_call *c)
{
	struct fetch_call **at = &c->fetch->calls;

	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
	if (c->easy)
		driver_remove(c->fetch->driver, c->easy);
	transfer_close(c);
	fetch_result_done(&c->result);
	arena_done(&c->arena);
	free(c);
}

static void call_end(struct fetch_call *c, int result)
{
	struct fetch *f = c->fetch;

	transfer_close(c);
	c->due_ms = 0;
	c->result.result = result;
	c->result.attempts = c->retry.attempts;
	c->result.size = c->received;
	if (result < 0 && c->retry.attempts > 1)
		errbuf_prefix(&c->result.err, result, "after %u attempts", c->retry.attempts);
	c->on_done(c->self, &c->result);
	call_free(c);
	if (f->waiting && !f->calls)
		loop_break(f->base);
}

static void call_again(struct fetch_call *c, uint64_t wait_ms)
{
	transfer_close(c);
	c->due_ms = now_ms() + wait_ms;
	arm(c->fetch);
}

static void on_end(CURL *easy, CURLcode code)
{
	struct fetch_call *c;
	struct retry_failure failure;
	uint64_t wait;
	int r;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &c);
	r = explain_attempt(c, code, &failure, &c->result.err);
	if (r < 0 && code == CURLE_OK && redirect_is_due(c)) {
		r = redirect_follow(c, &c->result.err);
		if (r == 0) {
			/* The same attempt, elsewhere. */
			c->retry.attempts--;
			call_again(c, 0);
			return;
		}
	} else if (r < 0 && retry_again(&c->retry, &failure, now_ms(),
	                                random_u64(&c->fetch->random), &wait)) {
		call_again(c, wait);
		return;
	}
	call_end(c, r);
}

static void begin(struct fetch_call *c)
{
	uint64_t left = retry_left_ms(&c->retry, now_ms());
	int r;

	c->due_ms = 0;
	c->retry.attempts++;
	r = transfer_open(c, left, &c->result.err);
	if (r == 0) {
		r = driver_add(c->fetch->driver, c->easy);
		if (r == 0)
			return;
		errbuf_set(&c->result.err, r, "out of memory");
	}
	call_end(c, r);
}

static struct fetch_call *next_due(const struct fetch *f, uint64_t now)
{
	for (struct fetch_call *c = f->calls; c; c = c->next) {
		if (c->due_ms && c->due_ms <= now)
			return c;
	}
	return NULL;
}

static void on_due(void *self)
{
	struct fetch *f = self;
	uint64_t now = now_ms();
	struct fetch_call *c;

	while ((c = next_due(f, now)))
		begin(c);
	arm(f);
}

static int copy_options(struct fetch *f, const struct fetch_options *o)
{
	const char **texts[] = { &f->options.ca_file, &f->options.ca_path, &f->options.client_cert,
		                 &f->options.user_agent };

	f->options = *o;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (*texts[i])
			*texts[i] = arena_strdup(&f->arena, *texts[i]);
	}
	return arena_failed(&f->arena) ? -ENOMEM : 0;
}

void fetch_options_environment(struct fetch_options *o)
{
	const char *bundle = getenv("CURL_CA_BUNDLE");

	if (!bundle || !*bundle)
		bundle = getenv("SSL_CERT_FILE");
	if (bundle && *bundle)
		o->ca_file = bundle;
	bundle = getenv("SSL_CERT_DIR");
	if (bundle && *bundle)
		o->ca_path = bundle;
}

static int client_open(struct fetch *f, struct event_base *base, const struct fetch_options *o)
{
	int r = copy_options(f, o);

	random_seed(&f->random, clock_mono_ns() ^ ((uint64_t)getpid() << 32));
	f->base = base;
	f->own_base = !base;
	if (r == 0 && f->own_base)
		r = loop_new(&f->base);
	if (r == 0)
		r = loop_timer_new(f->base, on_due, f, &f->due);
	if (r == 0)
		r = driver_new(f->base, on_end, &f->driver);
	return r;
}

int fetch_new(struct event_base *base, const struct fetch_options *o, struct fetch **ret)
{
	struct fetch *f;
	int r;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	f = calloc(1, sizeof(*f));
	if (!f) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	r = client_open(f, base, o);
	if (r < 0) {
		fetch_free(f);
		return r;
	}
	*ret = f;
	return 0;
}

void fetch_free(struct fetch *f)
{
	if (!f)
		return;
	while (f->calls)
		call_free(f->calls);
	driver_free(f->driver);
	loop_timer_free(f->due);
	if (f->own_base)
		loop_free(f->base);
	arena_done(&f->arena);
	free(f);
	curl_global_cleanup();
}

/* Everything that the caller may let go after fetch_start(). */
static int copy_request(struct fetch_call *c, const struct fetch_request *q)
{
	struct fetch_header *headers =
	        arena_calloc(&c->arena, q->header_count + 1, sizeof(*headers));

	c->request = *q;
	c->request.method = arena_strdup(&c->arena, q->method);
	c->url = arena_strdup(&c->arena, q->url);
	for (size_t i = 0; i < q->header_count && headers; i++) {
		headers[i].name = arena_strdup(&c->arena, q->headers[i].name);
		headers[i].value = arena_strdup(&c->arena, q->headers[i].value);
		headers[i].secret = q->headers[i].secret;
	}
	c->request.headers = headers;
	c->request.body_fd = q->body_fd ? arena_memdup(&c->arena, q->body_fd, sizeof(int)) : NULL;
	c->request.out_fd = q->out_fd ? arena_memdup(&c->arena, q->out_fd, sizeof(int)) : NULL;
	if (!q->body_fd)
		c->request.body_size = q->body.n;
	return arena_failed(&c->arena) ? -ENOMEM : 0;
}

int fetch_start(struct fetch *f, const struct fetch_request *q, fetch_done_fn *on_done, void *self,
                struct fetch_call **ret_call)
{
	struct fetch_call *c = calloc(1, sizeof(*c));
	struct fetch_call **at = &f->calls;

	if (!c)
		return -ENOMEM;
	c->fetch = f;
	c->on_done = on_done;
	c->self = self;
	if (copy_request(c, q) < 0) {
		call_free(c);
		return -ENOMEM;
	}
	retry_begin(&c->retry, q->retry ? q->retry : &retry_default, q->idempotent, now_ms());
	c->due_ms = now_ms();
	while (*at)
		at = &(*at)->next;
	*at = c;
	arm(f);
	if (ret_call)
		*ret_call = c;
	return 0;
}

void fetch_cancel(struct fetch_call *c)
{
	if (c)
		call_free(c);
}

static void on_called(void *self, struct fetch_result *r)
{
	struct fetch_result *ret = self;

	*ret = *r;
	r->headers = (struct strbuf){ 0 };
	r->body = (struct strbuf){ 0 };
}

int fetch_call(struct fetch *f, const struct fetch_request *q, struct fetch_result *ret)
{
	int r;

	*ret = (struct fetch_result){ 0 };
	r = fetch_start(f, q, on_called, ret, NULL);
	if (r == 0)
		r = fetch_wait(f);
	if (r < 0) {
		ret->result = r;
		return errbuf_set(&ret->err, r, "%s", strerror(-r));
	}
	return ret->result;
}

int fetch_wait(struct fetch *f)
{
	int r;

	if (!f->calls)
		return 0;
	f->waiting = true;
	r = loop_run(f->base);
	f->waiting = false;
	return r;
}

struct event_base *fetch_base(const struct fetch *f)
{
	return f->base;
}
