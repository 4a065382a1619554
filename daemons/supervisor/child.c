/*
 * Where the loop meets the table of process.c: forks, signals, timers and ends of channels become
 * events of a process, and its actions become system calls. The supervisor's other files see
 * children only through child.h.
 *
 * Invariant: a child has a pid exactly while it has a process that was not reaped, and a channel
 * exactly as long.
 */
#include "child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/loop.h"
#include "launch.h"

/* The supervisor turns once a second; after a longer pause it was the one that was stopped. */
#define OWN_PAUSE_NS (UINT64_C(2500) * 1000000)

static void on_end(struct channel *channel, void *self, int reason)
{
	struct child *c = self;

	(void)channel;
	/* A plain end comes with every exit; one that closed its channel and lives does not tick.
	 */
	if (reason < 0)
		child_refuse(c, reason, "broke its channel");
}

static int act_spawn(void *self)
{
	struct child *c = self;
	struct children *all = c->all;
	struct launch l = {
		.base = all->base,
		.service = c->service,
		.instance = c->instance,
		.instances = c->instances,
		.settings = all->settings,
		.listeners = all->listeners,
		.scoreboard_fd = all->scoreboard_fd,
		.scoreboard_size = all->scoreboard_size,
		.channel = { all->hooks->handlers(c->service), on_end, c },
	};
	int r = launch_child(&l, &c->pid, &c->channel);

	if (r < 0)
		return log_error(r, "could not start %s %u", c->service->name, c->instance);
	c->generation = 0;
	c->model_result = 0;
	c->settings_asked = false;
	all->hooks->introduced(c);
	return 0;
}

static void act_drain(void *self)
{
	struct child *c = self;
	struct msg_drain m = {
		.seconds = c->service->listeners ? c->all->settings->stop.drain_seconds : 0,
	};

	/* One that does not read its channel gets SIGTERM when its time is up. */
	channel_send(c->channel, MSG_DRAIN, 0, &m, -1);
}

static void act_kill(void *self, int signal_number)
{
	struct child *c = self;

	if (signal_number == SIGKILL)
		log_warning(0, "killing %s %u (pid %d), %s", c->service->name, c->instance,
		            (int)c->pid, process_state_name(c->process.state));
	if (c->pid > 0)
		kill(c->pid, signal_number);
}

static void act_arm(void *self, uint64_t milliseconds)
{
	struct child *c = self;

	if (milliseconds)
		loop_timer_arm(c->timer, milliseconds);
	else
		loop_timer_disarm(c->timer);
}

static void act_changed(void *self, enum process_state before)
{
	struct child *c = self;

	c->since_us = clock_real_us();
	c->all->hooks->changed(c, before);
}

static uint64_t act_now_ms(void *self)
{
	(void)self;
	return clock_mono_ns() / 1000000;
}

static const struct process_actions actions = {
	.spawn = act_spawn,
	.drain = act_drain,
	.kill = act_kill,
	.arm = act_arm,
	.changed = act_changed,
	.now_ms = act_now_ms,
};

static void on_timer(void *self)
{
	struct child *c = self;

	if (c->process.state == PROCESS_UP && clock_mono_ns() - c->all->turned_ns > OWN_PAUSE_NS)
		process_tick(&c->process);
	else
		process_happen(&c->process, PROCESS_TIMEOUT);
}

static int child_init(struct child *c, struct children *all, const struct service *s)
{
	int r = loop_timer_new(all->base, on_timer, c, &c->timer);

	c->all = all;
	c->service = s;
	c->since_us = clock_real_us();
	process_init(&c->process, &actions, &all->limits[s - services], c);
	return r;
}

int children_init(struct children *all, const bool selected[SERVICE_MAX])
{
	size_t total = 0;

	all->turned_ns = clock_mono_ns();
	children_settings(all, all->settings);
	for (unsigned k = 0; k < SERVICE_MAX; k++)
		if (selected[k])
			total += services[k].instances(all->settings);
	if (total == 0)
		return -EINVAL;
	all->list = calloc(total, sizeof(*all->list));
	if (!all->list)
		return -ENOMEM;
	for (unsigned k = 0; k < SERVICE_MAX; k++) {
		uint32_t n = selected[k] ? services[k].instances(all->settings) : 0;

		for (uint32_t i = 0; i < n; i++) {
			struct child *c = &all->list[all->count];

			c->instance = i;
			c->instances = n;
			if (child_init(c, all, &services[k]) < 0)
				return -ENOMEM;
			all->count++;
		}
	}
	return 0;
}

void children_done(struct children *all)
{
	for (size_t i = 0; i < all->count; i++) {
		channel_free(all->list[i].channel);
		loop_timer_free(all->list[i].timer);
	}
	free(all->list);
	all->list = NULL;
	all->count = 0;
}

void children_settings(struct children *all, const struct settings *s)
{
	all->settings = s;
	for (unsigned k = 0; k < SERVICE_MAX; k++) {
		uint64_t drain = services[k].listeners ? s->stop.drain_seconds : 0;

		all->limits[k] = (struct process_limits){
			.ready_ms = s->supervise.ready_seconds * UINT64_C(1000),
			.hang_ms = s->supervise.hang_seconds * UINT64_C(1000),
			.stop_ms = (drain + s->stop.timeout_seconds) * 1000,
		};
	}
}

static void all_happen(struct children *all, enum process_event e)
{
	for (size_t i = 0; i < all->count; i++)
		process_happen(&all->list[i].process, e);
}

void children_start(struct children *all)
{
	all_happen(all, PROCESS_START);
}

void children_stop(struct children *all)
{
	all_happen(all, PROCESS_STOP);
}

void children_press(struct children *all)
{
	all_happen(all, PROCESS_TIMEOUT);
}

static void tell_exit(const struct child *c, int status)
{
	bool expected = c->process.state == PROCESS_STOPPING;
	const char *how = WIFSIGNALED(status) ? "signal" : "status";
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);

	if (expected && number == 0)
		log_debug("%s %u (pid %d) has left", c->service->name, c->instance, (int)c->pid);
	else
		log_warning(0, "%s %u (pid %d) ended by %s %d", c->service->name, c->instance,
		            (int)c->pid, how, number);
}

bool children_reaped(struct children *all, pid_t pid, int status)
{
	for (size_t i = 0; i < all->count; i++) {
		struct child *c = &all->list[i];

		if (c->pid != pid)
			continue;
		tell_exit(c, status);
		c->last_status = (uint32_t)status;
		all->hooks->gone(c);
		channel_free(c->channel);
		c->channel = NULL;
		c->pid = 0;
		process_happen(&c->process, PROCESS_EXIT);
		return true;
	}
	return false;
}

void children_turn(struct children *all)
{
	uint64_t now = clock_mono_ns();

	if (now - all->turned_ns > OWN_PAUSE_NS)
		for (size_t i = 0; i < all->count; i++)
			process_tick(&all->list[i].process);
	all->turned_ns = now;
}

bool children_all_in(const struct children *all, enum process_state s)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].process.state != s)
			return false;
	return true;
}

void children_send(struct children *all, bool (*to)(const struct service *s),
                   enum message_type type, const void *payload, int fd)
{
	for (size_t i = 0; i < all->count; i++) {
		struct child *c = &all->list[i];
		int r;

		if (!c->channel || !to(c->service))
			continue;
		r = channel_send(c->channel, type, 0, payload, fd);
		/* One that missed a message would be wrong for ever; one that starts anew is not.
		 */
		if (r < 0 && r != -EPIPE)
			child_refuse(c, r, "could not be told what all are told");
	}
}

struct child *children_find(struct children *all, enum service_kind kind)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].service == &services[kind])
			return &all->list[i];
	return NULL;
}

void child_refuse(struct child *c, int r, const char *what)
{
	log_error(r, "%s %u (pid %d) %s", c->service->name, c->instance, (int)c->pid, what);
	if (c->pid > 0)
		kill(c->pid, SIGKILL);
}
