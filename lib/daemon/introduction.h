/* What a child is told before its loop turns: settings, listeners, scoreboard. Blocking. */
#ifndef DAEMON_INTRODUCTION_H
#define DAEMON_INTRODUCTION_H

#include "base/errbuf.h"
#include "config/settings.h"
#include "daemon/daemon.h"

/* True if fd is one end of a channel, i.e. the supervisor started this program. */
bool introduction_is_channel(int fd);

/* Fills d->instance, instances, listeners, listener_count and scoreboard, and *ret with the
 * settings (the caller's). Descriptors that d has got stay with d on failure too. */
int introduction_receive(struct daemon *d, struct settings **ret, struct errbuf *err);

#endif
