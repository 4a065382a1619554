/*
 * Brings a child into the world: its channel, what it must know (settings, listeners, scoreboard)
 * put into that channel before it lives, then fork and exec with the channel on fd 3 and nothing
 * else. Whatever can fail does so before the fork, so that there is never a process to take back.
 * Called by child.c for every start and restart.
 */
#include "launch.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/environment.h"
#include "daemon/sealed_settings.h"
#include "daemon/spawn.h"

static int send_settings(const struct launch *l, struct channel *c)
{
	struct msg_settings m = { .instance = l->instance, .instances = l->instances };
	CLEANUP(close_p) int fd = -1;
	int r = sealed_settings_write(l->settings, l->service->audience, &fd, &m.size);

	return r < 0 ? r : channel_send(c, MSG_SETTINGS, 0, &m, fd);
}

static int send_listeners(const struct listeners *l, struct channel *c)
{
	struct msg_listener m = { 0 };
	int r = 0;

	for (unsigned i = 0; i < l->count; i++)
		m.count += l->fds[i] >= 0;
	for (unsigned i = 0; i < l->count && r == 0; i++) {
		m.index = i;
		if (l->fds[i] >= 0)
			r = channel_send(c, MSG_LISTENER, 0, &m, l->fds[i]);
	}
	return r;
}

static int introduce(const struct launch *l, struct channel *c)
{
	struct msg_scoreboard scoreboard = { .size = l->scoreboard_size };
	int r = send_settings(l, c);

	if (r == 0 && l->service->listeners)
		r = send_listeners(l->listeners, c);
	if (r == 0)
		r = channel_send(c, MSG_SCOREBOARD, 0, &scoreboard, l->scoreboard_fd);
	return r;
}

static int execute(const struct launch *l, int channel_fd, pid_t *ret_pid)
{
	CLEANUP(free_p) char **env = NULL;
	char path[4096], instance[16];
	/* The number is for people who look at ps. */
	const char *argv[] = { l->service->program, instance, NULL };
	struct spawn_options o = {
		.path = path,
		.argv = argv,
		.fds = &channel_fd,
		.fd_count = 1,
		.stderr_fd = -1,
	};
	int r;

	snprintf(instance, sizeof(instance), "%u", l->instance);
	if (l->instances == 1)
		argv[1] = NULL;
	r = spawn_path(l->service->program, path, sizeof(path));
	if (r == 0)
		r = environment_new(NULL, &env);
	if (r < 0)
		return r;
	o.env = env;
	return spawn(&o, ret_pid);
}

int launch_child(const struct launch *l, pid_t *ret_pid, struct channel **ret_channel)
{
	CLEANUP(close_p) int child_end = -1;
	struct channel *c;
	int ends[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	child_end = ends[1];
	r = channel_new(l->base, ends[0], &l->channel, &c);
	if (r < 0) {
		close(ends[0]);
		return r;
	}
	r = introduce(l, c);
	if (r == 0)
		r = execute(l, child_end, ret_pid);
	if (r < 0) {
		channel_free(c);
		return r;
	}
	*ret_channel = c;
	return 0;
}
