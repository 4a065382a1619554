/*
 * A window's rows through the model and into the tables: read, score, write, chunk by chunk. Two
 * sessions: one reads (a snapshot of its own, read only), the other writes.
 */
#ifndef BATCH_FEED_H
#define BATCH_FEED_H

#include <signal.h>
#include <stdbool.h>

#include "base/progress.h"
#include "chunk.h"
#include "scorer.h"
#include "source.h"
#include "store.h"
#include "tally.h"
#include "window.h"

struct feed {
	struct db *db; /* that reads */
	const struct source *source;
	struct scorer *scorer;
	struct chunk chunk;
	struct store *store; /* NULL: a dry run */
	struct tally *tally;
	struct progress *progress;
	const volatile sig_atomic_t *stop; /* end after the row at hand */
	uint64_t chunk_ns;                 /* when the chunk at hand began */
};

/* All rows of the window; its position moves along. -EINTR: it was told to stop; what was scored
 * by then is written. */
int feed_window(struct feed *f, struct window *w, struct errbuf *err);
void feed_done(struct feed *f);

#endif
