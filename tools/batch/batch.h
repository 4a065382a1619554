/* One batch: every partition it is asked for, once. */
#ifndef BATCH_BATCH_H
#define BATCH_BATCH_H

#include <signal.h>
#include <stdbool.h>

#include "base/errbuf.h"
#include "config/settings.h"
#include "intake.h"
#include "tally.h"

struct batch_options {
	const char *since, *until; /* NULL: by the cursor */
	unsigned first, end;       /* partitions [first, end) of partitions */
	unsigned partitions;
	const char *job; /* row of job_runs that the scheduler has made, or "" */
	bool dry_run, quiet;
	const volatile sig_atomic_t *stop;
};

struct batch_result {
	struct tally tally;
	unsigned busy; /* partitions that another batch held */
	uint64_t taken_ns;
};

/*
 * -EBADMSG: the source or the model cannot be used. -EINTR: told to stop. -ESTALE, and what db.h
 * says of the database: nothing is half done, try again. *ret is what was done until then.
 */
int batch_run(const struct batch_options *o, const struct intake *in, struct batch_result *ret,
              struct errbuf *err);

#endif
