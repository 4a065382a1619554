/* What only one process over all hosts does at a time: advisory locks, gone with their session. */
#ifndef TRAIN_LOCKS_H
#define TRAIN_LOCKS_H

#include "base/errbuf.h"

struct db;

enum lock { LOCK_RETRAIN = 1, LOCK_PROMOTION = 2 };

/* Waits a little: the server needs a moment to notice that a killed holder is gone, and a promotion
 * takes seconds. -EBUSY with the words: somebody has it. */
int locks_take(struct db *db, enum lock lock, struct errbuf *err);

#endif
