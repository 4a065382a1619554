/* Which URLs exist: the table, and finding a row for a request. */
#ifndef FRONT_ROUTES_H
#define FRONT_ROUTES_H

#include "base/str.h"
#include "daemon/scoreboard.h"
#include "front.h"
#include "http/method.h"

enum body_kind {
	BODY_NONE,
	BODY_SMALL,  /* gathered, http.max_body_bytes */
	BODY_BATCH,  /* gathered, http.max_batch_body_bytes */
	BODY_STREAM, /* handed on as it comes: the handler is called at the head */
};

enum route_flags {
	ROUTE_PUBLIC = 1,   /* on the public listeners */
	ROUTE_OPERATOR = 2, /* on the operator listeners */
	ROUTE_MODEL = 4,    /* needs a model: 503 without one */
	ROUTE_ALWAYS = 8,   /* admitted under any load */
	ROUTE_USERS = 16,   /* there with auth on only */
};

/* Who may: a role (enum role_bits, auth/cache.h), or one of these. Nothing counts with auth off. */
enum route_need {
	NEED_NOTHING = 0,
	NEED_TOKEN = 8, /* any good token */
	NEED_IF_GIVEN =
	        16, /* no token is fine, but one that is sent must be good and have the role */
};

struct route {
	enum http_method method;
	const char *path;
	enum body_kind body;
	unsigned flags;
	unsigned need;
	enum scoreboard_route count_as;
	/* Answers, now or later. The body is in, but for BODY_STREAM. */
	void (*handle)(struct call *c);
	/* BODY_STREAM only: pieces, then the end. */
	void (*data)(struct call *c, struct str bytes);
	void (*end)(struct call *c);
};

extern const struct route routes[];
extern const size_t route_count;

/* The row, or NULL: *ret_allow is then the Allow field for 405 ("GET, HEAD"), or empty for 404.
 * HEAD takes the row of GET. */
#define ROUTE_ALLOW_SIZE 64
const struct route *route_find(enum http_method method, struct str path, bool operator_listener,
                               char ret_allow[ROUTE_ALLOW_SIZE]);

#endif
