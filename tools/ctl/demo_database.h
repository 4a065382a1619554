/* Demo rows into the tables transactions and fraud_labels, in one transaction. */
#ifndef CTL_DEMO_DATABASE_H
#define CTL_DEMO_DATABASE_H

#include "base/errbuf.h"
#include "db/db.h"
#include "demo_generate.h"

struct demo_database;

/* Begins; db is borrowed and has all migrations. -EEXIST when the table has rows already. */
int demo_database_open(struct db *db, struct demo_database **ret, struct errbuf *err);
/* The same for tables that have rows; the caller has numbered its own. */
int demo_database_append(struct db *db, struct demo_database **ret, struct errbuf *err);
int demo_database_write(struct demo_database *d, const struct demo_row *row, struct errbuf *err);
/* Labels, statistics (not where it appends), commit. Both free. */
int demo_database_finish(struct demo_database *d, struct errbuf *err);
void demo_database_abort(struct demo_database *d);

#endif
