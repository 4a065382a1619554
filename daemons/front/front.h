/*
 * One worker: what its files share. A request meets, in this order: routes.c (which handler, how
 * its body comes), a handler (score.c, batch.c, upload.c, reload.c, health.c), the model generation
 * it began with (generation.c) and answers.c (how errors and results are written).
 */
#ifndef FRONT_H
#define FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "config/settings.h"
#include "daemon/daemon.h"
#include "daemon/scoreboard.h"

struct generation;
struct http_exchange;
struct http_server;
struct loop_timer;
struct reloads;
struct route;
struct slices;

struct front {
	struct daemon *daemon;
	struct http_server *server;
	struct scoreboard_slot *slot; /* of this worker */
	struct generation *current;   /* NULL before the first model */
	struct slices *slices;        /* long work, a piece at a time */
	struct reloads *reloads;      /* requests that wait for the supervisor */
	struct strbuf out;            /* the answer that is being written */
	struct msg_registry_state registry;
	struct log_limit spool_limit; /* of the complaint that upload.spool_dir does not do */
	struct loop_timer *drain_timer;
	bool draining; /* /readyz says 503 */
};

/* What the worker keeps about a request, in the arena of its exchange. */
struct call {
	struct front *front;
	struct http_exchange *exchange;
	const struct route *route;
	struct generation *generation; /* held; NULL for routes that need none */
	uint64_t started_ns;
	char request_id[65];
	void *work; /* of the handler */
};

/* The settings in force. */
static inline const struct settings *front_settings(const struct front *f)
{
	return f->daemon->settings;
}

#endif
