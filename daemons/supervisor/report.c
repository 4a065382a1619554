/*
 * The supervisor's word to the service manager. Ready means: every child's loop turns and the first
 * model is live, or is known not to come; so `systemctl start` returns when customers are answered.
 * The watchdog is fed while our loop turns and, in a suite with workers, at least one of them
 * ticks: a single hung worker is our business, a suite that serves nobody is the service manager's.
 */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* A suite with workers of which none ticks for so long does not serve. */
#define WORKERS_SILENT_NS (UINT64_C(10) * 1000000000)
#define STATUS_ROOM 256

int report_open(struct report *r)
{
	int result = sdnotify_open(&r->notify, getenv("NOTIFY_SOCKET"));

	r->watchdog_ms =
	        sdnotify_watchdog_ms(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"), getpid());
	return result;
}

void report_done(struct report *r)
{
	sdnotify_done(&r->notify);
}

static bool has_workers(const struct report *r)
{
	for (size_t i = 0; i < r->children->count; i++)
		if (r->children->list[i].service->listeners)
			return true;
	return false;
}

static void status_text(const struct report *r, char *ret)
{
	const struct msg_model *info = &r->model->info;
	struct model_workers w = model_workers(r->model);

	if (r->model->fd < 0)
		snprintf(ret, STATUS_ROOM, "%u workers up, no model", w.up);
	else
		snprintf(ret, STATUS_ROOM,
		         "model \"%s\" version \"%s\", generation %" PRIu64 " on %u of %u workers",
		         info->name, info->version, info->generation, w.current, w.up);
}

static bool has_loader(const struct report *r)
{
	for (size_t i = 0; i < r->children->count; i++)
		if (r->children->list[i].service == &services[SERVICE_LOADER])
			return true;
	return false;
}

/* The first model is live, or will not be: refused, or nobody is there to bring or to serve it. */
static bool model_is_settled(const struct report *r)
{
	const struct model *m = r->model;
	struct model_workers w = model_workers(m);

	/* The last worker may have come up after it went live and not have mapped it yet. */
	if ((m->live && w.current == w.up) || (m->told && m->registry.last_error[0]))
		return true;
	return m->fd >= 0 ? !has_workers(r) : !has_loader(r);
}

void report_look(struct report *r)
{
	char status[STATUS_ROOM];

	status_text(r, status);
	if (r->ready) {
		sdnotify_status(&r->notify, status);
	} else if (children_all_in(r->children, PROCESS_UP) && model_is_settled(r)) {
		r->ready = true;
		sdnotify_ready(&r->notify, status);
		log_info("ready: %s", status);
	}
}

void report_reloading(struct report *r)
{
	if (r->ready)
		sdnotify_reloading(&r->notify);
}

void report_reloaded(struct report *r)
{
	char status[STATUS_ROOM];

	status_text(r, status);
	if (r->ready)
		sdnotify_ready(&r->notify, status);
}

void report_stopping(struct report *r)
{
	sdnotify_stopping(&r->notify);
}

static bool workers_tick(const struct report *r)
{
	uint64_t now = clock_mono_ns();

	for (size_t i = 0; i < r->children->count; i++) {
		const struct child *c = &r->children->list[i];

		if (c->service->listeners && now - c->ticked_ns < WORKERS_SILENT_NS)
			return true;
	}
	return !has_workers(r);
}

void report_turn(struct report *r, bool stopping)
{
	uint64_t now = clock_mono_ns();

	if (r->watchdog_ms == 0 || now - r->watchdog_ns < r->watchdog_ms * 1000000)
		return;
	if (!stopping && !workers_tick(r))
		return;
	r->watchdog_ns = now;
	sdnotify_watchdog(&r->notify);
}
