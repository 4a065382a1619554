/* What a back end is to registry.c. Private to lib/registry. */
#ifndef REGISTRY_SOURCE_H
#define REGISTRY_SOURCE_H

#include "registry/registry.h"

struct source {
	const char *kind;
	/* One function a verb: fills the result, 0 or -errno with words. */
	int (*run[REGISTRY_VERB_MAX])(const struct registry *r, const struct registry_request *q,
	                              struct registry_result *ret);
};

struct registry_call;

struct registry {
	struct event_base *base; /* NULL: blocking calls only */
	const struct source *source;
	char *dir;                   /* models.dir */
	char *name;                  /* models.name */
	struct registry_call *calls; /* done, to be told */
};

extern const struct source source_local;

#endif
