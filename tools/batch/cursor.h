/*
 * The row of batch_cursor: where a partition stands. One batch at a time holds a partition (an
 * advisory lock of its session, gone with it); every chunk's transaction locks the row and compares
 * it with what this batch believes before it writes anything.
 */
#ifndef BATCH_CURSOR_H
#define BATCH_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "db/db.h"

struct cursor {
	unsigned partition, partitions;
	int64_t system_id; /* of this cluster */
	bool fresh;        /* no row for this cluster and split: the pass over everything is due */
	bool exists;       /* a row is there, whatever it says */
	char *done, *upto; /* pg_snapshot as text; upto NULL: no window is open */
	uint64_t last_xid;
	int64_t last_seq;
};

void cursor_done(struct cursor *c);

/* False: another batch holds the partition. */
int cursor_hold(const struct cursor *c, struct db *db, bool *ret_held, struct errbuf *err);
/* Reads the row and compares it with this cluster and this split. */
int cursor_load(struct cursor *c, struct db *db, struct errbuf *err);
/* upto = now. A statement of its own; with `write` false only in memory. */
int cursor_open_window(struct cursor *c, struct db *db, bool write, struct errbuf *err);
/* The pass over everything begins: what is committed later than now is not its business. */
int cursor_begin_pass(struct cursor *c, struct db *db, struct errbuf *err);

/* Within a chunk's transaction. -ESTALE: somebody else has moved the row. */
int cursor_lock(const struct cursor *c, struct db *db, struct errbuf *err);
/* The position moves; in the struct with cursor_moved(), after commit. */
int cursor_write_position(const struct cursor *c, struct db *db, uint64_t xid, int64_t seq,
                          struct errbuf *err);
/* done = upto, no window is open; also ends the pass over everything. */
int cursor_write_end(const struct cursor *c, struct db *db, struct errbuf *err);
void cursor_moved(struct cursor *c, uint64_t xid, int64_t seq);
void cursor_ended(struct cursor *c);

#endif
