/*
 * The one main() of all children. It exists so that each daemon is a table of functions and cannot
 * get the order of its birth and death wrong: channel, settings, log, loop, signals, start, jail,
 * READY, ticks; and at the end drain, stop.
 *
 * Invariant: a child lives no longer than its supervisor. When fd 3 ends it drains at once and
 * leaves, at the latest after stop.timeout_seconds.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/option.h"
#include "daemon/build_id.h"
#include "daemon/introduction.h"
#include "daemon/jail.h"
#include "daemon/loop.h"
#include "daemon/scoreboard.h"
#include "daemon/sealed_settings.h"

#define TICK_MS 1000

struct daemon_running {
	struct daemon *d;
	struct settings *settings; /* d->settings */
	struct settings *next;     /* checked, not yet applied */
	struct channel_handler *handlers;
	struct loop_timer *tick, *last_call;
	struct loop_signal *term;
	uint64_t ticks;
	int status;
	bool started; /* start() was called: stop() has something to look at */
	bool draining;
};

const char *daemon_build_id(void)
{
	return BUILD_ID;
}

void daemon_leave(struct daemon *d, int status)
{
	d->running->status = status;
	loop_break(d->base);
}

static void begin_drain(struct daemon_running *run, uint32_t seconds)
{
	struct daemon *d = run->d;

	if (run->draining)
		return;
	run->draining = true;
	loop_timer_arm(run->last_call,
	               (seconds + (uint64_t)d->settings->stop.timeout_seconds) * 1000);
	if (d->drain)
		d->drain(d, seconds);
	else
		daemon_leave(d, 0);
}

static void on_last_call(void *self)
{
	struct daemon_running *run = self;

	log_warning(0, "work is left after the time for draining");
	daemon_leave(run->d, 0);
}

/* The first one is a polite way for a person to have one worker replaced. */
static void on_term(void *self)
{
	struct daemon_running *run = self;

	if (run->draining)
		daemon_leave(run->d, 0);
	else
		begin_drain(run, 0);
}

static void on_drain(void *self, struct message *m)
{
	const struct msg_drain *drain = m->payload;

	begin_drain(self, drain->seconds);
}

static void on_end(struct channel *c, void *self, int reason)
{
	struct daemon_running *run = self;

	(void)c;
	if (reason == 0)
		log_info("fraudd is gone, leaving");
	else
		log_error(reason, "the channel to fraudd is broken, leaving");
	begin_drain(run, 0);
}

static int check_settings(struct daemon_running *run, const struct message *m, struct errbuf *err)
{
	const struct msg_settings *s = m->payload;
	struct settings *next = NULL;
	int r = sealed_settings_read(m->fd, s->size, &next, err);

	if (r == 0 && run->d->check)
		r = run->d->check(run->d, next, err);
	if (r < 0) {
		settings_free(next);
		return r;
	}
	settings_free(run->next);
	run->next = next;
	return 0;
}

static void on_settings_check(void *self, struct message *m)
{
	struct daemon_running *run = self;
	struct msg_settings_checked answer = { 0 };
	struct errbuf err = { "" };

	answer.result = check_settings(run, m, &err);
	if (answer.result < 0)
		memcpy(answer.words, err.text, sizeof(err.text));
	channel_send(run->d->channel, MSG_SETTINGS_CHECKED, m->id, &answer, -1);
}

void daemon_log_settings(const struct settings *s)
{
	static const char *const names[LOG_LEVEL_MAX] = { "error", "warning", "info", "debug" };

	for (unsigned i = 0; i < LOG_LEVEL_MAX; i++)
		if (strcmp(s->log.level, names[i]) == 0)
			log_set_level((enum log_level)i);
}

static void on_settings_apply(void *self, struct message *m)
{
	struct daemon_running *run = self;
	struct daemon *d = run->d;
	struct settings *old = run->settings;

	(void)m;
	if (!run->next) {
		log_error(-EPROTO, "asked to apply settings that were not checked");
		daemon_leave(d, EXIT_FAILURE);
		return;
	}
	if (d->apply)
		d->apply(d, run->next);
	run->settings = run->next;
	run->next = NULL;
	d->settings = run->settings;
	daemon_log_settings(d->settings);
	settings_free(old);
}

/* The daemon's own messages come here first, because a channel has one self and ours is not its. */
static void on_own_message(void *self, struct message *m)
{
	struct daemon_running *run = self;
	const struct channel_handler *h = run->d->handlers;

	while (h->type != m->type)
		h++;
	h->handler(run->d->self, m);
}

static const struct channel_handler common[] = {
	{ MSG_DRAIN, on_drain },
	{ MSG_SETTINGS_CHECK, on_settings_check },
	{ MSG_SETTINGS_APPLY, on_settings_apply },
};
#define COMMON_COUNT (sizeof(common) / sizeof(common[0]))

static int open_channel(struct daemon_running *run)
{
	const struct channel_handler *own = run->d->handlers;
	struct channel_options o = { .on_end = on_end, .self = run };
	size_t n = 0;

	while (own && own[n].handler)
		n++;
	run->handlers = calloc(n + COMMON_COUNT + 1, sizeof(*run->handlers));
	if (!run->handlers)
		return -ENOMEM;
	memcpy(run->handlers, common, sizeof(common));
	for (size_t i = 0; i < n; i++)
		run->handlers[COMMON_COUNT + i] =
		        (struct channel_handler){ own[i].type, on_own_message };
	o.handlers = run->handlers;
	return channel_new(run->d->base, DAEMON_CHANNEL_FD, &o, &run->d->channel);
}

/* Only a worker has a slot, and only once it took it: others may have the same instance number. */
static void beat(const struct daemon *d)
{
	struct scoreboard_slot *slot;

	if (d->instance >= d->scoreboard->head.slot_count)
		return;
	slot = &d->scoreboard->slots[d->instance];
	if (atomic_load_explicit(&slot->pid, memory_order_relaxed) != (int32_t)getpid())
		return;
	atomic_store_explicit(&slot->beat_ns, clock_mono_ns(), memory_order_release);
}

static void on_tick(void *self)
{
	struct daemon_running *run = self;
	struct msg_tick tick = { .sequence = run->ticks++ };

	loop_timer_arm(run->tick, TICK_MS);
	beat(run->d);
	log_flush();
	channel_send(run->d->channel, MSG_TICK, 0, &tick, -1);
}

static int prepare(struct daemon_running *run)
{
	struct daemon *d = run->d;
	int r = loop_new(&d->base);

	if (r == 0)
		r = loop_timer_new(d->base, on_tick, run, &run->tick);
	if (r == 0)
		r = loop_timer_new(d->base, on_last_call, run, &run->last_call);
	if (r == 0)
		r = loop_signal_new(d->base, SIGTERM, on_term, run, &run->term);
	if (r == 0)
		r = open_channel(run);
	return r < 0 ? log_error(r, "could not set up the loop") : 0;
}

static int say_ready(const struct daemon *d)
{
	struct msg_ready ready = { 0 };
	int r;

	memcpy(ready.build_id, BUILD_ID, sizeof(BUILD_ID));
	r = channel_send(d->channel, MSG_READY, 0, &ready, -1);
	return r < 0 ? log_error(r, "could not tell fraudd that all is ready") : 0;
}

/* Signals that are the supervisor's business: a terminal sends them to the whole group. */
static void ignore_signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
}

static int meet_supervisor(struct daemon_running *run)
{
	struct daemon *d = run->d;
	struct introduction in;
	struct errbuf err = { "" };
	int r = introduction_receive(DAEMON_CHANNEL_FD, &in, &err);

	if (r < 0)
		return log_error(r, "%s", err.text);
	run->settings = in.settings;
	d->settings = in.settings;
	d->instance = in.instance;
	d->instances = in.instances;
	d->scoreboard = in.scoreboard;
	memcpy(d->listeners, in.listeners, sizeof(d->listeners));
	d->listener_count = in.listener_count;
	return 0;
}

static int live(struct daemon_running *run)
{
	struct daemon *d = run->d;
	int r = meet_supervisor(run);

	if (r < 0)
		return r;
	daemon_log_settings(d->settings);
	log_set_nonblocking(d->settings->log.buffer_kib * (size_t)1024);
	r = jail_child_defaults(d->settings);
	if (r < 0)
		return log_error(r, "could not give up privileges");
	r = prepare(run);
	run->started = r == 0;
	if (r == 0 && d->start)
		r = d->start(d);
	if (r == 0)
		r = say_ready(d);
	if (r < 0)
		return r;
	on_tick(run);
	return loop_run(d->base);
}

static void done(struct daemon_running *run)
{
	struct daemon *d = run->d;
	struct introduction in = { .settings = run->settings, .scoreboard = d->scoreboard };

	if (run->started && d->stop)
		d->stop(d);
	channel_free(d->channel);
	loop_timer_free(run->tick);
	loop_timer_free(run->last_call);
	loop_signal_free(run->term);
	loop_free(d->base);
	memcpy(in.listeners, d->listeners, sizeof(in.listeners));
	introduction_done(&in);
	settings_free(run->next);
	free(run->handlers);
	log_flush();
}

/* Somebody typed the name of a program that only fraudd starts. */
static int explain(const struct daemon *d, int argc, char **argv)
{
	char program[64];
	struct option_command c = {
		.program = program,
		.synopsis = "[--help] [--version]",
		.about = "One of the processes of fraudd, which starts it. See fraudd(8).",
	};
	int r;

	snprintf(program, sizeof(program), "fraud-%s", d->name);
	r = option_parse(&c, argc, argv);
	if (r == OPTION_ANSWERED)
		return EXIT_SUCCESS;
	if (r >= 0)
		fprintf(stderr, "%s is started by fraudd: run \"fraudd\" instead\n", program);
	return 2;
}

int daemon_run(struct daemon *d, int argc, char **argv)
{
	struct daemon_running run = { .d = d };

	if (!introduction_is_channel(DAEMON_CHANNEL_FD))
		return explain(d, argc, argv);
	d->running = &run;
	for (unsigned i = 0; i < SETTINGS_MAX_LISTENERS; i++)
		d->listeners[i] = -1;
	ignore_signals();
	log_open(d->name, LOG_LEVEL_INFO);
	if (live(&run) < 0)
		run.status = EXIT_FAILURE;
	done(&run);
	d->running = NULL;
	return run.status;
}
