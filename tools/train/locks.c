/*
 * Called by promotion.c and job_run.c. A lock belongs to its session: whoever loses the session has
 * lost the lock, and nobody needs to clean up behind a process that was killed.
 */
#include "locks.h"

#include <errno.h>
#include <stdio.h>

#include "db/db.h"

/* First half of the key: "frat". No other program of the suite uses it. */
#define LOCK_CLASS 1718772084

static const struct {
	unsigned patience_ms;
	const char *busy;
} locks[] = {
	[LOCK_RETRAIN] = { 2000, "another retrain is under way" },
	[LOCK_PROMOTION] = { 60000, "another promotion is under way" },
};

int locks_take(struct db *db, enum lock lock, struct errbuf *err)
{
	char sql[128];
	int r;

	snprintf(sql, sizeof(sql),
	         "set lock_timeout = %u; select pg_advisory_lock(%d, %d); reset lock_timeout",
	         locks[lock].patience_ms, LOCK_CLASS, (int)lock);
	r = db_exec(db, sql, err);
	return r == -EBUSY ? errbuf_set(err, r, "%s", locks[lock].busy) : r;
}
