/*
 * Rights that a process gives up because its work does not need them: the network for a child that
 * reads files from outside (a namespace would need privileges that the unit gives away, seccomp
 * needs none), cores and ptrace for whoever holds secrets. The only file that includes libseccomp.
 *
 * io_uring opens sockets without socket(), pidfd_getfd() takes them from another process: both are
 * refused with the plain calls. Calls of a foreign architecture end the process (libseccomp's
 * default).
 */
#include "daemon/jail.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "config/settings.h"

int jail_no_network(void)
{
	static const int refused[] = {
		SCMP_SYS(socket),
		SCMP_SYS(connect),
		SCMP_SYS(io_uring_setup),
		SCMP_SYS(pidfd_getfd),
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = 0;

	if (!filter)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]) && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

int jail_child_defaults(const struct settings *s)
{
	struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (s->debug.core_dumps)
		return 0;
	if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}
