/*
 * Cross-origin requests (the Fetch standard). An origin is compared byte by byte with those of the
 * setting: no patterns, no "*", so a list in force is what a person wrote. Credentials are bearer
 * tokens, which a page sends by itself; cookies are never asked for. Called by answers.c for each
 * answer and by requests.c for OPTIONS.
 */
#include "cors.h"

#include "front.h"
#include "http/exchange.h"

/* What a page may send beside the fields that need no leave. */
#define REQUEST_FIELDS                                                                             \
	"Authorization, Content-Type, Idempotency-Key, Prefer, X-Request-Id, traceparent"
/* What a page may read. */
#define ANSWER_FIELDS "X-Request-Id, X-Model-Generation, X-Errors-Omitted, Retry-After, Location"
/* Seconds that a browser remembers the answer. */
#define MAX_AGE "600"

bool cors_lists(const char *origins, struct str origin)
{
	while (*origins) {
		size_t n = strcspn(origins, ",");

		if (origin.n > 0 && str_equal(origin, str_trim((struct str){ origins, n })))
			return true;
		origins += n + (origins[n] == ',');
	}
	return false;
}

/* The origin, if it may call; only public listeners are for browsers. */
static const char *allowed_origin(const struct call *c)
{
	const char *origins = front_settings(c->front)->http.cors_origins;
	struct str origin = http_field(c->exchange, "Origin");

	if (!origin.p || http_role(c->exchange) != LISTENER_PUBLIC || !cors_lists(origins, origin))
		return NULL;
	return arena_strndup(http_arena(c->exchange), origin);
}

void cors_prepare(struct call *c)
{
	const char *origin;

	if (!front_settings(c->front)->http.cors_origins[0])
		return;
	/* A cache must not give one origin's answer to another. */
	http_set_header(c->exchange, "Vary", "Origin");
	origin = allowed_origin(c);
	if (!origin)
		return;
	http_set_header(c->exchange, "Access-Control-Allow-Origin", origin);
	http_set_header(c->exchange, "Access-Control-Expose-Headers", ANSWER_FIELDS);
}

bool cors_is_preflight(struct call *c, const char *methods)
{
	struct http_exchange *x = c->exchange;

	if (http_method(x) != HTTP_METHOD_OPTIONS ||
	    !http_field(x, "Access-Control-Request-Method").p || !allowed_origin(c))
		return false;
	http_set_header(x, "Access-Control-Allow-Methods", methods);
	http_set_header(x, "Access-Control-Allow-Headers", REQUEST_FIELDS);
	http_set_header(x, "Access-Control-Max-Age", MAX_AGE);
	return true;
}
