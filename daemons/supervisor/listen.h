/* The listening sockets of the suite. The supervisor holds them, so that a dead worker costs no
 * connection that waits to be accepted. */
#ifndef SUPERVISOR_LISTEN_H
#define SUPERVISOR_LISTEN_H

#include <stddef.h>

#include "base/errbuf.h"
#include "config/settings.h"
#include "daemon/sdnotify.h"

#define LISTEN_PATH_MAX 108 /* as in sockaddr_un */

struct listeners {
	int fds[SETTINGS_MAX_LISTENERS];                     /* as settings.listener; -1: closed */
	char paths[SETTINGS_MAX_LISTENERS][LISTEN_PATH_MAX]; /* unix sockets that we made; or "" */
	unsigned count;
};

/*
 * Opens each of settings.listener, or takes it from `given` (systemd's sockets): the n-th one named
 * "public" or "operator" serves the n-th listener of that role, one with any other name the
 * listener with its address. What is taken leaves -1 behind. Words name the address.
 */
int listeners_open(struct listeners *l, const struct settings *s, struct sdnotify_fd *given,
                   size_t given_count, struct errbuf *err);
/* Ends accepting on this side; a second call does nothing. */
void listeners_close(struct listeners *l);

#endif
