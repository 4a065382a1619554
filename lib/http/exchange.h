/*
 * One request and its answer, as the user of the server sees them.
 *
 * Life: an exchange begins when its head is complete (on_head) and ends when the user ended the
 * answer or the server called on_abort. The three functions that end it — http_answer(),
 * http_answer_file(), http_refuse(), and http_answer_end() after http_answer_begin() — may be
 * called inside a callback or at any later time from the loop; after them x must not be touched.
 * Between on_request and the answer an exchange may wait as long as it likes (other requests of the
 * connection wait behind it); the library sets it no deadline.
 *
 * Text from the request (method, path, fields, body) lives as long as the exchange. So does
 * http_arena(x): objects that need an end ride along by arena_on_free(), which runs on every way
 * out, whether the answer was sent or the peer vanished.
 *
 * Nothing here reports failing memory of the answer: such a connection is closed.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/str.h"
#include "http/address.h"
#include "http/answer.h"
#include "http/method.h"

struct http_exchange;

/* -- the request ------------------------------------------------------------------------------ */

enum http_method http_method(const struct http_exchange *x);
/* Percent-decoded, begins with '/', no NUL; "*" for OPTIONS *. */
struct str http_path(const struct http_exchange *x);
/* What follows '?', raw; empty if there is none. uri.h and http_parameter() read it. */
struct str http_query(const struct http_exchange *x);
/* The first parameter of this name, decoded ('+' is a blank). False if there is none (or no
 * memory: the arena says so). */
bool http_parameter(struct http_exchange *x, const char *name, struct str *ret);
/* The first header field of this name (any case), without outer blanks; .p is NULL if there is
 * none, and not NULL for an empty value. */
struct str http_field(const struct http_exchange *x, const char *name);
/* All of them in their order. i < http_field_count(x). */
size_t http_field_count(const struct http_exchange *x);
void http_field_at(const struct http_exchange *x, size_t i, struct str *ret_name,
                   struct str *ret_value);
/* The host that was asked for: the target's if it has one, else the field Host. May be empty in
 * HTTP/1.0. */
struct str http_host(const struct http_exchange *x);
/* The client: the socket's peer, or what PROXY v2 or X-Forwarded-For of a trusted peer says. */
const struct http_address *http_peer(const struct http_exchange *x);
/* The role of the listener. */
int http_role(const struct http_exchange *x);
bool http_is_tls(const struct http_exchange *x);
/* When the head was complete, clock_mono_ns(). */
uint64_t http_started_ns(const struct http_exchange *x);

/* Memory of this exchange, emptied (not freed) between requests. */
struct arena *http_arena(struct http_exchange *x);
/* The user's own pointer; NULL at first. */
void http_set_user(struct http_exchange *x, void *user);
void *http_user(const struct http_exchange *x);

/* -- the body --------------------------------------------------------------------------------- */

/*
 * In on_head only. Gather the body, at most `limit` bytes. A Content-Length beyond it is answered
 * with 413 here and now: then -E2BIG comes back and x has ended (no on_abort). A chunked body that
 * turns out too long is answered with 413 later, and on_abort is called.
 */
int http_take_body(struct http_exchange *x, uint64_t limit);
/* In on_head only. Hand the body to on_body as it comes; no limit. */
void http_stream_body(struct http_exchange *x);
/* The length that the head announced; -1 if the body is chunked. 0 without a body. */
int64_t http_body_announced(const struct http_exchange *x);
/* The gathered body, valid in and after on_request. */
struct str http_body(const struct http_exchange *x);
/* Streamed bodies: no on_body and no on_request until resumed; the peer's clock stands still. Both
 * may be called at any time, twice does no harm. on_body follows from the loop, not from inside
 * http_resume_body(). */
void http_pause_body(struct http_exchange *x);
void http_resume_body(struct http_exchange *x);

#endif
