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
	/* Everything the daemon needs; may block (it is before READY). Negative ends with status 1.
	 */
	int (*start)(struct daemon *d);
	/* Leave in peace: stop taking work after `seconds`, end what runs, then daemon_leave().
	 * NULL: daemon_run() leaves at once. Comes once; a SIGTERM after it ends the loop. */
	void (*drain)(struct daemon *d, uint32_t seconds);
	/* The loop has ended, or start() has failed half-way: free what is there. */
	void (*stop)(struct daemon *d);
	/* Reload in two steps: check may fail and has no effect; apply has the effect and may not
	 * fail. After apply() d->settings is the new struct. Either may be NULL. */
	int (*check)(struct daemon *d, const struct settings *next, struct errbuf *err);
	void (*apply)(struct daemon *d, const struct settings *next);
	const struct channel_handler *handlers; /* beside those that daemon_run() answers itself */
	void *self;                             /* for the handlers and the functions above */

	/* filled before start() */
	struct event_base *base;
	struct channel *channel;
	const struct settings *settings;
	struct scoreboard *scoreboard;
	uint32_t instance, instances;
	/* listening sockets, index as in settings.listener, -1: none; owned by the daemon, who may
	 * close one and leave -1 */
	int listeners[SETTINGS_MAX_LISTENERS];
	unsigned listener_count;

	struct daemon_running *running; /* daemon_run()'s own */
};

/* Returns the exit status. */
int daemon_run(struct daemon *d, int argc, char **argv);
/* Ends the loop soon, with this exit status. */
void daemon_leave(struct daemon *d, int status);

/* 40 hex digits: the digest of what two processes of a suite must agree on (see the folder's
 * CMakeLists.txt). Both ends of a channel compare it. */
const char *daemon_build_id(void);

/* Puts log.level in force; daemon_run() does it by itself. */
void daemon_log_settings(const struct settings *s);

/* Removes from the environment what a child has no business with (architecture.md: PATH, LANG, TZ,
 * CA and proxy names stay). */
int daemon_clean_environment(void);

#endif
