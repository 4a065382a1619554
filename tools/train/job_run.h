/*
 * A retrain in the database: the lock that makes it the only one, and its row in job_runs, which a
 * thread keeps fresh while the work goes on.
 */
#ifndef TRAIN_JOB_RUN_H
#define TRAIN_JOB_RUN_H

#include <stdbool.h>

#include "base/errbuf.h"
#include "base/str.h"
#include "config/settings.h"
#include "watch.h"

struct job_run;

/*
 * id: of a row that the scheduler has made, or NULL for a new one. -EBUSY with the words: another
 * retrain is under way; the row, if there is one, is closed as skipped. Rows of retrains that ended
 * without a word are closed.
 */
int job_run_begin(const struct settings *s, const char *id, struct job_run **ret,
                  struct errbuf *err);

/* Told what is being done, it tells the row. Ends a stage (-ECANCELED) once the lock is lost. */
const struct watch *job_run_watch(struct job_run *j);
/* 0, or -ECONNRESET with the words when the session and so the lock was lost. */
int job_run_check(struct job_run *j, struct errbuf *err);

struct job_end {
	const char *status; /* "succeeded", "failed", "skipped" */
	const char *message;
	const char *model_version; /* NULL: none was made */
	struct str verdict;        /* JSON; empty: none */
};
/* Writes the end (on a new session if the old one was lost), gives the lock back, frees. A failure
 * to write is told on stderr. */
void job_run_end(struct job_run *j, const struct job_end *end);

#endif
