/* Who wants to know how far a long stage is, and may end it: a retrain's row in job_runs. */
#ifndef TRAIN_WATCH_H
#define TRAIN_WATCH_H

#include <stddef.h>
#include <stdint.h>

struct watch {
	/* From the thread that works, often. planned 0: nobody knows. Negative ends the stage and
	 * is what the stage returns. */
	int (*on_progress)(void *self, const char *stage, uint64_t done, uint64_t planned);
	void *self;
};

/* watch NULL: nobody does. */
static inline int watch_tell(const struct watch *w, const char *stage, uint64_t done,
                             uint64_t planned)
{
	return w ? w->on_progress(w->self, stage, done, planned) : 0;
}

#endif
