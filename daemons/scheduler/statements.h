/* All that the scheduler says to the database. */
#ifndef SCHEDULER_STATEMENTS_H
#define SCHEDULER_STATEMENTS_H

enum statement {
	STATEMENT_SESSION, /* no parameter */
	STATEMENT_BEAT,    /* host, pid, follow -> other hosts that live */
	STATEMENT_TAKE,    /* partitions to try, how many at most -> partition, age in ms or null,
	                      batches, retrain_due */
	STATEMENT_FENCE,   /* no parameter -> sessions that were ended */
	STATEMENT_RELEASE, /* partitions */
	STATEMENT_RELEASE_ALL,
	STATEMENT_STATE,  /* partition, host, age in ms or null, batches, retrain_due, next in ms or
	                     null, running */
	STATEMENT_ASKED,  /* ids of jobs that run -> id, kind */
	STATEMENT_CLOSE,  /* id, status, message */
	STATEMENT_RECORD, /* id, status, message, kind, host, pid, age in ms */
	STATEMENT_SWEEP,  /* ids of jobs that run */
	STATEMENT_MAX
};

extern const char *const statements[STATEMENT_MAX];

enum channel_name { CHANNEL_NEW, CHANNEL_JOBS, CHANNEL_MODEL, CHANNEL_MAX };

extern const char *const channels[CHANNEL_MAX];

#endif
