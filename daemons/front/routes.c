/*
 * The URLs of the suite. To add one: a line here, a handler in its own file.
 */
#include "routes.h"

#include <stdio.h>

#include "auth/cache.h"
#include "handlers.h"

/* clang-format off */
const struct route routes[] = {
	/* method, path, body; where and what it needs, who may;
	 * counts as, handler[, pieces and end of a stream] */
	{ HTTP_METHOD_POST,   "/score",          BODY_SMALL,
	  ROUTE_PUBLIC | ROUTE_MODEL, ROLE_SCORE,
	  ROUTE_SCORE, handle_score, NULL, NULL },
	{ HTTP_METHOD_POST,   "/score/batch",    BODY_BATCH,
	  ROUTE_PUBLIC | ROUTE_MODEL, ROLE_SCORE,
	  ROUTE_BATCH, handle_batch, NULL, NULL },
	{ HTTP_METHOD_POST,   "/score/upload",   BODY_STREAM,
	  ROUTE_PUBLIC | ROUTE_MODEL, ROLE_SCORE,
	  ROUTE_UPLOAD, handle_upload, upload_data, upload_end },
	{ HTTP_METHOD_POST,   "/reload",         BODY_SMALL,
	  ROUTE_PUBLIC, ROLE_OPERATE,
	  ROUTE_RELOAD, handle_reload, NULL, NULL },
	{ HTTP_METHOD_POST,   "/auth/login",     BODY_SMALL,
	  ROUTE_PUBLIC | ROUTE_USERS, NEED_NOTHING,
	  ROUTE_AUTH, handle_login, NULL, NULL },
	{ HTTP_METHOD_POST,   "/auth/logout",    BODY_SMALL,
	  ROUTE_PUBLIC | ROUTE_USERS, NEED_TOKEN,
	  ROUTE_AUTH, handle_logout, NULL, NULL },
	{ HTTP_METHOD_POST,   "/auth/register",  BODY_SMALL,
	  ROUTE_PUBLIC | ROUTE_USERS, NEED_IF_GIVEN | ROLE_ADMIN,
	  ROUTE_AUTH, handle_register, NULL, NULL },
	{ HTTP_METHOD_GET,    "/jobs",           BODY_NONE,
	  ROUTE_PUBLIC, ROLE_OPERATE,
	  ROUTE_OTHER, handle_jobs, NULL, NULL },
	{ HTTP_METHOD_GET,    "/health",         BODY_NONE,
	  ROUTE_PUBLIC | ROUTE_OPERATOR | ROUTE_ALWAYS, NEED_NOTHING,
	  ROUTE_OTHER, handle_health, NULL, NULL },
	{ HTTP_METHOD_GET,    "/livez",          BODY_NONE,
	  ROUTE_PUBLIC | ROUTE_OPERATOR | ROUTE_ALWAYS, NEED_NOTHING,
	  ROUTE_OTHER, handle_livez, NULL, NULL },
	{ HTTP_METHOD_GET,    "/readyz",         BODY_NONE,
	  ROUTE_PUBLIC | ROUTE_OPERATOR | ROUTE_ALWAYS, NEED_NOTHING,
	  ROUTE_OTHER, handle_readyz, NULL, NULL },
};
/* clang-format on */

const size_t route_count = sizeof(routes) / sizeof(routes[0]);

static bool method_matches(enum http_method of_route, enum http_method asked)
{
	return of_route == asked || (of_route == HTTP_METHOD_GET && asked == HTTP_METHOD_HEAD);
}

static void add_allowed(enum http_method method, char allow[ROUTE_ALLOW_SIZE])
{
	size_t n = strlen(allow);

	snprintf(allow + n, ROUTE_ALLOW_SIZE - n, "%s%s%s", n ? ", " : "", http_method_name(method),
	         method == HTTP_METHOD_GET ? ", HEAD" : "");
}

const struct route *route_find(enum http_method method, struct str path, bool operator_listener,
                               char ret_allow[ROUTE_ALLOW_SIZE])
{
	unsigned here = operator_listener ? ROUTE_OPERATOR : ROUTE_PUBLIC;

	ret_allow[0] = '\0';
	for (size_t i = 0; i < route_count; i++) {
		if (!(routes[i].flags & here) || !str_is(path, routes[i].path))
			continue;
		if (method_matches(routes[i].method, method))
			return &routes[i];
		add_allowed(routes[i].method, ret_allow);
	}
	return NULL;
}
