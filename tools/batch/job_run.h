/*
 * The row of job_runs that tells what this batch does: begun when it holds its partition, counted
 * up in the transactions of its chunks (so the counts are those of the tables), ended with words.
 */
#ifndef BATCH_JOB_RUN_H
#define BATCH_JOB_RUN_H

#include <stdbool.h>

#include "base/errbuf.h"
#include "db/db.h"
#include "tally.h"

#define JOB_RUN_ID 37 /* room for a UUID's text */

struct job_run {
	char id[JOB_RUN_ID]; /* empty: there is no row */
	unsigned partition, partitions;
	const char *host, *model_version;
	uint64_t generation;
};

/* id: a row that somebody else (the scheduler) has made for this batch, or empty for a new one.
 * holds: this batch holds its partition, so others on record as running there are dead. */
int job_run_begin(struct job_run *j, struct db *db, bool holds, struct errbuf *err);
/* The counts and the heartbeat. Within a chunk's transaction or alone. */
int job_run_count(const struct job_run *j, struct db *db, const struct tally *t,
                  struct errbuf *err);
/* status: "succeeded", "failed", "skipped", "cancelled"; message may be empty. */
int job_run_end(const struct job_run *j, struct db *db, const struct tally *t, const char *status,
                const char *message, struct errbuf *err);

#endif
