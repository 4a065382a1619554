/*
 * The loader's life: start from what was kept, then follow the registry. READY does not wait for a
 * model; the kept image is read before it, because that is all a host needs to serve.
 *
 * What is served survives this process: the supervisor holds it, and tells a new loader of it, so a
 * loader that is replaced changes nothing.
 */
#include "loader.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "config/settings.h"
#include "daemon/loop.h"
#include "kept.h"

/* The first turn of the loop reads what the supervisor has said already; then the registry has a
 * moment to confirm the kept version before it goes out without. */
#define FIRST_TURN_MS 1
#define CONFIRM_MS 30

static void take_next_registry(struct loader *l)
{
	if (!l->next_registry)
		return;
	registry_free(l->registry);
	l->registry = take_ptr(&l->next_registry);
	loader_text(l->told.kind, sizeof(l->told.kind), registry_kind(l->registry));
}

static void begin_ask(struct loader *l)
{
	struct msg_reload wish = l->asks[0].wish;
	uint64_t id = l->asks[0].id;

	l->ask_count--;
	memmove(l->asks, l->asks + 1, l->ask_count * sizeof(l->asks[0]));
	load_begin_ask(l, &wish, id);
}

static bool take_due(bool *due)
{
	bool was = *due;

	*due = false;
	return was;
}

/* Whatever is to be done next, in the order of its weight. */
static void on_next(void *self)
{
	struct loader *l = self;

	if (l->load.step != LOAD_IDLE)
		return;
	take_next_registry(l);
	if (l->draining) {
		/* A copy that is being made may be all that the next start has. */
		if (!keeper_is_busy(&l->keeper))
			daemon_leave(l->daemon, 0);
	} else if (take_due(&l->kept_due)) {
		load_begin(l, LOAD_KEPT);
	} else if (take_due(&l->start_due)) {
		load_begin(l, LOAD_START);
	} else if (l->ask_count > 0) {
		begin_ask(l);
	} else if (take_due(&l->poll_due)) {
		load_begin(l, LOAD_POLL);
	}
}

static void on_keeper_idle(void *self)
{
	struct loader *l = self;

	loop_timer_arm(l->next_timer, 0);
}

static void on_confirm_late(void *self)
{
	publish_kept(self, MODEL_FROM_LAST_KNOWN_GOOD);
}

static void open_kept(struct loader *l)
{
	struct errbuf err = { "" };
	int r = kept_open(l->daemon->settings->state_dir, &l->kept, &l->kept_fd, &err);

	if (r < 0 && r != -ENOENT)
		log_warning(0, "the kept version \"%s\" %s: %s", l->kept.version,
		            *l->kept.version ? "will be compiled again" : "is of no use", err.text);
}

static int make_timers(struct loader *l)
{
	struct event_base *base = l->daemon->base;
	int r = loop_timer_new(base, on_next, l, &l->next_timer);

	if (r == 0)
		r = loop_timer_new(base, on_confirm_late, l, &l->confirm_timer);
	return r == 0 ? poll_start(l) : r;
}

int loader_start(struct daemon *d)
{
	struct loader *l = d->self;
	struct errbuf err = { "" };
	int r;

	*l = (struct loader){
		.daemon = d, .live_fd = -1, .kept_fd = -1, .load = { .folder = { .fd = -1 } }
	};
	keeper_init(&l->keeper, d->base, on_keeper_idle, l);
	r = registry_new(d->base, d->settings, &l->registry, &err);
	if (r < 0) {
		log_error(0, "%s", err.text);
		return r;
	}
	loader_text(l->told.kind, sizeof(l->told.kind), registry_kind(l->registry));
	loader_text(l->told.alias, sizeof(l->told.alias), d->settings->models.alias);
	open_kept(l);
	r = make_timers(l);
	if (r < 0)
		return log_error(r, "could not set up the timers");
	l->start_due = true;
	l->kept_due = *l->kept.version && l->kept_fd < 0;
	loop_timer_arm(l->next_timer, FIRST_TURN_MS);
	loop_timer_arm(l->confirm_timer, FIRST_TURN_MS + CONFIRM_MS);
	return 0;
}

void loader_drain(struct daemon *d, uint32_t seconds)
{
	struct loader *l = d->self;

	(void)seconds;
	l->draining = true;
	load_stop(l);
	loop_timer_arm(l->next_timer, 0);
}

void loader_stop(struct daemon *d)
{
	struct loader *l = d->self;

	keeper_stop(&l->keeper);
	compiler_abandon(l->load.compiler);
	loop_timer_free(l->poll_timer);
	loop_timer_free(l->confirm_timer);
	loop_timer_free(l->next_timer);
	registry_folder_done(&l->load.folder);
	registry_free(l->registry);
	registry_free(l->next_registry);
	registry_free(l->checked_registry);
	close_p(&l->live_fd);
	close_p(&l->kept_fd);
}

int loader_check(struct daemon *d, const struct settings *next, struct errbuf *err)
{
	struct loader *l = d->self;
	struct registry *registry;
	int r = registry_new(d->base, next, &registry, err);

	if (r < 0)
		return r;
	registry_free(l->checked_registry);
	l->checked_registry = registry;
	return 0;
}

void loader_apply(struct daemon *d, const struct settings *next)
{
	struct loader *l = d->self;

	loader_text(l->told.alias, sizeof(l->told.alias), next->models.alias);
	registry_free(l->next_registry);
	l->next_registry = take_ptr(&l->checked_registry);
	poll_arm(l, next);
	/* A load that runs ends with the registry that it began with. */
	loop_timer_arm(l->next_timer, 0);
}

static void on_load(void *self, struct message *m)
{
	outcome_queue(self, m->payload, m->id);
}

static void on_model_use(void *self, struct message *m)
{
	publish_adopt(self, m->payload, &m->fd);
}

const struct channel_handler loader_handlers[] = {
	{ MSG_RELOAD_LOAD, on_load },
	{ MSG_MODEL_USE, on_model_use },
	{ .handler = NULL },
};
