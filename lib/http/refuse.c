/*
 * Refusals of the library: requests that cannot be read, bodies that are too large or too slow.
 * The user words them, so that they have the form of all its errors; they are counted by status and
 * told to the user for its log.
 */
#include "http/refuse.h"

#include "http/answer.h"

void refuse_abort(struct http_exchange *x)
{
	struct http_server *s = x->connection->server;

	if (!x->known)
		return;
	x->known = false;
	if (s->on.on_abort)
		s->on.on_abort(x, s->self);
}

static enum http_refusal refusal_of(int status)
{
	static const int statuses[HTTP_REFUSED_MAX] = {
		[HTTP_REFUSED_400] = 400, [HTTP_REFUSED_408] = 408, [HTTP_REFUSED_413] = 413,
		[HTTP_REFUSED_414] = 414, [HTTP_REFUSED_417] = 417, [HTTP_REFUSED_431] = 431,
		[HTTP_REFUSED_501] = 501, [HTTP_REFUSED_503] = 503, [HTTP_REFUSED_505] = 505,
	};
	enum http_refusal i = HTTP_REFUSED_400;

	while (i < HTTP_REFUSED_MAX - 1 && statuses[i] != status)
		i++;
	return i;
}

void refuse_and_stay(struct http_exchange *x, int status, const char *why)
{
	struct connection *c = x->connection;
	struct http_server *s = c->server;

	count_add(&s->counters->refused[refusal_of(status)], 1);
	if (s->on.on_refused)
		s->on.on_refused(status, why, &c->peer, s->self);
	refuse_abort(x);
	if (x->begun) {
		c->failed = true;
		return;
	}
	/* What the user had set belongs to its own answer. */
	strbuf_reset(&x->fields);
	if (s->on.on_refuse)
		s->on.on_refuse(x, status, why, s->self);
	if (!x->ended)
		http_refuse(x, status, status == 503 ? 1 : 0, why);
}

void refuse_and_close(struct http_exchange *x, int status, const char *why)
{
	x->closes = true;
	refuse_and_stay(x, status, why);
}
