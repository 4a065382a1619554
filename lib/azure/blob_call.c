/*
 * One call to the storage: its URL, its headers, and who we are, said anew at each attempt (the
 * date is signed). A call that needs a token waits for it; one whose token was refused gets a new
 * one once.
 *
 * Invariant: a call is in the client's list until it is told; it waits for a token or has a fetch
 * call. Called by the verbs.
 */
#include "azure/blob_call.h"

#include <errno.h>
#include <stdlib.h>

#include "azure/oauth.h"
#include "base/clock.h"

#define API_VERSION "2021-12-02"

struct blob_call {
	struct azure *azure;
	struct blob_call *next;
	struct arena arena;
	struct blob_call_request q;          /* texts are the arena's */
	const struct blob_address *asked_at; /* of the request as it came: whose call it is */
	const char *url;
	const char *path;        /* in url, for the signature */
	struct fetch_call *call; /* NULL: waits for a token */
	bool renewed;
	fetch_done_fn *fn;
	void *self;
};

static void call_free(struct blob_call *c)
{
	struct blob_call **at = &c->azure->calls;

	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
	fetch_cancel(c->call);
	arena_done(&c->arena);
	free(c);
}

void blob_call_free_all(struct azure *a)
{
	while (a->calls)
		call_free(a->calls);
}

void blob_call_free_at(struct azure *a, const struct blob_address *at)
{
	struct blob_call *next;

	for (struct blob_call *c = a->calls; c; c = next) {
		next = c->next;
		if (c->asked_at == at)
			call_free(c);
	}
}

static const char *account_of(const struct blob_call *c)
{
	const struct credentials *k = c->azure->credentials;

	return k->account ? k->account : c->q.at->account;
}

static int compare(const void *a, const void *b)
{
	const struct signature_pair *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static const char *text_or_none(const char *text)
{
	return text ? text : "";
}

static int sign(struct blob_call *c, struct signature_pair *headers, size_t count,
                struct strbuf *line)
{
	struct signature_input in = {
		.method = c->q.method,
		.account = account_of(c),
		.path = c->path,
		.content_length = c->q.body.n,
		.content_md5 = text_or_none(c->q.content_md5),
		.content_type = text_or_none(c->q.content_type),
		.if_match = text_or_none(c->q.if_match),
		.if_none_match = text_or_none(c->q.if_none_match),
		.range = "",
		.headers = headers,
		.header_count = count,
		.query = c->q.query,
	};
	const struct credentials *k = c->azure->credentials;
	struct strbuf text = { 0 };
	char signature[SIGNATURE_BYTES];
	int r;

	while (in.query_count < BLOB_CALL_QUERY && c->q.query[in.query_count].name)
		in.query_count++;
	signature_text(&in, &text);
	r = strbuf_error(&text);
	if (r == 0)
		r = signature_sign(k->key, k->key_size, strbuf_str(&text), signature);
	if (r == 0)
		strbuf_addf(line, "SharedKey %s:%s", in.account, signature);
	strbuf_done(&text);
	return r;
}

static int authorise(struct blob_call *c, struct fetch_call *f, struct signature_pair *headers,
                     size_t count)
{
	struct strbuf line = { 0 };
	int r = 0;

	if (c->azure->credentials->kind == CREDENTIALS_KEY)
		r = sign(c, headers, count, &line);
	else if (c->azure->oauth)
		strbuf_addf(&line, "Bearer %s", text_or_none(oauth_token(c->azure->oauth)));
	if (r == 0)
		r = strbuf_error(&line);
	if (r == 0 && line.n)
		r = fetch_add_header(f, "Authorization", line.p);
	strbuf_done(&line);
	return r;
}

static int add_plain(const struct blob_call *c, struct fetch_call *f)
{
	const struct {
		const char *name, *value;
	} plain[] = {
		{ "Content-MD5", c->q.content_md5 },
		{ "Content-Type", c->q.content_type },
		{ "If-Match", c->q.if_match },
		{ "If-None-Match", c->q.if_none_match },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]) && r == 0; i++) {
		if (plain[i].value)
			r = fetch_add_header(f, plain[i].name, plain[i].value);
	}
	return r;
}

static int prepare(void *self, struct fetch_call *f, struct errbuf *err)
{
	struct blob_call *c = self;
	struct signature_pair headers[BLOB_CALL_HEADERS + 2];
	char date[SIGNATURE_DATE_BYTES];
	size_t n = 0;
	int r;

	signature_date(clock_real_us(), date);
	for (; n < BLOB_CALL_HEADERS && c->q.headers[n].name; n++)
		headers[n] = c->q.headers[n];
	headers[n++] = (struct signature_pair){ "x-ms-date", date };
	headers[n++] = (struct signature_pair){ "x-ms-version", API_VERSION };
	qsort(headers, n, sizeof(headers[0]), compare);
	r = add_plain(c, f);
	for (size_t i = 0; i < n && r == 0; i++)
		r = fetch_add_header(f, headers[i].name, headers[i].value);
	if (r == 0)
		r = authorise(c, f, headers, n);
	return r == 0 ? 0 : errbuf_set(err, r, "request cannot be signed: %s", strerror(-r));
}

static void on_answer(void *self, struct fetch_result *r);

static int send(struct blob_call *c)
{
	struct fetch_request q = {
		.method = c->q.method,
		.url = c->url,
		.body = c->q.body,
		.limit = c->q.limit,
		.idempotent = !c->q.once,
		.retry = &c->azure->retry,
		.stall_seconds = c->azure->options.stall_seconds,
		.prepare = prepare,
		.self = c,
	};

	return fetch_start(c->azure->fetch, &q, on_answer, c, &c->call);
}

static void tell(struct blob_call *c, struct fetch_result *r)
{
	c->fn(c->self, r);
	call_free(c);
}

static void tell_errno(struct blob_call *c, int result, const struct errbuf *err)
{
	struct fetch_result r = { .result = result, .err = *err };

	tell(c, &r);
}

/* Waits for a token or goes. */
static int go(struct blob_call *c, struct errbuf *err)
{
	int r;

	if (c->azure->oauth && !oauth_token(c->azure->oauth))
		return oauth_start(c->azure->oauth, err);
	r = send(c);
	return r == 0 ? 0 : errbuf_set(err, r, "%s", strerror(-r));
}

static struct blob_call *next_waiting(const struct azure *a)
{
	for (struct blob_call *c = a->calls; c; c = c->next) {
		if (!c->call)
			return c;
	}
	return NULL;
}

void blob_call_on_token(void *self, int result, const struct errbuf *err)
{
	struct azure *a = self;
	struct blob_call *c;

	while ((c = next_waiting(a))) {
		struct errbuf words = *err;
		int r = result;

		if (r == 0)
			r = send(c);
		if (r < 0 && result == 0)
			errbuf_set(&words, r, "%s", strerror(-r));
		if (r < 0)
			tell_errno(c, r, &words);
	}
}

static bool is_code(const struct fetch_result *r, const char *code)
{
	struct str s = fetch_result_header(r, "x-ms-error-code");

	return s.p && str_is(s, code);
}

/* Azure says 401, the emulator 403. */
static bool is_token_refused(const struct blob_call *c, const struct fetch_result *r)
{
	return c->azure->oauth && !c->renewed &&
	       (r->status == 401 || (r->status == 403 && is_code(r, "AuthenticationFailed")));
}

static void add_hint(const struct blob_call *c, struct fetch_result *r)
{
	if (is_code(r, "AuthorizationPermissionMismatch"))
		errbuf_prefix(&r->err, 0, "%s",
		              c->azure->oauth
		                      ? "identity lacks the role Storage Blob Data Contributor"
		                      : "signature does not allow this");
	else if (r->status == 401 || r->status == 403)
		errbuf_prefix(&r->err, 0, "%s was refused", c->azure->credentials->source);
}

static void on_answer(void *self, struct fetch_result *r)
{
	struct blob_call *c = self;
	struct errbuf err;

	c->call = NULL;
	if (is_token_refused(c, r)) {
		int result;

		c->renewed = true;
		oauth_drop(c->azure->oauth);
		result = go(c, &err);
		if (result < 0)
			tell_errno(c, result, &err);
		return;
	}
	add_hint(c, r);
	tell(c, r);
}

static int make_url(struct blob_call *c)
{
	const struct credentials *k = c->azure->credentials;
	const char *endpoint = k->endpoint ? k->endpoint : c->q.at->endpoint;
	const char *host = strstr(endpoint, "://");
	struct strbuf url = { 0 };
	char *path;
	size_t path_at, path_end;
	int r;

	strbuf_adds(&url, endpoint);
	path_at = host ? (size_t)(host + 3 - endpoint) + strcspn(host + 3, "/") : url.n;
	strbuf_addc(&url, '/');
	signature_encode(&url, c->q.at->container, 0);
	if (!c->q.container) {
		strbuf_addc(&url, '/');
		signature_encode(&url, c->q.at->path, 1);
	}
	path_end = url.n;
	for (size_t i = 0; i < BLOB_CALL_QUERY && c->q.query[i].name; i++) {
		strbuf_addf(&url, "%c%s=", i ? '&' : '?', c->q.query[i].name);
		signature_encode(&url, c->q.query[i].value, 0);
	}
	if (k->kind == CREDENTIALS_SAS)
		strbuf_addf(&url, "%c%s", url.n > path_end ? '&' : '?', k->sas);
	c->url = url.p ? arena_strdup(&c->arena, url.p) : NULL;
	path = url.p ? arena_strndup(&c->arena, (struct str){ url.p + path_at, path_end - path_at })
	             : NULL;
	c->path = path;
	r = strbuf_error(&url) || !c->url || !path ? -ENOMEM : 0;
	strbuf_done(&url);
	return r;
}

static void copy(struct arena *a, const char **text)
{
	if (*text)
		*text = arena_strdup(a, *text);
}

static int copy_request(struct blob_call *c, const struct blob_call_request *q)
{
	struct blob_address *at = arena_memdup(&c->arena, q->at, sizeof(*at));

	c->q = *q;
	copy(&c->arena, &c->q.content_md5);
	copy(&c->arena, &c->q.content_type);
	copy(&c->arena, &c->q.if_match);
	copy(&c->arena, &c->q.if_none_match);
	for (size_t i = 0; i < BLOB_CALL_QUERY; i++)
		copy(&c->arena, &c->q.query[i].value);
	for (size_t i = 0; i < BLOB_CALL_HEADERS; i++)
		copy(&c->arena, &c->q.headers[i].value);
	if (at) {
		copy(&c->arena, &at->account);
		copy(&c->arena, &at->endpoint);
		copy(&c->arena, &at->container);
		copy(&c->arena, &at->path);
	}
	c->q.at = at;
	return arena_failed(&c->arena) ? -ENOMEM : make_url(c);
}

int blob_call_start(struct azure *a, const struct blob_call_request *q, fetch_done_fn *fn,
                    void *self, struct errbuf *err)
{
	struct blob_call *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return errbuf_set(err, -ENOMEM, "out of memory");
	c->azure = a;
	c->asked_at = q->at;
	c->fn = fn;
	c->self = self;
	c->next = a->calls;
	a->calls = c;
	r = copy_request(c, q);
	if (r < 0)
		errbuf_write(err, "out of memory");
	else if (a->oauth && strncmp(c->url, "https://", 8) != 0)
		r = errbuf_set(err, -EPROTO, "a token is never sent without TLS: \"%s\"",
		               c->q.at->endpoint);
	else
		r = go(c, err);
	if (r < 0)
		call_free(c);
	return r;
}

bool blob_call_was_damaged(const struct fetch_result *r)
{
	/* The second is what the emulator says. */
	return r->status == 400 && (is_code(r, "Md5Mismatch") || is_code(r, "InvalidOperation"));
}
