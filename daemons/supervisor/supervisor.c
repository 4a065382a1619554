/*
 * The suite as one object: puts the parts together, listens to signals, and says to the service
 * manager what it wants to know. What happens to a child is process.c's, who gets which message
 * router.c's, what a reload is reload.c's.
 *
 * Stopping: children are asked to leave, /readyz says 503 for stop.drain_seconds, then our copies
 * of the listening sockets close; when the last child is gone the loop ends. A second signal
 * shortens it.
 */
#include "supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "control_server.h"
#include "daemon/daemon.h"
#include "daemon/jail.h"
#include "daemon/loop.h"
#include "daemon/scoreboard.h"
#include "report.h"
#include "router.h"
#include "runtime.h"

#define TURN_MS 1000

enum { ON_HANGUP, ON_TERMINATE, ON_INTERRUPT, ON_CHILD, SIGNALS };

struct supervisor {
	struct settings_sources sources;
	struct settings *settings;
	struct event_base *base;
	struct report report;
	struct listeners listeners;
	struct children children;
	struct model model;
	struct reload reload;
	struct router router;
	struct control_server *control;
	struct loop_signal *signals[SIGNALS];
	struct loop_timer *turn, *close_listeners;
	int lock_fd, scoreboard_fd;
	bool stopping;
};

/* The router calls it after anything that the state of the whole suite depends on. */
static void on_changed(void *self)
{
	struct supervisor *s = self;

	if (!s->stopping)
		report_look(&s->report);
	else if (children_all_in(&s->children, PROCESS_DOWN))
		loop_break(s->base);
}

/* --- reload --- */

static void on_settings_error(void *self, const char *text)
{
	struct strbuf *words = self;

	log_error(0, "%s", text);
	strbuf_addf(words, "%s%s", words->n ? "; " : "", text);
}

static int read_settings(void *self, struct settings **ret, struct strbuf *words)
{
	struct supervisor *s = self;

	return settings_load(&s->sources, on_settings_error, words, ret);
}

static void apply_settings(void *self, struct settings *next)
{
	struct supervisor *s = self;
	struct settings *old = s->settings;

	s->settings = next;
	children_settings(&s->children, next);
	daemon_log_settings(next);
	settings_free(old);
}

static void reload_begun(void *self, const struct msg_reload *wish)
{
	struct supervisor *s = self;

	if (wish->flags & RELOAD_SETTINGS)
		report_reloading(&s->report);
}

static void reload_ended(void *self, const struct msg_reload *wish,
                         const struct msg_reload_done *done)
{
	static const char *const outcomes[RELOAD_OUTCOME_MAX] = {
		[RELOAD_DONE_RELOADED] = "reloaded",   [RELOAD_DONE_UNCHANGED] = "unchanged",
		[RELOAD_DONE_VERIFIED] = "verified",   [RELOAD_DONE_REFUSED] = "refused",
		[RELOAD_DONE_TIMEOUT] = "not in time", [RELOAD_DONE_BAD_SETTINGS] = "bad settings",
	};
	struct supervisor *s = self;
	bool good = done->outcome <= RELOAD_DONE_VERIFIED;

	if (good)
		log_info("reload: %s, version \"%s\", generation %" PRIu64 "%s%s",
		         outcomes[done->outcome], done->version, done->generation,
		         done->words[0] ? ": " : "", done->words);
	else
		log_error(0, "reload: %s: %s", outcomes[done->outcome], done->words);
	if (wish->flags & RELOAD_SETTINGS)
		report_reloaded(&s->report);
}

static const struct reload_hooks reload_hooks = {
	.read = read_settings,
	.apply = apply_settings,
	.begun = reload_begun,
	.ended = reload_ended,
};

/* --- signals and time --- */

static void on_hangup(void *self)
{
	struct supervisor *s = self;
	struct msg_reload wish = { .wish = RELOAD_ALIAS, .flags = RELOAD_SETTINGS };

	if (!s->stopping)
		reload_ask(&s->reload, &wish, NULL, 0);
}

static void on_close_listeners(void *self)
{
	struct supervisor *s = self;

	listeners_close(&s->listeners);
}

static void on_stop(void *self)
{
	struct supervisor *s = self;

	if (s->stopping) {
		log_info("stopping at once");
		children_press(&s->children);
		return;
	}
	log_info("stopping");
	s->stopping = true;
	report_stopping(&s->report);
	loop_timer_arm(s->close_listeners, s->settings->stop.drain_seconds * UINT64_C(1000));
	children_stop(&s->children);
	on_changed(s);
}

/* All of them: as process 1 of a container we inherit orphans too. */
static void on_child(void *self)
{
	struct supervisor *s = self;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!children_reaped(&s->children, pid, status))
			log_debug("reaped process %d, which is none of ours", (int)pid);
}

static void on_turn(void *self)
{
	struct supervisor *s = self;

	loop_timer_arm(s->turn, TURN_MS);
	children_turn(&s->children);
	report_turn(&s->report, s->stopping);
	log_flush();
}

/* --- birth and death --- */

static int open_signals(struct supervisor *s)
{
	static const struct {
		int number;
		loop_fn *fn;
	} wanted[SIGNALS] = {
		[ON_HANGUP] = { SIGHUP, on_hangup },
		[ON_TERMINATE] = { SIGTERM, on_stop },
		[ON_INTERRUPT] = { SIGINT, on_stop },
		[ON_CHILD] = { SIGCHLD, on_child },
	};
	int r = 0;

	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < SIGNALS && r == 0; i++)
		r = loop_signal_new(s->base, wanted[i].number, wanted[i].fn, s, &s->signals[i]);
	if (r == 0)
		r = loop_timer_new(s->base, on_turn, s, &s->turn);
	if (r == 0)
		r = loop_timer_new(s->base, on_close_listeners, s, &s->close_listeners);
	return r < 0 ? log_error(r, "could not set up the loop") : 0;
}

static int open_children(struct supervisor *s, const bool selected[SERVICE_MAX])
{
	uint32_t slots =
	        selected[SERVICE_FRONT] ? services[SERVICE_FRONT].instances(s->settings) : 1;
	int r = scoreboard_create(slots, &s->scoreboard_fd);

	if (r < 0)
		return log_error(r, "could not make the scoreboard");
	s->router = (struct router){ &s->model, &s->reload, on_changed, s };
	s->children = (struct children){
		.base = s->base,
		.settings = s->settings,
		.listeners = &s->listeners,
		.scoreboard_fd = s->scoreboard_fd,
		.scoreboard_size = scoreboard_size(slots),
		.hooks = &router_hooks,
		.self = &s->router,
	};
	r = children_init(&s->children, selected);
	return r < 0 ? log_error(r, "could not set up the children") : 0;
}

static int open_control(struct supervisor *s)
{
	struct control_options o = {
		.base = s->base,
		.runtime_dir = s->settings->runtime_dir,
		.model = &s->model,
		.reload = &s->reload,
		.started_at_us = clock_real_us(),
	};
	struct errbuf err = { "" };
	int r = control_server_new(&o, &s->control, &err);

	return r < 0 ? log_error(0, "%s", err.text), r : 0;
}

/* What needs the host: its folder, its addresses. */
static int claim(struct supervisor *s, const struct supervisor_options *o)
{
	struct errbuf err = { "" };
	int r = runtime_lock(s->settings->runtime_dir, &s->lock_fd, &err);

	if (r == 0 && o->selected[SERVICE_FRONT])
		r = listeners_open(&s->listeners, s->settings, o->given, o->given_count, &err);
	if (r < 0)
		log_error(0, "%s", err.text);
	return r;
}

static int open_all(struct supervisor *s, const struct supervisor_options *o)
{
	int r = report_open(&s->report);

	if (r < 0)
		return log_error(r, "could not reach the service manager by NOTIFY_SOCKET");
	r = claim(s, o);
	if (r == 0 && (r = loop_new(&s->base)) < 0)
		log_error(r, "could not make the loop");
	if (r == 0)
		r = open_signals(s);
	if (r == 0)
		r = open_children(s, o->selected);
	if (r < 0)
		return r;
	model_init(&s->model, &s->children, &s->report.notify);
	model_restore(&s->model, o->given, o->given_count);
	r = reload_init(&s->reload, &s->children, &s->model, &reload_hooks, s);
	if (r == 0)
		r = open_control(s);
	return r;
}

static void close_rest(const struct supervisor_options *o)
{
	for (size_t i = 0; i < o->given_count; i++) {
		if (o->given[i].fd < 0)
			continue;
		log_warning(0,
		            "the service manager gave a descriptor \"%s\" that nothing here wants",
		            o->given[i].name);
		close(o->given[i].fd);
		o->given[i].fd = -1;
	}
}

static void done(struct supervisor *s)
{
	control_server_free(s->control);
	reload_done(&s->reload);
	children_done(&s->children);
	model_done(&s->model);
	for (unsigned i = 0; i < SIGNALS; i++)
		loop_signal_free(s->signals[i]);
	loop_timer_free(s->turn);
	loop_timer_free(s->close_listeners);
	loop_free(s->base);
	listeners_close(&s->listeners);
	report_done(&s->report);
	close_p(&s->scoreboard_fd);
	close_p(&s->lock_fd);
	settings_free(s->settings);
	log_flush();
}

int supervisor_run(const struct supervisor_options *o)
{
	struct supervisor s = {
		.sources = o->sources,
		.settings = o->settings,
		.report = { .notify = { .fd = -1 } },
		.model = { .fd = -1 },
		.lock_fd = -1,
		.scoreboard_fd = -1,
	};
	int r;

	s.report.children = &s.children;
	s.report.model = &s.model;
	daemon_log_settings(s.settings);
	r = open_all(&s, o);
	if (r == 0 && (r = jail_child_defaults(s.settings)) < 0)
		log_error(r, "could not give up privileges");
	if (r == 0) {
		close_rest(o);
		log_set_nonblocking(s.settings->log.buffer_kib * (size_t)1024);
		runtime_raise_descriptors();
		children_start(&s.children);
		on_turn(&s);
		r = loop_run(s.base);
	}
	if (r == 0)
		log_info("stopped");
	done(&s);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
