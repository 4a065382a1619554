/*
 * The client: who we are, a call from its start to its answer, and what an answer means. A call is
 * one request of fetch; its answer is taken as JSON, an object or nothing.
 *
 * Invariant: a call is in the client's list until it is told, so mlflow_free() finds it. Called by
 * registry and by the tools.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "mlflow/endpoint.h"
#include "mlflow/state.h"
#include "json/value.h"

#define ANSWER_BYTES (UINT64_C(8) << 20)
/* A server waits 20 s for a locked database before it says so. */
#define STALL_SECONDS 60
#define REDIRECTS 3

struct call {
	struct mlflow *mlflow;
	struct call *next;
	enum mlflow_endpoint endpoint;
	struct fetch_call *fetch_call;
	char *body;
	mlflow_fn *on_answer;
	void *self;
};

static bool is_given(const char *text)
{
	return text && *text;
}

static bool is_header_value(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	}
	return true;
}

static void add_header(struct mlflow *m, const char *name, const char *value, bool secret)
{
	m->headers[m->header_count++] = (struct fetch_header){ name, value, secret };
}

static int add_basic(struct mlflow *m, const struct mlflow_options *o, struct errbuf *err)
{
	const char *pair = arena_printf(&m->arena, "%s:%s", o->username, o->password);
	size_t n = pair ? strlen(pair) : 0;
	char *code = arena_alloc(&m->arena, BASE64_SIZE(n) + 1);

	if (!pair || !code)
		return errbuf_set(err, -ENOMEM, "out of memory");
	if (strchr(o->username, ':'))
		return errbuf_set(err, -EINVAL, "user name of MLflow cannot hold \":\"");
	base64_encode(pair, n, 0, code);
	add_header(m, "Authorization", arena_printf(&m->arena, "Basic %s", code), true);
	m->sent = REFUSAL_SENT_BASIC;
	return 0;
}

static int add_who_we_are(struct mlflow *m, const struct mlflow_options *o, struct errbuf *err)
{
	int r = 0;

	if (is_given(o->username) && is_given(o->password)) {
		r = add_basic(m, o, err);
	} else if (is_given(o->token)) {
		if (!is_header_value(o->token))
			return errbuf_set(err, -EINVAL, "token of MLflow is not one line of text");
		add_header(m, "Authorization", arena_printf(&m->arena, "Bearer %s", o->token),
		           true);
		m->sent = REFUSAL_SENT_TOKEN;
	}
	if (r == 0 && is_given(o->workspace)) {
		if (!is_header_value(o->workspace))
			return errbuf_set(err, -EINVAL,
			                  "workspace of MLflow is not one line of text");
		add_header(m, "X-MLFLOW-WORKSPACE", arena_strdup(&m->arena, o->workspace), false);
	}
	return r;
}

static int client_open(struct mlflow *m, const struct mlflow_options *o, struct errbuf *err)
{
	const char *registry = is_given(o->registry_uri) ? o->registry_uri : o->tracking_uri;
	int r = server_address_parse(o->tracking_uri, &m->arena, &m->tracking, err);

	if (r < 0)
		return errbuf_prefix(err, r, "address of the MLflow server");
	r = server_address_parse(registry, &m->arena, &m->registry, err);
	if (r < 0)
		return errbuf_prefix(err, r, "address of the model registry");
	r = add_who_we_are(m, o, err);
	if (r < 0)
		return r;
	return arena_failed(&m->arena) ? errbuf_set(err, -ENOMEM, "out of memory") : 0;
}

int mlflow_new(struct fetch *f, const struct mlflow_options *o, struct mlflow **ret,
               struct errbuf *err)
{
	struct mlflow *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return errbuf_set(err, -ENOMEM, "out of memory");
	m->fetch = f;
	m->retry = o->retry ? *o->retry : retry_default;
	r = client_open(m, o, err);
	if (r < 0) {
		mlflow_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

static void call_free(struct call *c)
{
	struct call **at = &c->mlflow->calls;

	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
	fetch_cancel(c->fetch_call);
	free(c->body);
	free(c);
}

void mlflow_free(struct mlflow *m)
{
	if (!m)
		return;
	while (m->calls)
		call_free(m->calls);
	arena_done(&m->arena);
	free(m);
}

const char *mlflow_host(const struct mlflow *m)
{
	return m->tracking.host;
}

const char *mlflow_registry_host(const struct mlflow *m)
{
	return m->registry.host;
}

int client_fetch(struct mlflow *m, const struct client_request *q, fetch_done_fn *on_done,
                 void *self, struct fetch_call **ret)
{
	struct fetch_header headers[MLFLOW_HEADERS + 1];
	struct fetch_request full = q->http;
	size_t n = 0;

	for (; q->trusted && n < m->header_count; n++)
		headers[n] = m->headers[n];
	if (q->header.name)
		headers[n++] = q->header;
	full.headers = headers;
	full.header_count = n;
	full.retry = &m->retry;
	full.redirects = REDIRECTS;
	return fetch_start(m->fetch, &full, on_done, self, ret);
}

int client_explain(const struct client_question *q, const struct fetch_result *r, char *code,
                   struct errbuf *err)
{
	const struct refusal_answer answer = {
		.status = r->status,
		.result = r->result,
		.body = strbuf_str(&r->body),
		.sent = q->sent,
		.is_alias = q->is_alias,
		.is_file = q->is_file,
	};
	struct refusal refusal;

	/* No answer, one that broke off, or one that leads elsewhere. */
	if (r->status < 400)
		return errbuf_set(err, r->result, "%s: %s", q->what, r->err.text);
	refusal_read(&answer, &refusal);
	if (code)
		memcpy(code, refusal.code, REFUSAL_CODE_BYTES);
	return errbuf_set(err, refusal.result, "host \"%s\": %s answered %u: %s", q->host, q->what,
	                  r->status, refusal.words);
}

static const struct server_address *server_of(const struct mlflow *m, const struct endpoint *e)
{
	return e->registry ? &m->registry : &m->tracking;
}

static int parse_answer(const struct call *c, struct str body, struct mlflow_answer *a)
{
	const struct endpoint *e = endpoint_of(c->endpoint);
	struct json_fault fault = { .what = "no object" };
	const struct cJSON *json;
	int r = json_parse(body.n ? body : STR("{}"), &a->arena, &json, &fault);

	if (r == 0 && json_type(json) != JSON_TYPE_OBJECT)
		r = -EBADMSG;
	if (r == -ENOMEM)
		return errbuf_set(&a->err, r, "out of memory");
	if (r < 0)
		return errbuf_set(&a->err, r,
		                  "host \"%s\": %s answered %u with what is no JSON object (%s): "
		                  "no MLflow stands there",
		                  server_of(c->mlflow, e)->host, e->path, a->status, fault.what);
	a->json = json;
	return 0;
}

static void on_end(void *self, struct fetch_result *r)
{
	struct call *c = self;
	const struct endpoint *e = endpoint_of(c->endpoint);
	const struct client_question q = {
		.host = server_of(c->mlflow, e)->host,
		.what = e->path,
		.is_alias = c->endpoint == MLFLOW_ALIAS_GET,
		.sent = c->mlflow->sent,
	};
	struct mlflow_answer a = { .status = r->status };

	c->fetch_call = NULL;
	if (r->result < 0)
		a.result = client_explain(&q, r, a.code, &a.err);
	else
		a.result = parse_answer(c, strbuf_str(&r->body), &a);
	c->on_answer(c->self, &a);
	mlflow_answer_done(&a);
	call_free(c);
}

void mlflow_answer_done(struct mlflow_answer *a)
{
	arena_done(&a->arena);
	a->json = NULL;
}

static int call_send(struct call *c, const struct mlflow_request *q)
{
	struct mlflow *m = c->mlflow;
	const struct endpoint *e = endpoint_of(q->endpoint);
	struct strbuf url = { 0 };
	struct client_request request = {
		.http.method = e->method,
		.http.body = { c->body, q->body.n },
		.http.limit = ANSWER_BYTES,
		.http.idempotent = e->idempotent,
		.http.stall_seconds = STALL_SECONDS,
		.trusted = true,
	};
	int r = endpoint_url(server_of(m, e)->base, q, &url);

	request.http.url = url.p;
	if (q->body.n)
		request.header = (struct fetch_header){ "Content-Type", "application/json", false };
	if (r == 0)
		r = client_fetch(m, &request, on_end, c, &c->fetch_call);
	strbuf_done(&url);
	return r;
}

int mlflow_start(struct mlflow *m, const struct mlflow_request *q, mlflow_fn *on_answer, void *self)
{
	struct call *c = calloc(1, sizeof(*c));
	int r = 0;

	if (!c)
		return -ENOMEM;
	*c = (struct call){ .mlflow = m, .next = m->calls, .endpoint = q->endpoint };
	c->on_answer = on_answer;
	c->self = self;
	m->calls = c;
	if (q->body.n) {
		c->body = malloc(q->body.n);
		if (c->body)
			memcpy(c->body, q->body.p, q->body.n);
		else
			r = -ENOMEM;
	}
	if (r == 0)
		r = call_send(c, q);
	if (r < 0)
		call_free(c);
	return r;
}

static void on_called(void *self, struct mlflow_answer *a)
{
	struct mlflow_answer *ret = self;

	*ret = *a;
	a->arena = (struct arena){ 0 };
}

int mlflow_call(struct mlflow *m, const struct mlflow_request *q, struct mlflow_answer *ret)
{
	int r;

	*ret = (struct mlflow_answer){ 0 };
	r = mlflow_start(m, q, on_called, ret);
	if (r == 0)
		r = fetch_wait(m->fetch);
	if (r < 0)
		return ret->result = errbuf_set(&ret->err, r, "%s", strerror(-r));
	return ret->result;
}
