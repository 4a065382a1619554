/*
 * The one HTTP client of the suite: on the loop in daemons, blocking in tools by the same state
 * machine, with one retry policy (fetch/retry.h). Proxies come from the environment as libcurl
 * reads it (http_proxy, https_proxy, no_proxy). HTTP/1.1, bytes as they are stored (no
 * compression). Every body is bounded. A redirect to another origin (scheme, host, port) carries no
 * header that is marked secret, and one from https to http is refused.
 *
 * In a base of its own (tools) a client must be used by one thread only.
 */
#ifndef FETCH_FETCH_H
#define FETCH_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "fetch/retry.h"

struct event_base;
struct fetch;
struct fetch_call;

struct fetch_options {
	const char *ca_file;     /* PEM, instead of the system's; NULL = the system's */
	const char *ca_path;     /* folder of hashed certificates */
	const char *client_cert; /* PEM of certificate and key */
	const char *user_agent;  /* NULL = "fraudd" */
	bool insecure;           /* certificates are not verified */
};

/* CURL_CA_BUNDLE, else SSL_CERT_FILE, and SSL_CERT_DIR, as the curl program reads them. Borrowed
 * from the environment. */
void fetch_options_environment(struct fetch_options *o);

/* Options are copied. base NULL: the client has a loop of its own, for fetch_call() and
 * fetch_wait(). */
int fetch_new(struct event_base *base, const struct fetch_options *o, struct fetch **ret);
/* Calls under way end without a callback. Not from a callback of this client. */
void fetch_free(struct fetch *f);

struct fetch_header {
	const char *name;
	const char *value;
	bool secret; /* never sent to another origin */
};

/*
 * Called before each attempt, to add what must be new each time (a date, a signature over it) by
 * fetch_add_header(). Negative ends the call with these words.
 */
typedef int fetch_prepare_fn(void *self, struct fetch_call *c, struct errbuf *err);
/* What was sent and received of this attempt; back to 0 with the next one. */
typedef void fetch_progress_fn(void *self, uint64_t sent, uint64_t received);

struct fetch_request {
	const char *method; /* "GET" */
	const char *url;    /* http or https, encoded as it is to be sent */
	const struct fetch_header *headers;
	size_t header_count;

	/* The body: from memory (borrowed until the end), or body_size bytes of the file at
	 * body_offset. Is sent with its length, never chunked. */
	struct str body;
	const int *body_fd; /* NULL = memory */
	uint64_t body_offset;
	uint64_t body_size;

	/* The answer's body, when the status is a success: to memory, or to the file, from
	 * out_offset on if it is a part (206), else from the start (an attempt that fails may leave
	 * bytes there). Other bodies are kept in memory, 64 KiB of them. Longer than limit is
	 * -EFBIG; 0 = 1 MiB. */
	const int *out_fd; /* NULL = memory */
	uint64_t out_offset;
	uint64_t limit;

	bool idempotent;                  /* may be sent again although the server may have acted */
	const struct retry_policy *retry; /* NULL = retry_default */
	uint32_t connect_ms;              /* to a connection with TLS done; 0 = 10 s */
	uint32_t stall_seconds;           /* without a byte in either direction; 0 = 30 */
	unsigned redirects;               /* followed for GET and HEAD only; 0 = none */
	bool direct;                      /* past every proxy */

	fetch_prepare_fn *prepare;
	fetch_progress_fn *on_progress;
	void *self; /* of both */
};

struct fetch_result {
	/*
	 * 0 with a status of 200 to 299, else -errno with words that name the host:
	 * -EHOSTUNREACH  name not known, no connection, connection broke, 408, 429 and 5xx
	 * -ETIMEDOUT     no answer in time, or it stopped
	 * -EPROTO        TLS: certificate not trusted or for another name; no HTTP
	 * -EFBIG         more than limit
	 * -EACCES 401 and 403, -ENOENT 404, -EEXIST 409 and 412, -EBADMSG any other status
	 * anything else  could not write to out_fd, read body_fd, or what prepare returned
	 */
	int result;
	struct errbuf err;
	unsigned status; /* of the last attempt; 0 = no answer */
	unsigned attempts;
	struct strbuf headers; /* lines of the last answer; fetch_result_header() reads them */
	struct strbuf body;
	uint64_t size; /* of the body, also when it went to a file */
};

/* The value of the first header of this name; .p NULL if there is none. */
struct str fetch_result_header(const struct fetch_result *r, const char *name);
void fetch_result_done(struct fetch_result *r);

/*
 * on_done comes once, from the loop, never before this returns. What it does not take out of the
 * result (by moving a strbuf and leaving { 0 }) is freed behind it; it may start further calls.
 * Headers and the URL are copied; *ret_call (may be NULL) is good until on_done.
 */
typedef void fetch_done_fn(void *self, struct fetch_result *r);
int fetch_start(struct fetch *f, const struct fetch_request *q, fetch_done_fn *on_done, void *self,
                struct fetch_call **ret_call);
/* Ends without a callback. */
void fetch_cancel(struct fetch_call *c);

/* From prepare only. Always secret. -EINVAL for what cannot be a header. */
int fetch_add_header(struct fetch_call *c, const char *name, const char *value);

/* Blocking, for a client with a loop of its own: one call (returns ret->result; the caller calls
 * fetch_result_done() in any case), or until all that were started have ended. */
int fetch_call(struct fetch *f, const struct fetch_request *q, struct fetch_result *ret);
int fetch_wait(struct fetch *f);

/* The loop of the client, for timers of layers above. */
struct event_base *fetch_base(const struct fetch *f);

#endif
