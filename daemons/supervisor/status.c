/*
 * The state of the suite as messages. Everything that an operator asks for is gathered here from
 * the structs that hold it, so that nothing is kept twice. Called by the control server.
 */
#include "status.h"

#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"

static void fill_child(const struct child *c, struct msg_status_child *ret)
{
	*ret = (struct msg_status_child){
		.pid = (int32_t)c->pid,
		.instance = c->instance,
		.restarts = c->process.spawn_count ? c->process.spawn_count - 1 : 0,
		.last_status = c->last_status,
		.since_us = c->since_us,
	};
	snprintf(ret->service, sizeof(ret->service), "%s", c->service->name);
	snprintf(ret->state, sizeof(ret->state), "%s", process_state_name(c->process.state));
}

static void fill(const struct reload *reload, int64_t started_at_us, struct msg_status *ret)
{
	const struct model *m = reload->model;
	struct model_workers w = model_workers(m);

	*ret = (struct msg_status){
		.started_at_us = started_at_us,
		.generation = m->info.generation,
		.children = (uint32_t)m->children->count,
		.workers = w.up,
		.workers_current = w.current,
		.verified = m->info.verified,
		.origin = m->info.origin,
		.registry = m->registry,
		.settings_refused_at_us = reload->refused.at_us,
	};
	snprintf(ret->build_id, sizeof(ret->build_id), "%s", daemon_build_id());
	snprintf(ret->build_version, sizeof(ret->build_version), "%s", FRAUDD_VERSION);
	memcpy(ret->settings_error, reload->refused.words, sizeof(ret->settings_error));
	memcpy(ret->name, m->info.name, sizeof(ret->name));
	memcpy(ret->version, m->info.version, sizeof(ret->version));
	memcpy(ret->registry_version, m->info.registry_version, sizeof(ret->registry_version));
}

int status_send(const struct reload *reload, int64_t started_at_us, struct channel *to, uint64_t id)
{
	const struct children *children = reload->model->children;
	struct msg_status status;
	int r = 0;

	for (size_t i = 0; i < children->count && i < STATUS_MAX_CHILDREN && r == 0; i++) {
		struct msg_status_child child;

		fill_child(&children->list[i], &child);
		r = channel_send(to, MSG_STATUS_CHILD, id, &child, -1);
	}
	fill(reload, started_at_us, &status);
	return r < 0 ? r : channel_send(to, MSG_STATUS, id, &status, -1);
}
