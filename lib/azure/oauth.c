/*
 * A token for storage: by client secret, by the token of a federated identity, or from the identity
 * of the host. Kept in memory only, asked for anew five minutes before its end. The requests have
 * the same retries as all others; a refusal (wrong secret) is told at once in the server's words.
 *
 * Called by client.c before a call that needs a token.
 */
#include "azure/oauth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "azure/signature.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "fetch/fetch.h"
#include "json/scan.h"

#define EARLY_S INT64_C(300)
#define TOKEN_BYTES 65536
#define SCOPE "https://storage.azure.com/.default"
#define RESOURCE "https%3A%2F%2Fstorage.azure.com%2F"
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define HOST_SERVICE "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
#define HOST_CONNECT_MS 1000

struct oauth {
	struct fetch *fetch;
	const struct credentials *credentials;
	struct retry_policy retry;
	struct fetch_call *call;
	struct strbuf body; /* of the request under way */
	char *token;
	int64_t renew_s; /* from then on a new one is asked for */
	oauth_fn *on_token;
	void *self;
};

struct parsing {
	struct oauth_answer *answer;
	unsigned depth;
	struct str name;
	int64_t now_s;
};

static void take_member(struct parsing *p, enum json_event event, struct str text)
{
	unsigned long long seconds;

	if (event == JSON_STRING && str_is(p->name, "access_token"))
		p->answer->token = text;
	if (str_to_u64(text, &seconds) < 0 || seconds > INT32_MAX * 100ULL)
		return;
	/* The host's service says both, as text; App Service says when it ends only. */
	if (str_is(p->name, "expires_in"))
		p->answer->ends_s = p->now_s + (int64_t)seconds;
	else if (str_is(p->name, "expires_on") && p->answer->ends_s == 0)
		p->answer->ends_s = (int64_t)seconds;
}

static int on_event(void *self, enum json_event event, struct str text)
{
	struct parsing *p = self;

	if (event == JSON_OBJECT_BEGIN || event == JSON_ARRAY_BEGIN)
		p->depth++;
	else if (event == JSON_OBJECT_END || event == JSON_ARRAY_END)
		p->depth--;
	else if (event == JSON_KEY)
		p->name = text;
	else if ((event == JSON_STRING || event == JSON_NUMBER) && p->depth == 1)
		take_member(p, event, text);
	return 0;
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	}
	return s.n > 0 && s.n < TOKEN_BYTES;
}

int oauth_parse(struct str json, int64_t now_s, struct arena *a, struct oauth_answer *ret)
{
	struct oauth_answer answer = { 0 };
	struct parsing p = { .answer = &answer, .now_s = now_s };
	struct json_scan_options o = { .unique = true, .on_event = on_event, .self = &p };
	struct json_fault fault;
	int r = json_scan(json, &o, a, &fault);

	if (r < 0)
		return r;
	if (!is_token(answer.token) || answer.ends_s == 0)
		return -EBADMSG;
	*ret = answer;
	return 0;
}

static void forget(struct oauth *o)
{
	if (o->token)
		explicit_bzero(o->token, strlen(o->token));
	free(o->token);
	o->token = NULL;
}

static void body_forget(struct strbuf *b)
{
	if (b->p)
		explicit_bzero(b->p, b->n);
	strbuf_done(b);
}

static int keep(struct oauth *o, struct str json, struct errbuf *err)
{
	struct arena a = { .limit = 262144 };
	struct oauth_answer answer;
	int64_t now_s = clock_real_us() / 1000000;
	int r = oauth_parse(json, now_s, &a, &answer);

	if (r == 0) {
		int64_t life_s = answer.ends_s - now_s;

		forget(o);
		o->token = strndup(answer.token.p, answer.token.n);
		/* One that lives shortly is good for half of its life. */
		o->renew_s = answer.ends_s - (life_s < 2 * EARLY_S ? life_s / 2 : EARLY_S);
		r = o->token ? 0 : -ENOMEM;
	}
	arena_done(&a);
	return r == 0 ? 0 : errbuf_set(err, r, "answer has no token");
}

static void on_answer(void *self, struct fetch_result *r)
{
	struct oauth *o = self;
	int result = r->result;

	o->call = NULL;
	body_forget(&o->body);
	if (result == 0)
		result = keep(o, strbuf_str(&r->body), &r->err);
	if (r->body.p)
		explicit_bzero(r->body.p, r->body.n);
	if (result < 0)
		errbuf_prefix(&r->err, result, "no token by %s", o->credentials->source);
	o->on_token(o->self, result, &r->err);
}

static int send(struct oauth *o, struct fetch_request *q, struct errbuf *err)
{
	int r;

	q->retry = &o->retry;
	q->idempotent = true;
	q->limit = TOKEN_BYTES;
	r = fetch_start(o->fetch, q, on_answer, o, &o->call);
	return r == 0 ? 0 : errbuf_set(err, r, "%s", strerror(-r));
}

static void add_field(struct strbuf *b, const char *name, const char *value)
{
	strbuf_addf(b, "%s%s=", b->n ? "&" : "", name);
	signature_encode(b, value, 0);
}

/* Read anew each time: it is replaced while we live. */
static int add_assertion(struct oauth *o, struct errbuf *err)
{
	CLEANUP(free_p) char *text = NULL;
	size_t size;
	int r = file_read(AT_FDCWD, o->credentials->token_file, TOKEN_BYTES, &text, &size);

	if (r < 0)
		return errbuf_set(err, r, "could not read AZURE_FEDERATED_TOKEN_FILE \"%s\": %s",
		                  o->credentials->token_file, strerror(-r));
	while (size > 0 && strchr("\r\n \t", text[size - 1]))
		text[--size] = '\0';
	add_field(&o->body, "client_assertion_type", ASSERTION_TYPE);
	add_field(&o->body, "client_assertion", text);
	explicit_bzero(text, size);
	return 0;
}

static int ask_entra(struct oauth *o, struct errbuf *err)
{
	const struct credentials *c = o->credentials;
	const struct fetch_header type = { "Content-Type", "application/x-www-form-urlencoded",
		                           false };
	struct fetch_request q = { .method = "POST", .headers = &type, .header_count = 1 };
	struct strbuf url = { 0 };
	int r = 0;

	add_field(&o->body, "grant_type", "client_credentials");
	add_field(&o->body, "client_id", c->client_id);
	add_field(&o->body, "scope", SCOPE);
	if (c->kind == CREDENTIALS_SERVICE_PRINCIPAL)
		add_field(&o->body, "client_secret", c->client_secret);
	else
		r = add_assertion(o, err);
	strbuf_addf(&url, "%s/%s/oauth2/v2.0/token", c->authority, c->tenant);
	if (r == 0 && (strbuf_error(&url) || strbuf_error(&o->body)))
		r = errbuf_set(err, -ENOMEM, "out of memory");
	q.url = url.p;
	q.body = strbuf_str(&o->body);
	if (r == 0)
		r = send(o, &q, err);
	strbuf_done(&url);
	return r;
}

static int ask_host(struct oauth *o, struct errbuf *err)
{
	const struct credentials *c = o->credentials;
	struct fetch_header header = { "Metadata", "true", false };
	struct fetch_request q = { .method = "GET", .headers = &header, .header_count = 1 };
	struct strbuf url = { 0 };
	int r;

	if (c->identity_endpoint) {
		strbuf_addf(&url, "%s?api-version=2019-08-01", c->identity_endpoint);
		header =
		        (struct fetch_header){ "X-IDENTITY-HEADER",
			                       c->identity_header ? c->identity_header : "", true };
	} else {
		strbuf_adds(&url, HOST_SERVICE);
	}
	strbuf_adds(&url, "&resource=" RESOURCE);
	if (c->client_id) {
		strbuf_adds(&url, "&client_id=");
		signature_encode(&url, c->client_id, 0);
	}
	q.url = url.p;
	q.direct = true;
	q.connect_ms = HOST_CONNECT_MS;
	r = strbuf_error(&url) ? errbuf_set(err, -ENOMEM, "out of memory") : send(o, &q, err);
	strbuf_done(&url);
	return r;
}

int oauth_new(struct fetch *f, const struct credentials *c, const struct retry_policy *retry,
              struct oauth **ret)
{
	struct oauth *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->fetch = f;
	o->credentials = c;
	o->retry = *retry;
	*ret = o;
	return 0;
}

void oauth_on_token(struct oauth *o, oauth_fn *fn, void *self)
{
	o->on_token = fn;
	o->self = self;
}

void oauth_free(struct oauth *o)
{
	if (!o)
		return;
	fetch_cancel(o->call);
	body_forget(&o->body);
	forget(o);
	free(o);
}

const char *oauth_token(const struct oauth *o)
{
	return o->token && clock_real_us() / 1000000 < o->renew_s ? o->token : NULL;
}

int oauth_start(struct oauth *o, struct errbuf *err)
{
	int r;

	if (o->call)
		return 0;
	body_forget(&o->body);
	r = o->credentials->kind == CREDENTIALS_MANAGED_IDENTITY ? ask_host(o, err)
	                                                         : ask_entra(o, err);
	if (r < 0)
		body_forget(&o->body);
	return r;
}

void oauth_drop(struct oauth *o)
{
	forget(o);
}
