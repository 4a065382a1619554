/*
 * A chunk into the database, in one transaction: scores that are not there yet, the reasons of
 * exactly those, rejects, the cursor, the counts. All of it or nothing.
 */
#ifndef BATCH_STORE_H
#define BATCH_STORE_H

#include <stdbool.h>

#include "base/errbuf.h"
#include "chunk.h"
#include "cursor.h"
#include "db/db.h"
#include "job_run.h"
#include "tally.h"

struct store {
	struct db *db;
	const struct score_model *model;
	struct job_run *run;
	struct cursor *cursor; /* NULL: this batch moves none */
	const char *registry_version;
	bool careful; /* private: a row had a score already */
};

enum store_move {
	STORE_STAYS,    /* the cursor waits for the end of the pass */
	STORE_POSITION, /* behind the chunk's newest row */
	STORE_END,      /* the window, or the pass, is done */
};

/* The tables of this session that chunks go through. */
int store_open(struct store *s, struct errbuf *err);
/* Counts into *t what was committed. -ESTALE: another batch is at work; the errors of db.h. A
 * serialization failure or a deadlock is tried again here. */
int store_write(struct store *s, const struct chunk *c, enum store_move move, struct tally *t,
                struct errbuf *err);

#endif
