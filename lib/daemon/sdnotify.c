/*
 * The two protocols between a service and systemd: datagrams of "KEY=value" lines one way,
 * descriptors from 3 on with three environment variables the other way. The parsing is pure (values
 * in, numbers out), so that it is tested without systemd; sending never blocks the supervisor's
 * loop.
 */
#include "daemon/sdnotify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#define STATE_MAX 512

int sdnotify_open(struct sdnotify *n, const char *socket_path)
{
	size_t length = socket_path ? strlen(socket_path) : 0;

	*n = (struct sdnotify){ .fd = -1 };
	if (length == 0)
		return 0;
	if ((socket_path[0] != '/' && socket_path[0] != '@') ||
	    length >= sizeof(n->address.sun_path))
		return -EINVAL;
	n->address.sun_family = AF_UNIX;
	memcpy(n->address.sun_path, socket_path, length);
	if (socket_path[0] == '@')
		n->address.sun_path[0] = '\0';
	n->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return n->fd < 0 ? -errno : 0;
}

void sdnotify_done(struct sdnotify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

static int send_state(const struct sdnotify *n, const char *state, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { (void *)state, strlen(state) };
	struct msghdr h = { .msg_name = (void *)&n->address,
		            .msg_namelen = n->address_size,
		            .msg_iov = &iov,
		            .msg_iovlen = 1 };

	if (n->fd < 0)
		return 0;
	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		h.msg_control = control.bytes;
		h.msg_controllen = sizeof(control.bytes);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	}
	return sendmsg(n->fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int sdnotify_ready(const struct sdnotify *n, const char *status)
{
	char state[STATE_MAX];

	snprintf(state, sizeof(state), "READY=1\nSTATUS=%s", status);
	return send_state(n, state, -1);
}

int sdnotify_status(const struct sdnotify *n, const char *status)
{
	char state[STATE_MAX];

	snprintf(state, sizeof(state), "STATUS=%s", status);
	return send_state(n, state, -1);
}

int sdnotify_reloading(const struct sdnotify *n)
{
	char state[STATE_MAX];

	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	         clock_mono_ns() / 1000);
	return send_state(n, state, -1);
}

int sdnotify_stopping(const struct sdnotify *n)
{
	return send_state(n, "STOPPING=1", -1);
}

int sdnotify_watchdog(const struct sdnotify *n)
{
	return send_state(n, "WATCHDOG=1", -1);
}

int sdnotify_store(const struct sdnotify *n, int fd, const char *name)
{
	char state[STATE_MAX];

	snprintf(state, sizeof(state), "FDSTORE=1\nFDNAME=%s", name);
	return send_state(n, state, fd);
}

int sdnotify_unstore(const struct sdnotify *n, const char *name)
{
	char state[STATE_MAX];

	snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	return send_state(n, state, -1);
}

/* True if text is the decimal number of this process, or absent. */
static int is_for(const char *text, pid_t own)
{
	unsigned long long pid;

	if (!text)
		return 1;
	return str_to_u64(str_of(text), &pid) == 0 && pid == (unsigned long long)own;
}

uint64_t sdnotify_watchdog_ms(const char *usec, const char *pid, pid_t own)
{
	unsigned long long us;

	if (!usec || !is_for(pid, own) || str_to_u64(str_of(usec), &us) < 0)
		return 0;
	return us / 2 / 1000;
}

/* The name up to the next ':'; returns what follows, NULL after the last one. */
static const char *next_name(const char *names, char ret[SDNOTIFY_NAME])
{
	size_t n = strcspn(names, ":");
	size_t kept = n < SDNOTIFY_NAME ? n : SDNOTIFY_NAME - 1;

	memcpy(ret, names, kept);
	ret[kept] = '\0';
	return names[n] == ':' ? names + n + 1 : NULL;
}

int sdnotify_listen_fds(const char *const values[3], pid_t own, struct sdnotify_fd *ret,
                        size_t room)
{
	const char *names = values[2];
	unsigned long long count;

	/* Without LISTEN_PID the variables are somebody else's leftovers. */
	if (!values[0] || !values[1] || !is_for(values[0], own))
		return 0;
	if (str_to_u64(str_of(values[1]), &count) < 0)
		return -EINVAL;
	if (count > room)
		return -E2BIG;
	for (unsigned i = 0; i < count; i++) {
		ret[i] = (struct sdnotify_fd){ .fd = SDNOTIFY_FIRST_FD + (int)i };
		if (values[2] && !names)
			return -EINVAL;
		if (names)
			names = next_name(names, ret[i].name);
	}
	return names && count > 0 ? -EINVAL : (int)count;
}
