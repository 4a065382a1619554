/*
 * Turns libcurl's codes and a server's status into -errno, a cause for the retry policy and a
 * sentence that names the host and what went wrong. Never the query of a URL: it may be a
 * signature.
 *
 * Called by client.c after each attempt.
 */
#include "fetch/explain.h"

#include <errno.h>

#include "base/clock.h"
#include "fetch/call.h"
#include "json/scan.h"

#define JSON_BYTES 16384
#define JSON_ARENA_BYTES 65536

struct excerpt {
	unsigned depth;
	int rank; /* of the member whose value comes */
	int best;
	struct str text;
};

/* The members that carry words, the best last. */
static const char *const members[] = { "error", "error_code", "detail", "error_description",
	                               "message" };

static int rank_of(struct str name)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (str_is(name, members[i]))
			return (int)i + 1;
	}
	return 0;
}

static int on_event(void *self, enum json_event event, struct str text)
{
	struct excerpt *e = self;

	if (event == JSON_OBJECT_BEGIN || event == JSON_ARRAY_BEGIN) {
		e->depth++;
	} else if (event == JSON_OBJECT_END || event == JSON_ARRAY_END) {
		e->depth--;
	} else if (event == JSON_KEY) {
		e->rank = e->depth == 1 ? rank_of(text) : 0;
	} else if (event == JSON_STRING && e->rank > e->best) {
		e->best = e->rank;
		e->text = text;
	}
	return 0;
}

/* One line, no control characters, cut on a whole character. */
static void copy_line(struct str s, char ret[EXPLAIN_BYTES])
{
	size_t n = str_utf8_cut(s, EXPLAIN_BYTES - 1);

	for (size_t i = 0; i < n; i++) {
		ret[i] = s.p[i];
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			ret[i] = ' ';
	}
	ret[n] = '\0';
}

void explain_body(struct str body, char ret[EXPLAIN_BYTES])
{
	struct excerpt e = { 0 };
	struct json_scan_options o = { .on_event = on_event, .self = &e };
	struct arena a = { .limit = JSON_ARENA_BYTES };
	struct json_fault fault;

	ret[0] = '\0';
	while (body.n > 0 && strchr(" \t\r\n", *body.p)) {
		body.p++;
		body.n--;
	}
	if (body.n == 0 || *body.p == '<')
		return;
	if (*body.p != '{') {
		if (str_is_utf8(body))
			copy_line(body, ret);
	} else if (body.n <= JSON_BYTES && json_scan(body, &o, &a, &fault) == 0 && e.best) {
		copy_line(e.text, ret);
	}
	arena_done(&a);
}

int explain_status(unsigned status)
{
	switch (status) {
	case 401:
	case 403:
		return -EACCES;
	case 404:
		return -ENOENT;
	case 409:
	case 412:
		return -EEXIST;
	case 408:
	case 429:
		return -EHOSTUNREACH;
	default:
		return status >= 500 ? -EHOSTUNREACH : -EBADMSG;
	}
}

/* "https://host:1/path" of any URL. */
static struct str without_query(const char *url)
{
	return (struct str){ url, strcspn(url, "?#") };
}

/* "host:1" */
static struct str host_of(const char *url)
{
	const char *at = strstr(url, "://");
	struct str host = str_of(at ? at + 3 : url);
	const char *user;

	host.n = strcspn(host.p, "/?#");
	user = memchr(host.p, '@', host.n);
	if (user) {
		host.n -= (size_t)(user + 1 - host.p);
		host.p = user + 1;
	}
	return host;
}

static int explain_answer(const struct fetch_call *c, struct retry_failure *f, struct errbuf *err)
{
	const struct fetch_result *r = &c->result;
	struct str after = fetch_result_header(r, "Retry-After");
	struct str azure = fetch_result_header(r, "x-ms-error-code");
	char words[EXPLAIN_BYTES];

	f->cause = RETRY_ANSWERED;
	f->status = r->status;
	f->after_ms = after.p ? retry_after_ms(after, clock_real_us()) : -1;
	if (azure.n)
		copy_line(azure, words);
	else
		explain_body(strbuf_str(&r->body), words);
	return errbuf_set(err, explain_status(r->status), "%.*s answered %u%s%s",
	                  STR_ARGS(without_query(c->url)), r->status, words[0] ? ": " : "", words);
}

static int explain_tls(const struct fetch_call *c, struct retry_failure *f, struct errbuf *err)
{
	bool name = strstr(c->words, "subject name") || strstr(c->words, "does not match");

	f->cause = RETRY_PERMANENT;
	return errbuf_set(err, -EPROTO, "host \"%.*s\": its TLS certificate is %s: %s",
	                  STR_ARGS(host_of(c->url)), name ? "for another name" : "not trusted",
	                  c->words);
}

/* A callback of ours stopped it. */
static int explain_stop(const struct fetch_call *c, struct retry_failure *f, struct errbuf *err)
{
	struct str host = host_of(c->url);

	f->cause = RETRY_PERMANENT;
	if (c->failed == -EFBIG)
		return errbuf_set(err, -EFBIG, "host \"%.*s\": answer is longer than %llu bytes",
		                  STR_ARGS(host), (unsigned long long)c->limit);
	if (c->failed == -ENODATA)
		return errbuf_set(err, -ENODATA,
		                  "file became shorter while it was sent to \"%.*s\"",
		                  STR_ARGS(host));
	return errbuf_set(err, c->failed, "%s \"%.*s\": %s",
	                  c->result.status ? "could not write what came from"
	                                   : "could not read what goes to",
	                  STR_ARGS(host), strerror(-c->failed));
}

static int tell(const struct fetch_call *c, int r, const char *what, struct errbuf *err)
{
	return errbuf_set(err, r, "host \"%.*s\": %s%s%s", STR_ARGS(host_of(c->url)), what,
	                  c->words[0] ? ": " : "", c->words);
}

static int explain_code(const struct fetch_call *c, CURLcode code, struct retry_failure *f,
                        struct errbuf *err)
{
	f->cause = RETRY_UNSENT;
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return errbuf_set(err, -EHOSTUNREACH, "host \"%.*s\": name is not known (DNS)",
		                  STR_ARGS(host_of(c->url)));
	case CURLE_COULDNT_RESOLVE_PROXY:
		return tell(c, -EHOSTUNREACH, "name of the proxy is not known (DNS)", err);
	case CURLE_COULDNT_CONNECT:
		return tell(c, -EHOSTUNREACH, "no connection", err);
	case CURLE_PEER_FAILED_VERIFICATION:
		return explain_tls(c, f, err);
	default:
		break;
	}
	f->cause = RETRY_BROKEN;
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return tell(c, -ETIMEDOUT, "time-out", err);
	case CURLE_PARTIAL_FILE:
		return tell(c, -EHOSTUNREACH, "answer ended too early", err);
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_SSL_CONNECT_ERROR:
		return tell(c, -EHOSTUNREACH, "connection broke", err);
	default:
		f->cause = RETRY_PERMANENT;
		return tell(c, code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EPROTO,
		            curl_easy_strerror(code), err);
	}
}

int explain_attempt(const struct fetch_call *c, CURLcode code, struct retry_failure *ret_failure,
                    struct errbuf *err)
{
	*ret_failure = (struct retry_failure){ .after_ms = -1 };
	if (c->failed)
		return explain_stop(c, ret_failure, err);
	if (code == CURLE_OK && c->result.status >= 200 && c->result.status < 300)
		return 0;
	if (code == CURLE_OK)
		return explain_answer(c, ret_failure, err);
	return explain_code(c, code, ret_failure, err);
}
