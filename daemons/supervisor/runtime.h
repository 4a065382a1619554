/* What the supervisor finds and claims on its host before it does anything else. */
#ifndef SUPERVISOR_RUNTIME_H
#define SUPERVISOR_RUNTIME_H

#include <stddef.h>

#include "base/errbuf.h"
#include "daemon/sdnotify.h"

/* The descriptors that the service manager handed over, now close-on-exec; the variables that named
 * them are removed. Must run before anything opens descriptors. Returns the count or -errno. */
int runtime_inherit(struct sdnotify_fd *ret, size_t room, struct errbuf *err);

/* Makes the folder and takes its lock, held until the process ends: one suite a folder. */
int runtime_lock(const char *runtime_dir, int *ret_fd, struct errbuf *err);

/* As many descriptors as this process is allowed, for the children that inherit the limit. */
void runtime_raise_descriptors(void);

#endif
