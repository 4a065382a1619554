/* The suite, running: from checked settings to the exit status. */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>

#include "config/settings.h"
#include "daemon/sdnotify.h"
#include "service.h"

struct supervisor_options {
	struct settings_sources sources; /* read again at each reload */
	struct settings *settings;       /* as read from them now; the callee's */
	bool selected[SERVICE_MAX];
	struct sdnotify_fd *given; /* sockets and models that the service manager held */
	size_t given_count;
};

/* Returns the exit status: 0 stopped as asked, 1 failure. */
int supervisor_run(const struct supervisor_options *o);

#endif
