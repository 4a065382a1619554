/*
 * What a server is told: limits, callbacks, what a listener does; and what it counts. The functions
 * that take them are in server.h.
 */
#ifndef HTTP_OPTIONS_H
#define HTTP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "http/address.h"

struct http_exchange;
struct http_tls;

/* All of it comes from settings and may be replaced while the server runs. */
struct http_limits {
	/* Bytes. */
	uint32_t request_line;     /* without its line end; beyond it 414 */
	uint32_t head;             /* request line and all fields; beyond it 431 */
	uint32_t fields;           /* header fields; beyond it 431. At most HTTP_FIELDS_MAX */
	uint32_t chunk_extension;  /* of one chunk; beyond it 400 */
	uint32_t chunk_extensions; /* of all chunks of a body; beyond it 400 */
	uint32_t trailer;          /* all trailer fields; beyond it 431 */
	uint64_t body;             /* of a buffered body whose user set no limit; beyond it 413 */
	uint64_t discard; /* an unread rest of a body up to here is read and dropped so that the
	                     connection stays; beyond it the connection closes */
	uint32_t output; /* http_output_pending() above it stops further pipelined requests; below a
	                    quarter of it on_writable is called */

	/* Counts; 0 = no limit, but for pipeline. */
	uint32_t connections;        /* open at once; more wait in the listen queue */
	uint32_t source_connections; /* of one client address; more are closed at once */
	uint32_t requests;           /* on one connection, then it closes */
	uint32_t pipeline;           /* answers not yet sent; then reading stops */

	/* Milliseconds. */
	uint32_t first_byte_ms; /* accept (with PROXY and TLS handshake) to the first byte */
	uint32_t head_ms;       /* first byte to the end of the head; then 408 */
	uint32_t idle_ms;       /* between two requests */
	uint32_t body_ms;       /* what a body may take on top of its size / body_rate; then 408 */
	uint32_t write_ms;      /* the same for the peer's reading of answers; then it is cut off */
	uint32_t linger_ms;     /* after the last answer, for the peer to see it before the close */

	/* Bytes a second. */
	uint32_t body_rate;
	uint32_t write_rate;
};

#define HTTP_FIELDS_MAX 200

#define HTTP_LIMITS_DEFAULT                                                                        \
	{                                                                                          \
		.request_line = 8192, .head = 16384, .fields = 100, .chunk_extension = 256,        \
		.chunk_extensions = 4096, .trailer = 4096, .body = 65536, .discard = 65536,        \
		.output = 262144, .connections = 4096, .source_connections = 0, .requests = 0,     \
		.pipeline = 16, .first_byte_ms = 10000, .head_ms = 10000, .idle_ms = 60000,        \
		.body_ms = 20000, .write_ms = 20000, .linger_ms = 2000, .body_rate = 500,          \
		.write_rate = 500                                                                  \
	}

/* The statuses that the server itself answers with, as an index of counters. */
enum http_refusal {
	HTTP_REFUSED_400,
	HTTP_REFUSED_408,
	HTTP_REFUSED_413,
	HTTP_REFUSED_414,
	HTTP_REFUSED_417,
	HTTP_REFUSED_431,
	HTTP_REFUSED_501,
	HTTP_REFUSED_503,
	HTTP_REFUSED_505,
	HTTP_REFUSED_MAX
};

/*
 * What is counted. One writer (this server), any number of readers: each word is written by one
 * relaxed atomic store, so it may lie in memory shared with other processes.
 */
struct http_counters {
	uint64_t accepted;
	uint64_t open;                      /* a gauge: set to 0 when the server is made */
	uint64_t in_flight;                 /* a gauge: exchanges that live */
	uint64_t requests;                  /* complete heads */
	uint64_t answers[6];                /* by the first digit of the status; [0] is not used */
	uint64_t refused[HTTP_REFUSED_MAX]; /* by the server itself */
	uint64_t dropped; /* connections closed unanswered: source limit, PROXY, TLS, deadlines */
	uint64_t bytes_in;
	uint64_t bytes_out;
};

struct http_callbacks {
	/*
	 * The head is complete. Say how the body shall come: http_take_body() or
	 * http_stream_body(); neither means http_take_body(x, limits.body). Or answer at once (404,
	 * 401, 413): then no other callback follows for x. Required.
	 */
	void (*on_head)(struct http_exchange *x, void *self);
	/* The next bytes of a streamed body; they are gone when the callback returns. Required only
	 * by users of http_stream_body(). */
	void (*on_body)(struct http_exchange *x, struct str bytes, void *self);
	/* The request is complete; a buffered body is http_body(x). Answer now or later. Called
	 * also without a body, and after a streamed one even if its answer was begun. Required. */
	void (*on_request)(struct http_exchange *x, void *self);
	/* The output of an answer that was begun has gone down (limits.output). May be NULL. */
	void (*on_writable)(struct http_exchange *x, void *self);
	/*
	 * x ends without the end of your answer: the peer is gone, or its body was malformed, too
	 * large or too slow (the server then answers if nothing of yours was sent: on_refuse is
	 * next). Else its arena ends when this returns: forget x. May be NULL.
	 */
	void (*on_abort)(struct http_exchange *x, void *self);
	/*
	 * The server refuses by itself and nothing of an answer is out: word it, by
	 * http_set_header() and http_answer() with this status, so that errors look alike; or leave
	 * it, then the server says {"detail": why}. x may be one that on_head never saw: of its
	 * head there is what was read; http_user(x) is what was set, or NULL. May be NULL.
	 */
	void (*on_refuse)(struct http_exchange *x, int status, const char *why, void *self);
	/* The server refused by itself: for logging. peer is NULL if unknown. May be NULL. */
	void (*on_refused)(int status, const char *why, const struct http_address *peer,
	                   void *self);
	/* False: the accept event of the listener pauses for 1 ms, then takes one connection
	 * whatever this says; asked again meanwhile when other connections have done
	 * something. NULL: always true. */
	bool (*may_accept)(void *self);
	/* The number of open connections changed: for a scoreboard that other processes read. May
	 * be NULL. */
	void (*on_connections)(uint64_t open, void *self);
};

struct http_listener_options {
	struct http_tls *tls; /* NULL = plain. The listener keeps a reference. */
	bool proxy_v2;        /* each connection begins with a PROXY v2 header */
	/* Peers whose PROXY header and X-Forwarded-For are believed. Copied. An empty list believes
	 * nobody's X-Forwarded-For and, with proxy_v2, closes every connection. */
	const struct http_network *trusted;
	size_t trusted_count;
	int role;      /* the user's own tag: http_role(x) */
	bool reserved; /* not held back by limits.connections or limits.source_connections */
};

#endif
