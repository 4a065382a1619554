/*
 * What a service says to systemd and gets from it: the datagram protocol of sd_notify(3), and the
 * descriptors of sd_listen_fds(3). By hand, because it is a page and libsystemd is not needed for
 * anything else. Only the supervisor talks to systemd.
 */
#ifndef DAEMON_SDNOTIFY_H
#define DAEMON_SDNOTIFY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#define SDNOTIFY_FIRST_FD 3
#define SDNOTIFY_NAME 64

struct sdnotify {
	int fd; /* -1: nobody listens, and everything below does nothing and returns 0 */
	struct sockaddr_un address;
	socklen_t address_size;
};

/* socket: the value of NOTIFY_SOCKET, or NULL. -EINVAL for what is neither a path nor abstract. */
int sdnotify_open(struct sdnotify *n, const char *socket);
void sdnotify_done(struct sdnotify *n);

/* status: one line for a person. Never block; 0 or -errno. */
int sdnotify_ready(const struct sdnotify *n, const char *status);
int sdnotify_status(const struct sdnotify *n, const char *status);
int sdnotify_reloading(const struct sdnotify *n);
int sdnotify_stopping(const struct sdnotify *n);
int sdnotify_watchdog(const struct sdnotify *n);
/* The service manager keeps the descriptor over a restart and hands it back under this name. */
int sdnotify_store(const struct sdnotify *n, int fd, const char *name);
int sdnotify_unstore(const struct sdnotify *n, const char *name);

/* Milliseconds between two WATCHDOG=1 (half of what is allowed), or 0: none wanted. Values of
 * WATCHDOG_USEC and WATCHDOG_PID, NULL if absent. */
uint64_t sdnotify_watchdog_ms(const char *usec, const char *pid, pid_t own);

struct sdnotify_fd {
	int fd;
	char name[SDNOTIFY_NAME]; /* "" if it has none */
};

/* Values of LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES, NULL if absent. Returns how many there are (0:
 * none for us), -EINVAL if the values contradict each other, -E2BIG beyond room. Touches no
 * descriptor. */
int sdnotify_listen_fds(const char *const values[3], pid_t own, struct sdnotify_fd *ret,
                        size_t room);

#endif
