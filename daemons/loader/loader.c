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

void loader_text(char *ret, size_t room, const char *text)
{
	size_t n = str_utf8_cut(str_of(text), room - 1);

	memset(ret, 0, room);
	memcpy(ret, text, n);
}

static void on_confirm_late(void *self)
{
	publish_kept(self, MODEL_FROM_LAST_KNOWN_GOOD);
}

static void on_first_turn(void *self)
{
	struct loader *l = self;

	loop_timer_free(l->start_timer);
	l->start_timer = NULL;
	if (l->kept_fd >= 0 &&
	    loop_timer_new(l->daemon->base, on_confirm_late, l, &l->start_timer) == 0)
		loop_timer_arm(l->start_timer, CONFIRM_MS);
	if (l->load.step != LOAD_IDLE)
		return; /* asked already */
	load_begin(l, l->kept_fd < 0 && *l->kept.version && l->live.generation == 0 ? LOAD_KEPT
	                                                                            : LOAD_START);
}

static void open_kept(struct loader *l)
{
	struct errbuf err = { "" };
	int r = kept_open(l->daemon->settings->state_dir, &l->kept, &l->kept_fd, &err);

	if (r < 0 && r != -ENOENT)
		log_warning(0, "the kept version \"%s\" %s: %s", l->kept.version,
		            *l->kept.version ? "will be compiled again" : "is of no use", err.text);
}

static void on_keeper_idle(void *self)
{
	loader_settle(self);
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
	r = poll_start(l);
	if (r == 0)
		r = loop_timer_new(d->base, on_first_turn, l, &l->start_timer);
	if (r < 0)
		return log_error(r, "could not set up the timers");
	loop_timer_arm(l->start_timer, FIRST_TURN_MS);
	return 0;
}

static void take_next_registry(struct loader *l)
{
	if (!l->next_registry)
		return;
	registry_free(l->registry);
	l->registry = take_ptr(&l->next_registry);
	loader_text(l->told.kind, sizeof(l->told.kind), registry_kind(l->registry));
}

void loader_settle(struct loader *l)
{
	if (l->load.step != LOAD_IDLE)
		return;
	take_next_registry(l);
	if (l->draining && !keeper_is_busy(&l->keeper))
		daemon_leave(l->daemon, 0);
}

/* A copy that is being made is finished: it may be all that the next start has. */
void loader_drain(struct daemon *d, uint32_t seconds)
{
	struct loader *l = d->self;

	(void)seconds;
	l->draining = true;
	load_stop(l);
	loader_settle(l);
}

void loader_stop(struct daemon *d)
{
	struct loader *l = d->self;

	keeper_stop(&l->keeper);
	poll_stop(l);
	loop_timer_free(l->start_timer);
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
	if (l->load.step == LOAD_IDLE)
		take_next_registry(l);
}

static void on_load(void *self, struct message *m)
{
	load_ask(self, m->payload, m->id);
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
