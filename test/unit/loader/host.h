/* A real fraud-loader in a private folder; the test is its fraudd. */
#ifndef TEST_LOADER_HOST_H
#define TEST_LOADER_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/channel.h"

#define HOST_WAIT_MS 20000

struct host {
	char dir[64]; /* the current folder while the test runs: models/ state/ */
	pid_t pid;    /* 0: no loader runs */
	int fd;       /* fraudd's end of the channel */
	/* what this loader said */
	bool ready;
	unsigned states;
	struct msg_registry_state state; /* the newest */
	/* what all loaders of this host published */
	unsigned published;
	struct msg_model model; /* the newest */
	int model_fd;
};

void host_init(struct host *h);
void host_done(struct host *h);

/* A sound version "fraud"/<version> (15 bytes) in models/; versions differ by their names. */
void host_make_version(const char *version);
/* The same, and one byte of its model changed. */
void host_make_bad_version(const char *version);
void host_set_alias(const char *alias, const char *version);

/* overrides: "key=value" words beside models.dir and state_dir, ends with NULL; may be NULL.
 * served: what fraudd has already, with its descriptor, or NULL. */
void host_start(struct host *h, const char *const *overrides, const struct msg_model *served,
                int served_fd);
/* MSG_DRAIN, then the wait status. */
int host_stop(struct host *h);
/* The channel's end, then the wait status. */
int host_hang_up(struct host *h);

/* Takes messages until one of this type; copies its payload (or NULL). */
void host_expect(struct host *h, enum message_type type, void *ret);
/* Takes what is there, until the condition holds; fails after HOST_WAIT_MS. */
#define HOST_WAIT(h, condition)                                                                    \
	do {                                                                                       \
		while (!(condition))                                                               \
			host_step((h), #condition);                                                \
	} while (0)
void host_step(struct host *h, const char *what);

struct msg_reload_done host_reload(struct host *h, enum reload_wish wish, uint32_t flags,
                                   const char *version);
/* Checks with MSG_SETTINGS_CHECK; returns its result. Applies it when it is 0. */
int host_settings(struct host *h, const char *const *overrides);

/* Fails unless the newest model is sealed and a worker could use it. */
void host_check_model(const struct host *h);

#endif
