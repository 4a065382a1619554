/* Where a version's files are, once it is ready. Private to lib/registry. */
#ifndef REGISTRY_LOCATION_H
#define REGISTRY_LOCATION_H

#include "registry/remote.h"

#define LOCATION_OUTPUTS 16 /* logged models of a run that are looked at */

/* From the loop: 0 with uri, or words. */
typedef void location_fn(void *self, int result, const struct errbuf *err);

struct location {
	struct registry_call *call;
	const char *number;
	struct arena *arena;
	location_fn *on_end;
	void *self;

	const char *uri;
	const char *run_id;          /* NULL: the version tells none */
	char manifest[CACHE_SHA256]; /* as the version's tag says; "": it does not */

	/* location.c's own */
	const char *wanted; /* name of the logged model, if any will not do */
	const char *outputs[LOCATION_OUTPUTS];
	size_t output_count, output_next;
	uint64_t began_ns;
	struct loop_timer *pending;
};

/* Everything up to `self` is set, the rest zero. What cannot be asked ends the call. */
void location_find(struct location *l);
/* There are no files at uri: true if there is another place, told by on_end. */
bool location_next(struct location *l);
void location_done(struct location *l);

#endif
