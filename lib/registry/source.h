/* What a back end is to registry.c. Private to lib/registry. */
#ifndef REGISTRY_SOURCE_H
#define REGISTRY_SOURCE_H

#include "base/arena.h"
#include "registry/registry.h"

struct event_base;
struct loop_timer;

/* One request from its start until it is told. */
struct registry_call {
	struct registry_call *next, **link;
	struct registry *registry;
	struct registry_request q; /* texts are the arena's */
	struct registry_version found;
	struct arena arena;
	struct registry_result result;
	bool ended;
	struct loop_timer *timer; /* asynchronous: tells from the loop; else NULL */
	registry_fn *on_result;
	void *self;
	/* what the back end keeps of it, freed before the call is */
	void *state;
	void (*state_free)(void *state);
};

/* The result but for its number is complete. The call may be freed in the next turn, not here. */
void call_end(struct registry_call *c, int result);

struct source {
	const char *kind;
	int (*open)(struct registry *r, const struct settings *s, struct errbuf *err);
	/* What is under way ends without call_end(). r->state may be NULL or half-made. */
	void (*close)(struct registry *r);
	/* Ends by call_end(), at once or from the loop of the registry. */
	void (*start)(struct registry_call *c);
	const char *(*storage)(const struct registry *r); /* registry_storage(); NULL: none */
};

struct registry {
	struct event_base *base; /* NULL: the back end needs no loop and nobody gave one */
	const struct source *source;
	char *dir;                   /* models.dir */
	char *name;                  /* models.name */
	struct registry_call *calls; /* under way */
	bool waiting;                /* registry_call() runs the loop */
	void *state;                 /* of the back end */
};

extern const struct source source_local, source_remote;

#endif
