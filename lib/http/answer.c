/*
 * Answers: their heads, their framing, and the decision whether the connection can go on after
 * them. Bytes go to the staged output; connection.c flushes it when the turn is over. All functions
 * that end an exchange leave it marked `ended`; it is taken down by the connection, never here.
 */
#include "http/answer.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "base/clock.h"
#include "http/response.h"
#include "http/schedule.h"
#include "http/state.h"
#include "http/syntax.h"
#include "http/transport.h"

#define FIELDS_MAX 8192

/* -- can the connection stay? ----------------------------------------------------------------- */

/* Is what is missing of the body little enough to be read and dropped? Of a chunked one nobody
 * knows; connection.c gives up when it has dropped too much. */
static bool can_discard(const struct http_exchange *x)
{
	const struct parser *p = &x->parser;

	/* A client that waits for 100 may or may not send the body after another answer. */
	if (p->expects_continue && !x->continued)
		return false;
	return p->chunked || p->length - x->received <= x->connection->server->limits.discard;
}

static bool must_close(const struct http_exchange *x)
{
	const struct connection *c = x->connection;
	uint32_t most = c->server->limits.requests;

	if (x->closes || !x->parser.keep_alive || c->server->draining || c->ended)
		return true;
	if (most > 0 && c->requests >= most)
		return true;
	return !state_is_complete(x) && !can_discard(x);
}

/* -- the bytes -------------------------------------------------------------------------------- */

/* What a function of response.h returned: bytes written, or no memory, which breaks it off. */
static void queued(struct http_exchange *x, long n)
{
	if (n < 0)
		x->connection->failed = true;
	else
		transport_queued(x->connection, (uint64_t)n);
}

static void end(struct http_exchange *x)
{
	x->known = false;
	x->ended = true;
	schedule_wake(x->connection);
}

static bool has_no_body(int status)
{
	return status == 204 || status == 304;
}

static int64_t framing(struct http_exchange *x, int status, int64_t length)
{
	if (has_no_body(status))
		return RESPONSE_NO_LENGTH;
	if (length >= 0)
		return length;
	if (x->parser.minor == 0) {
		x->closes = true;
		return RESPONSE_UNTIL_CLOSE;
	}
	return RESPONSE_CHUNKED;
}

/* The head, and `body` behind it if the answer has one. */
static void write_head(struct http_exchange *x, struct response *r, struct str body)
{
	struct connection *c = x->connection;
	struct http_server *s = c->server;

	r->length = framing(x, r->status, r->length);
	x->begun = true;
	x->closes = must_close(x);
	x->no_body = has_no_body(r->status) || x->parser.method == HTTP_METHOD_HEAD;
	x->chunked = r->length == RESPONSE_CHUNKED;
	x->answer_left = r->length;
	r->fields = strbuf_str(&x->fields);
	r->date = response_date(&s->date, clock_real_us());
	if (x->closes)
		r->connection = RESPONSE_CLOSE;
	else if (x->parser.minor == 0)
		r->connection = RESPONSE_KEEP_ALIVE;
	count_add(&s->counters->answers[r->status / 100 % 6], 1);
	queued(x, response_write(transport_output(c), r, x->no_body ? STR("") : body));
}

int http_set_header(struct http_exchange *x, const char *name, const char *value)
{
	struct str n = str_of(name), v = str_of(value);

	if (!syntax_is_token(n) || syntax_span(v, SYNTAX_VALUE) != v.n)
		return -EINVAL;
	if (x->fields.n + n.n + v.n + 4 > FIELDS_MAX)
		return -E2BIG;
	strbuf_add(&x->fields, n.p, n.n);
	strbuf_adds(&x->fields, ": ");
	strbuf_add(&x->fields, v.p, v.n);
	strbuf_adds(&x->fields, "\r\n");
	return strbuf_error(&x->fields);
}

void http_answer(struct http_exchange *x, int status, const char *type, struct str body)
{
	struct response r = { .status = status, .type = type, .length = (int64_t)body.n };

	write_head(x, &r, body);
	end(x);
}

void http_answer_file(struct http_exchange *x, int status, const char *type, int fd, off_t offset,
                      off_t length)
{
	http_answer_begin(x, status, type, length);
	http_answer_part_file(x, fd, offset, length);
	http_answer_end(x);
}

void http_refuse(struct http_exchange *x, int status, unsigned retry_after_s, const char *detail)
{
	struct strbuf *text = &x->body;
	char seconds[16];

	if (retry_after_s > 0) {
		snprintf(seconds, sizeof(seconds), "%u", retry_after_s);
		http_set_header(x, "Retry-After", seconds);
	}
	/* Nobody reads the request's body any more: its memory holds the answer's. */
	strbuf_reset(text);
	response_write_detail(text, detail);
	if (strbuf_error(text) < 0)
		x->connection->failed = true;
	http_answer(x, status, "application/json", strbuf_str(text));
}

/* -- answers in parts ------------------------------------------------------------------------- */

void http_answer_begin(struct http_exchange *x, int status, const char *type, int64_t length)
{
	struct response r = { .status = status, .type = type, .length = length };

	write_head(x, &r, STR(""));
	schedule_wake(x->connection);
}

/* How much of n more bytes the told length has room for. */
static uint64_t take_room(struct http_exchange *x, uint64_t n)
{
	if (x->no_body)
		return 0;
	if (x->answer_left < 0)
		return n;
	if (n > (uint64_t)x->answer_left)
		n = (uint64_t)x->answer_left;
	x->answer_left -= (int64_t)n;
	return n;
}

static void mark_crowded(struct http_exchange *x)
{
	struct connection *c = x->connection;

	if (transport_pending(c) > c->server->limits.output / 4)
		x->crowded = true;
	schedule_wake(c);
}

void http_answer_part(struct http_exchange *x, struct str bytes)
{
	struct evbuffer *out = transport_output(x->connection);

	bytes.n = take_room(x, bytes.n);
	if (bytes.n == 0)
		return;
	if (x->chunked)
		queued(x, response_write_chunk(out, bytes));
	else
		queued(x, evbuffer_add(out, bytes.p, bytes.n) < 0 ? -ENOMEM : (long)bytes.n);
	mark_crowded(x);
}

void http_answer_part_file(struct http_exchange *x, int fd, off_t offset, off_t length)
{
	struct connection *c = x->connection;
	uint64_t n = take_room(x, length > 0 ? (uint64_t)length : 0);

	if (n == 0) {
		close(fd);
		return;
	}
	if (x->chunked)
		queued(x, response_write_chunk_head(transport_output(c), n));
	if (transport_add_file(c, fd, offset, n) < 0)
		c->failed = true;
	if (x->chunked)
		queued(x, evbuffer_add(transport_output(c), "\r\n", 2) < 0 ? -ENOMEM : 2);
	mark_crowded(x);
}

void http_answer_end(struct http_exchange *x)
{
	if (x->chunked && !x->no_body)
		queued(x, response_write_last_chunk(transport_output(x->connection)));
	/* Less than was told: only the close can say so. */
	if (x->answer_left > 0 && !x->no_body)
		x->connection->failed = true;
	/* The head was written when more of the body was to come than will be read now. */
	if (!state_is_complete(x) && !can_discard(x))
		x->closes = true;
	end(x);
}

size_t http_output_pending(const struct http_exchange *x)
{
	return transport_pending(x->connection);
}

void http_answer_abort(struct http_exchange *x)
{
	x->connection->failed = true;
	end(x);
}
