/*
 * What the user reads of a request, and how its body shall come. Nothing here touches the socket:
 * wishes are left in the exchange and the connection is woken, so that every function may be called
 * from a callback as well as from any other event.
 */
#include "http/exchange.h"

#include <errno.h>

#include "http/refuse.h"
#include "http/schedule.h"
#include "http/state.h"
#include "http/uri.h"

/* -- the request ------------------------------------------------------------------------------ */

enum http_method http_method(const struct http_exchange *x)
{
	return x->parser.method;
}

struct str http_path(const struct http_exchange *x)
{
	return x->path;
}

struct str http_query(const struct http_exchange *x)
{
	return x->parser.uri.query;
}

bool http_parameter(struct http_exchange *x, const char *name, struct str *ret)
{
	return uri_parameter(x->parser.uri.query, name, &x->arena, ret) > 0;
}

struct str http_field(const struct http_exchange *x, const char *name)
{
	return parser_field(&x->parser, str_of(name));
}

size_t http_field_count(const struct http_exchange *x)
{
	return x->parser.field_count;
}

void http_field_at(const struct http_exchange *x, size_t i, struct str *ret_name,
                   struct str *ret_value)
{
	*ret_name = parser_field_name(&x->parser, i);
	*ret_value = parser_field_value(&x->parser, i);
}

struct str http_host(const struct http_exchange *x)
{
	struct str host = x->parser.host;

	return host.p ? host : (struct str){ "", 0 };
}

const struct http_address *http_peer(const struct http_exchange *x)
{
	return &x->peer;
}

int http_role(const struct http_exchange *x)
{
	return x->connection->listener->role;
}

bool http_is_tls(const struct http_exchange *x)
{
	return x->connection->ssl != NULL;
}

uint64_t http_started_ns(const struct http_exchange *x)
{
	return x->started_ns;
}

struct arena *http_arena(struct http_exchange *x)
{
	return &x->arena;
}

void http_set_user(struct http_exchange *x, void *user)
{
	x->user = user;
}

void *http_user(const struct http_exchange *x)
{
	return x->user;
}

/* -- the body --------------------------------------------------------------------------------- */

int http_take_body(struct http_exchange *x, uint64_t limit)
{
	x->body_mode = BODY_TAKEN;
	x->body_limit = limit;
	if (x->parser.length > limit) {
		/* The user hears it from the result, not from on_abort. */
		x->known = false;
		refuse_and_close(x, 413, "request body too large");
		return -E2BIG;
	}
	return 0;
}

void http_stream_body(struct http_exchange *x)
{
	x->body_mode = BODY_STREAMED;
}

int64_t http_body_announced(const struct http_exchange *x)
{
	return x->parser.chunked ? -1 : (int64_t)x->parser.length;
}

struct str http_body(const struct http_exchange *x)
{
	return x->body.p ? strbuf_str(&x->body) : STR("");
}

void http_pause_body(struct http_exchange *x)
{
	x->paused = true;
}

void http_resume_body(struct http_exchange *x)
{
	if (!x->paused)
		return;
	x->paused = false;
	schedule_wake(x->connection);
}
