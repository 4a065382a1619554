/*
 * An exchange with its arena, buffers and parser is large and wanted for a moment; a connection
 * idles for minutes. So exchanges belong to the server and a connection has one only while a
 * request is under way: a request allocates nothing once the pool is warm, an idle connection holds
 * nothing.
 */
#include "http/pool.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* So many are kept for the next requests, and none with more memory than this. */
#define SPARE_MAX 64
#define SPARE_MEMORY_MAX 65536

struct http_exchange *pool_take(struct connection *c)
{
	struct http_server *s = c->server;
	struct http_exchange *x = s->spare;

	if (x) {
		s->spare = x->next;
		s->spare_count--;
	} else {
		x = calloc(1, sizeof(*x));
		if (!x)
			return NULL;
	}
	x->connection = c;
	parser_reset(&x->parser, &s->parser_limits);
	return x;
}

static void destroy(struct http_exchange *x)
{
	arena_done(&x->arena);
	strbuf_done(&x->body);
	strbuf_done(&x->fields);
	parser_done(&x->parser);
	free(x);
}

void pool_release(struct http_exchange *x)
{
	if (x->released)
		return;
	x->released = true;
	if (x->arena.size > SPARE_MEMORY_MAX)
		arena_done(&x->arena);
	else
		arena_reset(&x->arena);
	if (x->body.room > SPARE_MEMORY_MAX)
		strbuf_done(&x->body);
	else
		strbuf_reset(&x->body);
	strbuf_reset(&x->fields);
}

/* What is kept for the next request is its memory, nothing else. */
static void clear(struct http_exchange *x)
{
	struct http_exchange kept = { .arena = x->arena, .body = x->body, .fields = x->fields };

	memcpy(x, &kept, offsetof(struct http_exchange, parser));
}

void pool_give(struct http_exchange *x)
{
	struct http_server *s = x->connection->server;

	pool_release(x);
	clear(x);
	if (s->spare_count >= SPARE_MAX) {
		destroy(x);
		return;
	}
	x->next = s->spare;
	s->spare = x;
	s->spare_count++;
}

void pool_done(struct http_server *s)
{
	while (s->spare) {
		struct http_exchange *x = s->spare;

		s->spare = x->next;
		destroy(x);
	}
	s->spare_count = 0;
}
