/*
 * The operator's SQL file that says where transactions come from, and whether it gives what the
 * model needs: one SELECT, every input as a column of a type that can feed it.
 */
#ifndef BATCH_SOURCE_H
#define BATCH_SOURCE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/strbuf.h"
#include "db/db.h"
#include "features/row.h"
#include "window.h"

/* Bytes of a text that is looked at: a longer one is a reject, and memory has an end. */
#define SOURCE_MAX_TEXT 65536

struct source {
	const char *name; /* for messages: the file */
	struct strbuf sql;
	const struct program *program;
	enum column_type *types; /* of each input's column; in the arena */
	bool has_xid;            /* ingested_xid is there */
};

/* path "": the query that is part of this program. All that is wrong with the text is -EBADMSG. */
int source_read(struct source *s, const char *path, struct errbuf *err);
/* Asks the server what the query gives and compares it with the inputs; runs nothing. -EBADMSG
 * names the columns that are missing or of a wrong type. `version` is for the words. */
int source_check(struct source *s, struct db *db, const struct program *p, struct str version,
                 struct arena *a, struct errbuf *err);
void source_done(struct source *s);

/* The rows of the window: columns in the order of the inputs, in WINDOW_SNAPSHOTS also
 * ingested_xid, rows then in order. limit 0: all. */
int source_write_rows(const struct source *s, const struct window *w, uint64_t limit,
                      struct strbuf *out, struct errbuf *err);
/* One row: how many there are, and how many of them have no key. */
int source_write_count(const struct source *s, const struct window *w, struct strbuf *out,
                       struct errbuf *err);

/* Column and time of the roles; time is empty if the program has none. */
struct str source_key(const struct source *s);
struct str source_time(const struct source *s);

#endif
