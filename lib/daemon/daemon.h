/*
 * The main() of every child, once: arguments, channel on fd 3, settings as its first message, log,
 * loop, signals, start, MSG_READY, ticks, loop, stop. A daemon is this table and its functions.
 *
 * A child leaves when fd 3 ends (its supervisor is gone) or MSG_DRAIN and then SIGTERM come.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "config/settings.h"
#include "daemon/channel.h"

#define DAEMON_CHANNEL_FD 3
#define DAEMON_JOB_MODEL_FD 4
#define DAEMON_EXIT_CONFIG 78 /* bad configuration: do not restart */

struct event_base;
struct scoreboard;

struct daemon {
	const char *name; /* "front": log name and process title */
	/* Everything the daemon needs; may block (it is before READY). Negative ends with status 1. */
	int (*start)(struct daemon *d);
	/* Leave in peace: stop taking work, then daemon_leave(). */
	void (*drain)(struct daemon *d, uint32_t seconds);
	/* The loop has ended: free everything. */
	void (*stop)(struct daemon *d);
	/* Reload in two steps: check may fail and has no effect; apply has the effect and may not fail.
	 * After apply() d->settings is the new struct. Either may be NULL. */
	int (*check)(struct daemon *d, const struct settings *next, struct errbuf *err);
	void (*apply)(struct daemon *d, const struct settings *next);
	const struct channel_handler *handlers; /* beside those that daemon_run() answers itself */
	void *self; /* for the handlers and the functions above */

	/* filled before start() */
	struct event_base *base;
	struct channel *channel;
	const struct settings *settings;
	struct scoreboard *scoreboard;
	uint32_t instance, instances;
	/* listening sockets, index as in settings.listener; owned by the daemon */
	int listeners[SETTINGS_MAX_LISTENERS];
	unsigned listener_count;
};

/* Returns the exit status. */
int daemon_run(struct daemon *d, int argc, char **argv);
/* Ends the loop soon, with this exit status. */
void daemon_leave(struct daemon *d, int status);

/* 20-byte build id of this executable's suite as hex text: both ends of a channel compare it. */
const char *daemon_build_id(void);

/* Removes from the environment what a child has no business with (architecture.md: PATH, LANG, TZ,
 * CA and proxy names stay). */
int daemon_clean_environment(void);

#endif
