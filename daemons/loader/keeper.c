/*
 * Starts the child that writes the kept copy, after a publish and beside everything else. If models
 * come faster than they can be copied, those in between are not kept: the last one is what a
 * restart wants. Called by publish.c.
 */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "config/settings.h"
#include "daemon/job.h"

#define DEADLINE_MS 600000 /* a gigabyte at the speed of a bad disk */

static const struct keeper_order nothing = { .folder = { .fd = -1 }, .image_fd = -1 };

static void order_done(struct keeper_order *o)
{
	registry_folder_done(&o->folder);
	close_p(&o->image_fd);
	free(o->state_dir);
	*o = nothing;
}

void keeper_init(struct keeper *k, struct event_base *base, void (*on_idle)(void *self), void *self)
{
	*k = (struct keeper){ .base = base,
		              .source = { .fd = -1 },
		              .next = nothing,
		              .on_idle = on_idle,
		              .self = self };
}

static void on_line(void *self, const char *line)
{
	(void)self;
	log_warning(0, "could not keep the model for a restart: %s", line);
}

static void start(struct keeper *k);

static void on_end(void *self, int status, bool timed_out)
{
	struct keeper *k = self;

	k->job = NULL;
	registry_folder_done(&k->source);
	if (timed_out)
		log_warning(-ETIMEDOUT, "could not keep the model for a restart");
	else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM)
		log_warning(0, "could not keep the model for a restart: ended by signal %d",
		            WTERMSIG(status));
	else if (status == 0)
		log_debug("kept the model for a restart");
	start(k);
	if (!k->job)
		k->on_idle(k->self);
}

static int start_job(struct keeper *k, const struct keeper_order *order, const char *record)
{
	char max_bytes[32];
	const char *argv[] = { "fraud-loader",   "--keep",      "--state",
		               order->state_dir, "--max-bytes", max_bytes,
		               "--record",       record,        NULL };
	int fds[] = { order->folder.fd, order->image_fd };
	const struct job_options o = {
		.name = "keep",
		.argv = argv,
		.fds = fds,
		.fd_count = 2,
		.limits = { .deadline_ms = DEADLINE_MS, .no_network = true },
		.on_line = on_line,
		.on_end = on_end,
		.self = k,
	};

	snprintf(max_bytes, sizeof(max_bytes), "%" PRIu64, order->max_bytes);
	return job_start(k->base, &o, &k->job);
}

static void start(struct keeper *k)
{
	struct strbuf text = { .limit = RECORD_MAX_BYTES };
	struct keeper_order order = k->next;
	int r;

	if (order.folder.fd < 0)
		return;
	k->next = nothing;
	r = record_write(&order.record, &text);
	if (r == 0)
		r = start_job(k, &order, text.p);
	if (r < 0) {
		log_warning(r, "could not keep the model for a restart");
	} else {
		k->source = order.folder;
		order.folder = (struct registry_folder){ .fd = -1 };
	}
	strbuf_done(&text);
	order_done(&order);
}

void keeper_stop(struct keeper *k)
{
	order_done(&k->next);
	job_abandon(k->job);
	k->job = NULL;
	registry_folder_done(&k->source);
}

void keeper_keep(struct keeper *k, const struct settings *s, const struct record *record,
                 struct registry_folder *folder, int image_fd)
{
	order_done(&k->next);
	k->next = (struct keeper_order){
		.record = *record,
		.folder = *folder,
		.image_fd = fcntl(image_fd, F_DUPFD_CLOEXEC, 0),
		.max_bytes = s->models.max_bytes,
		.state_dir = strdup(s->state_dir),
	};
	*folder = (struct registry_folder){ .fd = -1 };
	if (k->next.folder.fd < 0 || k->next.image_fd < 0 || !k->next.state_dir) {
		log_warning(-ENOMEM, "could not keep the model for a restart");
		order_done(&k->next);
		return;
	}
	if (!k->job)
		start(k);
}
