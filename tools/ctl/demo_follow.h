/* Demo rows that happen now: a trickle into tables that have rows already. */
#ifndef CTL_DEMO_FOLLOW_H
#define CTL_DEMO_FOLLOW_H

#include <signal.h>

#include "base/errbuf.h"
#include "db/db.h"
#include "demo_generate.h"

#define DEMO_MAX_RATE 1000
/* A fraud is found out so many times faster: within two minutes, and at most 90 days elsewhere. */
#define DEMO_FOLLOW_HASTE 64800

struct demo_follow {
	uint64_t rows; /* ends after so many */
	uint64_t seed;
	unsigned rate; /* a second, 1 to DEMO_MAX_RATE */
	bool quiet;
	const volatile sig_atomic_t *stop; /* ends when not 0 */
};

/* Blocks until the rows are out or somebody stops it. `on_row` hears of each that is committed. */
int demo_follow(struct db *db, const struct demo_follow *f,
                void (*on_row)(void *self, const struct demo_row *row), void *self,
                struct errbuf *err);

/* The row as it would be had it happened at that instant: all its times move, and its label becomes
 * known DEMO_FOLLOW_HASTE times sooner. Pure. */
void demo_follow_move(struct demo_row *row, int64_t us);

#endif
