/*
 * The SQL that says which rows of the source are new. COPY takes no parameters, so numbers and
 * snapshots stand in it as literals: they are checked here, whoever they come from. Pure.
 *
 * The source stands in the statement as "q".
 */
#ifndef BATCH_WINDOW_H
#define BATCH_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "base/strbuf.h"

#define WINDOW_XID_COLUMN "ingested_xid"

enum window_kind {
	WINDOW_SNAPSHOTS, /* (done, upto] by ingested_xid, in order, behind the position */
	WINDOW_ALL,       /* what has no score, however old: a new cursor */
	WINDOW_LOOKBACK,  /* what has no score, of the last days: a source without ingested_xid */
	WINDOW_RANGE,     /* what has no score, of a time that somebody names */
};

struct window {
	enum window_kind kind;
	const char *done, *upto; /* text of pg_snapshot */
	uint64_t last_xid;       /* the position: 0, 0 before the first row */
	int64_t last_seq;
	unsigned lookback_days;
	const char *since, *until; /* "2026-11-01 00:00:00", or NULL */
	unsigned partition, partitions;
	struct str key, time;      /* names of columns; time may be empty in the first two kinds */
	const char *model_version; /* whose rejects are not tried again */
};

/* The conditions of the window, without "where". -EINVAL for a snapshot that is none. */
int window_write(const struct window *w, struct strbuf *out, struct errbuf *err);

/* "10:20:10,14" and nothing else: digits, two colons, digits with commas. */
bool window_is_snapshot(struct str text);

/* "a""b": a name as SQL quotes it. */
void window_write_name(struct str name, struct strbuf *out);

#endif
