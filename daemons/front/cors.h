/* What a browser is told about pages of other origins: http.cors_origins may call, nobody else. */
#ifndef FRONT_CORS_H
#define FRONT_CORS_H

#include <stdbool.h>

#include "base/str.h"

struct call;

/* True if the list, with commas, names this origin. */
bool cors_lists(const char *origins, struct str origin);
/* Headers of any answer. */
void cors_prepare(struct call *c);
/* True if the request is a browser's question whether it may call; its headers are then set and an
 * empty 204 is the answer. methods: what the path knows, as in Allow. */
bool cors_is_preflight(struct call *c, const char *methods);

#endif
