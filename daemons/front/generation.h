/*
 * A model that this worker has mapped. It is counted: the worker holds one reference to the newest,
 * a request one to the generation that it began with; the last release unmaps.
 */
#ifndef FRONT_GENERATION_H
#define FRONT_GENERATION_H

#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "daemon/messages.h"
#include "score/score.h"

struct generation {
	struct msg_model about;
	void *image;
	struct score_model model;
	struct score_scratch scratch; /* one row at a time: a worker has one thread */
	struct cell *row; /* model.program.input_count cells, used between two loop turns only */
	struct arena arena;
	unsigned holders;
};

/*
 * Checks seals and size, maps read-only, checks the sum, and scores one row of defaults with its
 * explanation so that no client pays for cold pages. fd stays the caller's. Holders: 1.
 */
int generation_open(const struct msg_model *about, int fd, struct generation **ret,
                    struct errbuf *err);
struct generation *generation_hold(struct generation *g);
/* For arena_on_free() too. NULL is nothing. */
void generation_release(void *generation);

#endif
