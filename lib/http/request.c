/*
 * From parser events to the user's callbacks: on_head, on_body, on_request; and who the client is,
 * when proxies that we trust stand between. After the answer (or a refusal) the same path runs on
 * with nobody listening, until the request's end is found or the connection gives up.
 */
#include "http/request.h"

#include <errno.h>

#include <event2/buffer.h>

#include "base/clock.h"
#include "http/exchange.h"
#include "http/refuse.h"
#include "http/syntax.h"
#include "http/transport.h"
#include "http/uri.h"

/* -- who asks --------------------------------------------------------------------------------- */

/* The last element of a comma-separated list, taken off it. */
static struct str take_last_element(struct str *list)
{
	const char *comma = list->n ? memrchr(list->p, ',', list->n) : NULL;
	struct str element = *list;

	if (!comma) {
		*list = (struct str){ NULL, 0 };
		return str_trim(element);
	}
	element = (struct str){ comma + 1, (size_t)(list->p + list->n - comma - 1) };
	list->n = (size_t)(comma - list->p);
	return str_trim(element);
}

/* From the nearest hop back, as long as the hops are trusted. True once the client is found. */
static bool walk_forwarded(struct http_exchange *x, struct str list)
{
	const struct listener *l = x->connection->listener;
	struct http_address hop;

	while (list.p) {
		if (http_address_parse(take_last_element(&list), &hop) < 0)
			return true;
		x->peer = hop;
		if (!http_network_has(l->trusted, l->trusted_count, &hop))
			return true;
	}
	return false;
}

static void find_peer(struct http_exchange *x)
{
	const struct parser *p = &x->parser;

	x->peer = x->connection->peer;
	if (!x->connection->trusted)
		return;
	for (size_t i = p->field_count; i-- > 0;) {
		if (str_equal_nocase(parser_field_name(p, i), STR("x-forwarded-for")) &&
		    walk_forwarded(x, parser_field_value(p, i)))
			return;
	}
}

/* -- events of the parser --------------------------------------------------------------------- */

void request_uncount(struct http_exchange *x)
{
	struct http_server *s = x->connection->server;

	if (!x->counted)
		return;
	x->counted = false;
	count_set(&s->counters->in_flight, --s->in_flight);
}

static void count_request(struct http_exchange *x)
{
	struct connection *c = x->connection;
	struct http_server *s = c->server;

	x->counted = true;
	c->requests++;
	count_add(&s->counters->requests, 1);
	count_set(&s->counters->in_flight, ++s->in_flight);
}

static int decode_path(struct http_exchange *x)
{
	const struct uri *u = &x->parser.uri;

	if (u->encoded)
		return uri_decode(u->path, false, &x->arena, &x->path);
	x->path = u->path;
	return 0;
}

static void on_head(struct http_exchange *x)
{
	struct http_server *s = x->connection->server;

	count_request(x);
	x->started_ns = clock_mono_ns();
	find_peer(x);
	if (x->parser.method == HTTP_METHOD_OTHER) {
		refuse_and_stay(x, 501, "method not implemented");
		return;
	}
	if (decode_path(x) < 0) {
		refuse_and_close(x, 503, "out of memory");
		return;
	}
	x->known = true;
	s->on.on_head(x, s->self);
	if (x->ended || x->body_mode != BODY_UNDECIDED)
		return;
	if (x->parser.length > s->limits.body)
		refuse_and_close(x, 413, "request body too large");
	else
		http_take_body(x, s->limits.body);
}

/* One more piece of a buffered body. Room is made by what has come, not by what was announced. */
static void take(struct http_exchange *x, struct str bytes)
{
	if (x->received > x->body_limit) {
		refuse_and_close(x, 413, "request body too large");
		return;
	}
	strbuf_add(&x->body, bytes.p, bytes.n);
	if (strbuf_error(&x->body) < 0)
		refuse_and_close(x, 503, "out of memory");
}

static void on_body(struct http_exchange *x, struct str bytes)
{
	struct connection *c = x->connection;

	x->received += bytes.n;
	c->received += bytes.n;
	if (x->ended)
		x->dropped += bytes.n;
	else if (x->body_mode == BODY_TAKEN)
		take(x, bytes);
	else
		c->server->on.on_body(x, bytes, c->server->self);
}

static void on_complete(struct http_exchange *x)
{
	struct http_server *s = x->connection->server;

	if (x->ended)
		return;
	x->waiting = true;
	s->on.on_request(x, s->self);
}

static void on_bad(struct http_exchange *x)
{
	const struct parser *p = &x->parser;

	/* After the answer nobody is told; the connection just ends. */
	if (x->ended)
		x->closes = true;
	else
		refuse_and_close(x, p->status, p->why);
}

static void on_event(struct http_exchange *x, enum parser_event e, struct str body)
{
	switch (e) {
	case PARSER_HEAD:
		on_head(x);
		break;
	case PARSER_BODY:
		on_body(x, body);
		break;
	case PARSER_END:
		on_complete(x);
		break;
	case PARSER_BAD:
		on_bad(x);
		break;
	case PARSER_MORE:
		break;
	}
}

/* The client may be waiting for leave to send its body. If bytes are here already, it is not. */
static void give_leave(struct http_exchange *x)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct connection *c = x->connection;

	if (!x->counted || !x->parser.expects_continue || x->continued || x->ended)
		return;
	x->continued = true;
	/* Once the answer's head is out, 100 has lost its place. */
	if (x->begun || transport_available(c) > 0)
		return;
	if (evbuffer_add(transport_output(c), text, sizeof(text) - 1) < 0)
		c->failed = true;
	else
		transport_queued(c, sizeof(text) - 1);
}

bool request_feed(struct http_exchange *x)
{
	struct connection *c = x->connection;
	struct str in, body = { NULL, 0 };
	enum parser_event e;
	size_t n;

	give_leave(x);
	in = transport_peek(c);
	n = in.n;
	if (n == 0 && !state_is_complete(x))
		return false;
	e = parser_next(&x->parser, &in, &body);
	/* A body's slice lies in the input: it goes after the user has seen it. */
	on_event(x, e, body);
	transport_consume(c, n - in.n);
	count_add(&c->server->counters->bytes_in, n - in.n);
	return true;
}
