/*
 * One attempt of a call: what libcurl is told and where the bytes go. An answer's body goes to the
 * file only if the status is a success, so an error text never ends up in a model.
 *
 * Invariant: c->failed is why a callback of ours stopped the transfer, and nothing else does so.
 * Called by client.c.
 */
#include "fetch/transfer.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#define MIB UINT64_C(1048576)
#define ERROR_BODY_BYTES 65536
#define HEAD_BYTES 65536
#define CONNECT_MS 10000
#define STALL_SECONDS 30
/* Read at a time; with the 16 KiB of libcurl a large file costs half as much CPU again. */
#define READ_BYTES 262144L

static bool is_success(const struct fetch_call *c)
{
	return c->result.status >= 200 && c->result.status < 300;
}

static size_t stop(struct fetch_call *c, int reason)
{
	c->failed = reason;
	return 0;
}

static void tell_progress(struct fetch_call *c)
{
	if (c->request.on_progress)
		c->request.on_progress(c->request.self, c->sent, c->received);
}

/* The head of each answer, of a proxy and of "100 Continue", too: the last one stays. */
static size_t on_head(char *p, size_t size, size_t n, void *self)
{
	struct fetch_call *c = self;
	struct fetch_result *r = &c->result;
	long status = 0;

	n *= size;
	if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
		strbuf_reset(&r->headers);
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
		r->status = (unsigned)status;
	}
	strbuf_add(&r->headers, p, n);
	if (strbuf_error(&r->headers))
		return stop(c, strbuf_error(&r->headers) == -E2BIG ? -EFBIG : -ENOMEM);
	return n;
}

static int write_at(int fd, const char *p, size_t n, uint64_t offset)
{
	while (n > 0) {
		ssize_t k = pwrite(fd, p, n, (off_t)offset);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k < 0 ? -errno : -EIO;
		p += k;
		offset += (uint64_t)k;
		n -= (size_t)k;
	}
	return 0;
}

/* The rest that was asked for stands behind what is there; what comes whole begins anew. */
static uint64_t place_of(const struct fetch_call *c)
{
	return (c->result.status == 206 ? c->request.out_offset : 0) + c->received;
}

static size_t keep(struct fetch_call *c, const char *p, size_t n)
{
	curl_off_t whole = -1;
	int r;

	/* What is said to be too long is not begun. */
	curl_easy_getinfo(c->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &whole);
	if (n > c->limit - c->received || (whole > 0 && (uint64_t)whole > c->limit))
		return stop(c, -EFBIG);
	if (c->request.out_fd) {
		r = write_at(*c->request.out_fd, p, n, place_of(c));
		if (r < 0)
			return stop(c, r);
	} else {
		strbuf_add(&c->result.body, p, n);
		if (strbuf_error(&c->result.body))
			return stop(c, -ENOMEM);
	}
	c->received += n;
	tell_progress(c);
	return n;
}

static size_t on_body(char *p, size_t size, size_t n, void *self)
{
	struct fetch_call *c = self;
	struct strbuf *body = &c->result.body;
	size_t room;

	n *= size;
	if (is_success(c))
		return keep(c, p, n);
	room = body->n < ERROR_BODY_BYTES ? ERROR_BODY_BYTES - body->n : 0;
	strbuf_add(body, p, n < room ? n : room);
	return n;
}

static size_t on_send(char *p, size_t size, size_t n, void *self)
{
	struct fetch_call *c = self;
	const struct fetch_request *q = &c->request;
	uint64_t left = q->body_size - c->sent;
	ssize_t k;

	n *= size;
	if (n > left)
		n = (size_t)left;
	if (n == 0)
		return 0;
	if (!q->body_fd) {
		memcpy(p, q->body.p + c->sent, n);
		k = (ssize_t)n;
	} else {
		k = pread(*q->body_fd, p, n, (off_t)(q->body_offset + c->sent));
	}
	if (k <= 0) {
		c->failed = k < 0 ? -errno : -ENODATA;
		return CURL_READFUNC_ABORT;
	}
	c->sent += (uint64_t)k;
	tell_progress(c);
	return (size_t)k;
}

/* libcurl goes back to the start when a kept connection turned out to be closed. */
static int on_seek(void *self, curl_off_t offset, int origin)
{
	struct fetch_call *c = self;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > c->request.body_size)
		return CURL_SEEKFUNC_FAIL;
	c->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int add_line(struct fetch_call *c, const char *line)
{
	struct curl_slist *more = curl_slist_append(c->headers, line);

	if (!more)
		return -ENOMEM;
	c->headers = more;
	return 0;
}

static bool is_header(const char *name, const char *value)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
	                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return *name && name[strspn(name, token)] == '\0' && !strpbrk(value, "\r\n");
}

static int add_header(struct fetch_call *c, const char *name, const char *value)
{
	struct strbuf line = { 0 };
	int r;

	if (!is_header(name, value))
		return -EINVAL;
	strbuf_adds(&line, name);
	/* An empty value is asked for by a semicolon: a bare colon would remove the header. */
	if (*value)
		strbuf_addf(&line, ": %s", value);
	else
		strbuf_addc(&line, ';');
	r = strbuf_error(&line);
	if (r == 0)
		r = add_line(c, line.p);
	strbuf_done(&line);
	return r;
}

int fetch_add_header(struct fetch_call *c, const char *name, const char *value)
{
	return c->foreign ? 0 : add_header(c, name, value);
}

static int add_headers(struct fetch_call *c, struct errbuf *err)
{
	const struct fetch_request *q = &c->request;
	/* libcurl would wait for "100 Continue" before larger bodies; some servers never say it. */
	int r = add_line(c, "Expect:");

	for (size_t i = 0; i < q->header_count && r == 0; i++) {
		if (c->foreign && q->headers[i].secret)
			continue;
		r = add_header(c, q->headers[i].name, q->headers[i].value);
	}
	if (r < 0)
		return errbuf_set(err, r, "header cannot be sent");
	return q->prepare && !c->foreign ? q->prepare(q->self, c, err) : 0;
}

static void set_method(struct fetch_call *c)
{
	const struct fetch_request *q = &c->request;
	bool carries = q->body_size > 0 || strcmp(q->method, "PUT") == 0 ||
	               strcmp(q->method, "POST") == 0 || strcmp(q->method, "PATCH") == 0;

	if (strcmp(q->method, "HEAD") == 0) {
		curl_easy_setopt(c->easy, CURLOPT_NOBODY, 1L);
		return;
	}
	/* Not POSTFIELDS: that adds a Content-Type which nobody asked for. */
	if (carries) {
		curl_easy_setopt(c->easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body_size);
		curl_easy_setopt(c->easy, CURLOPT_READFUNCTION, on_send);
		curl_easy_setopt(c->easy, CURLOPT_READDATA, c);
		curl_easy_setopt(c->easy, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(c->easy, CURLOPT_SEEKDATA, c);
	}
	curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, q->method);
}

static void set_trust(CURL *easy, const struct fetch_options *o)
{
	if (o->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, o->ca_file);
	if (o->ca_path)
		curl_easy_setopt(easy, CURLOPT_CAPATH, o->ca_path);
	if (o->client_cert)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, o->client_cert);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, o->insecure ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, o->insecure ? 0L : 2L);
}

static void set_times(struct fetch_call *c, uint64_t time_ms)
{
	const struct fetch_request *q = &c->request;
	long connect = q->connect_ms ? (long)q->connect_ms : CONNECT_MS;
	long stall = q->stall_seconds ? (long)q->stall_seconds : STALL_SECONDS;

	if (time_ms < LONG_MAX)
		curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, time_ms ? (long)time_ms : 1L);
	curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, connect);
	curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_TIME, stall);
}

static void set_common(struct fetch_call *c)
{
	const struct fetch_options *o = &c->fetch->options;

	/* On a kept connection that ends without an answer libcurl sends again by itself, whatever
	 * the server has done. */
	if (!c->request.idempotent)
		curl_easy_setopt(c->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
	curl_easy_setopt(c->easy, CURLOPT_URL, c->url);
	curl_easy_setopt(c->easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->easy, CURLOPT_BUFFERSIZE, READ_BYTES);
	curl_easy_setopt(c->easy, CURLOPT_USERAGENT, o->user_agent ? o->user_agent : "fraudd");
	curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->words);
	curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
	/* The answer of a proxy to CONNECT is no answer. */
	curl_easy_setopt(c->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
	if (c->request.direct)
		curl_easy_setopt(c->easy, CURLOPT_NOPROXY, "*");
	set_trust(c->easy, o);
}

int transfer_open(struct fetch_call *c, uint64_t time_ms, struct errbuf *err)
{
	int r;

	c->sent = 0;
	c->received = 0;
	c->failed = 0;
	c->words[0] = '\0';
	c->limit = c->request.limit ? c->request.limit : MIB;
	c->result.status = 0;
	strbuf_reset(&c->result.headers);
	strbuf_reset(&c->result.body);
	c->result.headers.limit = HEAD_BYTES;
	c->easy = curl_easy_init();
	if (!c->easy)
		return errbuf_set(err, -ENOMEM, "out of memory");
	set_common(c);
	set_times(c, time_ms);
	set_method(c);
	r = add_headers(c, err);
	if (r < 0)
		return r;
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
	return 0;
}

void transfer_close(struct fetch_call *c)
{
	if (c->easy)
		curl_easy_cleanup(c->easy);
	c->easy = NULL;
	curl_slist_free_all(c->headers);
	c->headers = NULL;
}
