/* What a child is told before its loop turns: settings, listeners, scoreboard. Blocking. */
#ifndef DAEMON_INTRODUCTION_H
#define DAEMON_INTRODUCTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "config/settings.h"

struct introduction {
	struct settings *settings;
	uint32_t instance, instances;
	int listeners[SETTINGS_MAX_LISTENERS]; /* -1: none */
	unsigned listener_count;               /* the highest index + 1 */
	struct scoreboard *scoreboard;
};

/* True if fd is one end of a channel, i.e. the supervisor started this program. */
bool introduction_is_channel(int fd);

/* All of *ret is the caller's. */
int introduction_receive(int fd, struct introduction *ret, struct errbuf *err);
void introduction_done(struct introduction *in);

#endif
