/* What a process gives up for ever, before or after exec. Each returns 0 or -errno. */
#ifndef DAEMON_JAIL_H
#define DAEMON_JAIL_H

struct settings;

/* No new sockets, and no way around it: socket(), connect(), io_uring_setup() and pidfd_getfd()
 * fail with EPERM. Survives exec. Sets no_new_privs. */
int jail_no_network(void);

/* What every process of the suite does once it knows the settings: no core file and no ptrace
 * unless debug.core_dumps, no new privileges. */
int jail_child_defaults(const struct settings *s);

#endif
