/*
 * Where training rows come from: a CSV file or a query. Training reads its rows twice (first what
 * must be learned, then the features), so a source can be read again and gives the same rows in the
 * same order.
 */
#ifndef TRAIN_SOURCE_H
#define TRAIN_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "features/program.h"

struct db;
struct watch;

struct row_sink {
	/* Cells are borrowed until it returns. line: of the file, or the number of the row.
	 * Negative ends the reading and is returned by it. */
	int (*on_row)(void *self, uint64_t line, const struct cell *row, bool label);
	/* A row that cannot be used; the reading goes on. */
	void (*on_bad_row)(void *self, uint64_t line, const char *what);
	void *self;
};

struct row_source {
	/* p: the inputs, by name. -ENOENT: a required column or "label" is missing. */
	int (*read)(void *self, const struct program *p, const struct row_sink *sink,
	            struct errbuf *err);
	void *self;
};

#define LABEL_COLUMN "label"

struct csv_source {
	const char *path;
	bool quiet;
};
struct row_source csv_source(struct csv_source *s);

struct database_source {
	struct db *db;     /* within one read-only snapshot: database_snapshot_begin() */
	const char *query; /* bound, see db/query.h */
	bool quiet;
	const struct watch *watch; /* or NULL */
};
struct row_source database_source(struct database_source *s);

/* Both passes must see the same rows. */
int database_snapshot_begin(struct db *db, struct errbuf *err);

#endif
