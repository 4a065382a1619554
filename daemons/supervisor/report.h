/* What the service manager is told: ready, reloading, stopping, alive, and one line of status. */
#ifndef SUPERVISOR_REPORT_H
#define SUPERVISOR_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "child.h"
#include "daemon/sdnotify.h"
#include "model.h"

struct report {
	const struct children *children;
	const struct model *model;
	struct sdnotify notify;
	uint64_t watchdog_ms, watchdog_ns; /* how often to say that we live, when last */
	bool ready;                        /* was said */
};

/* Reads NOTIFY_SOCKET and WATCHDOG_USEC. 0 or -errno. */
int report_open(struct report *r);
void report_done(struct report *r);

/* Something has changed: a new status line, and the word that the suite is ready, once. */
void report_look(struct report *r);
void report_reloading(struct report *r);
/* After it: ready again. */
void report_reloaded(struct report *r);
void report_stopping(struct report *r);
/* Every second. stopping: no worker has to tick any more. */
void report_turn(struct report *r, bool stopping);

#endif
