/*
 * The switchboard: a message of a child, checked, goes to the part of the supervisor that it
 * concerns. A service's table holds what it may say; whatever else it says is a bug of ours, and
 * the channel ends it. Here is also the one place that logs what becomes of children.
 */
#include "router.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"

static struct router *router_of(const struct child *c)
{
	return c->all->self;
}

static void look(const struct child *c)
{
	struct router *router = router_of(c);

	model_settle(router->model);
	reload_look(router->reload);
	router->changed(router->self);
}

static void on_ready(void *self, struct message *m)
{
	const struct msg_ready *ready = m->payload;
	struct child *c = self;

	if (!message_text(ready->build_id, sizeof(ready->build_id)) ||
	    strcmp(ready->build_id, daemon_build_id()) != 0)
		child_refuse(c, -ENOEXEC, "is of another build than fraudd");
	else
		process_happen(&c->process, PROCESS_READY);
}

static void on_tick(void *self, struct message *m)
{
	struct child *c = self;

	(void)m;
	c->ticked_ns = clock_mono_ns();
	process_tick(&c->process);
}

static void on_settings_checked(void *self, struct message *m)
{
	const struct msg_settings_checked *checked = m->payload;
	struct child *c = self;

	if (message_text(checked->words, sizeof(checked->words)))
		reload_checked(router_of(c)->reload, c, m->id, checked);
	else
		child_refuse(c, -EBADMSG, "checked settings and gave no text");
}

static void on_model_publish(void *self, struct message *m)
{
	struct child *c = self;
	struct errbuf err = { "" };
	int r = model_publish(router_of(c)->model, m, &err);

	if (r < 0)
		log_error(0, "the loader's model is refused: %s", err.text);
	else
		look(c);
}

static void on_model_in_use(void *self, struct message *m)
{
	struct child *c = self;

	model_used(router_of(c)->model, c, m->payload);
	look(c);
}

static void on_registry_state(void *self, struct message *m)
{
	struct child *c = self;
	int r = model_registry(router_of(c)->model, m->payload);

	if (r < 0)
		child_refuse(c, r, "told a state of the registry that is no text");
	else
		look(c);
}

static void on_reload_wanted(void *self, struct message *m)
{
	struct child *c = self;

	reload_ask(router_of(c)->reload, m->payload, c->channel, m->id);
}

static void on_reload_loaded(void *self, struct message *m)
{
	const struct msg_reload_done *done = m->payload;
	struct child *c = self;

	if (done->outcome < RELOAD_OUTCOME_MAX &&
	    message_text(done->version, sizeof(done->version)) &&
	    message_text(done->registry_version, sizeof(done->registry_version)) &&
	    message_text(done->words, sizeof(done->words)))
		reload_loaded(router_of(c)->reload, m->id, done);
	else
		child_refuse(c, -EBADMSG, "answered a reload with no text");
}

static const struct channel_handler front_handlers[] = {
	{ MSG_READY, on_ready },
	{ MSG_TICK, on_tick },
	{ MSG_SETTINGS_CHECKED, on_settings_checked },
	{ MSG_MODEL_IN_USE, on_model_in_use },
	{ MSG_RELOAD_WANTED, on_reload_wanted },
	{ .handler = NULL },
};

static const struct channel_handler loader_handlers[] = {
	{ MSG_READY, on_ready },
	{ MSG_TICK, on_tick },
	{ MSG_SETTINGS_CHECKED, on_settings_checked },
	{ MSG_MODEL_PUBLISH, on_model_publish },
	{ MSG_REGISTRY_STATE, on_registry_state },
	{ MSG_RELOAD_LOADED, on_reload_loaded },
	{ .handler = NULL },
};

static const struct channel_handler *const handlers[SERVICE_MAX] = {
	[SERVICE_FRONT] = front_handlers,
	[SERVICE_LOADER] = loader_handlers,
	/* The scheduler uses models and asks for reloads, as a worker does. */
	[SERVICE_SCHEDULER] = front_handlers,
};

static const struct channel_handler *handlers_of(const struct service *s)
{
	return handlers[s - services];
}

static void introduced(struct child *c)
{
	model_introduce(router_of(c)->model, c);
	reload_introduce(router_of(c)->reload, c);
}

static void changed(struct child *c, enum process_state before)
{
	const char *name = c->service->name;

	if (c->process.state == PROCESS_UP)
		log_info("%s %u is up (pid %d)", name, c->instance, (int)c->pid);
	else if (c->process.state == PROCESS_BACKOFF)
		log_warning(0, "%s %u will be started again in %llu ms", name, c->instance,
		            (unsigned long long)c->process.backoff_ms);
	else
		log_debug("%s %u: %s, was %s", name, c->instance,
		          process_state_name(c->process.state), process_state_name(before));
	look(c);
}

static void gone(struct child *c)
{
	reload_forget(router_of(c)->reload, c->channel);
}

const struct child_hooks router_hooks = {
	.handlers = handlers_of,
	.introduced = introduced,
	.changed = changed,
	.gone = gone,
};
