/*
 * Forward-only migrations: sql/NNN_name.sql, each once, in order, in a transaction of its own,
 * under one advisory lock, so that several hosts may start at once. schema_migrations keeps number,
 * name and SHA-256; a file that changed after it was applied is refused, as is a database that is
 * newer than this program.
 *
 * Tables of the older Python service are adopted: before a migration touches one that exists, its
 * columns are compared with what is understood (adopt.h), and nothing changes if they differ.
 */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include <stddef.h>

#include "base/errbuf.h"
#include "db/db.h"
#include "db/embedded.h"

struct migrate_options {
	const struct embedded_file *files; /* embedded_migrations */
	size_t count;
	/* A line for a person: what was applied or adopted, each difference of a table. May be
	 * NULL. */
	void (*on_line)(void *self, const char *text);
	void *self;
};

/* Returns how many were applied now, or negative: -EINVAL (changed file, foreign table, gap in the
 * numbers), -EPROTO (the database is newer), -EBUSY (another migration runs for a minute already).
 */
int migrate_run(struct db *db, const struct migrate_options *o, struct errbuf *err);
/* How many are not applied yet, or what would be refused; nothing is changed. */
int migrate_pending(struct db *db, const struct migrate_options *o, struct errbuf *err);

/* Numbers are 1, 2, 3 … by name and checksums are whole. Pure. */
int migrate_check_files(const struct embedded_file *files, size_t count, struct errbuf *err);

#endif
