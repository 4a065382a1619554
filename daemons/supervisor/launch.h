/* One child from nothing to a running process that knows its settings. */
#ifndef SUPERVISOR_LAUNCH_H
#define SUPERVISOR_LAUNCH_H

#include <stdint.h>
#include <sys/types.h>

#include "config/settings.h"
#include "daemon/channel.h"
#include "listen.h"
#include "service.h"

struct launch {
	struct event_base *base;
	const struct service *service;
	uint32_t instance, instances;
	const struct settings *settings;
	const struct listeners *listeners;
	int scoreboard_fd;
	uint64_t scoreboard_size;
	struct channel_options channel;
};

/* 0 or -errno, with nothing left behind. */
int launch_child(const struct launch *l, pid_t *ret_pid, struct channel **ret_channel);

#endif
