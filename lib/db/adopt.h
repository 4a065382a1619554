/* Tables that the older Python service left behind, and what of them is understood. */
#ifndef DB_ADOPT_H
#define DB_ADOPT_H

#include "base/errbuf.h"
#include "db/db.h"

/*
 * Looks at the tables that migrations above `applied` would make and that exist already. on_line
 * gets a line for each table that is adopted and for each difference; any difference is -EINVAL.
 * Reads the catalogue only.
 */
int adopt_check(struct db *db, unsigned applied, void (*on_line)(void *self, const char *text),
                void *self, struct errbuf *err);

#endif
