/*
 * One worker: what its files share. A request meets, in this order: routes.c (which handler, how
 * its body comes), a handler (score.c, batch.c, upload.c, reload.c, health.c), the model generation
 * it began with (generation.c) and answers.c (how errors and results are written).
 */
#ifndef FRONT_H
#define FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/cache.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "config/settings.h"
#include "daemon/daemon.h"
#include "daemon/scoreboard.h"

struct auth;
struct generation;
struct http_exchange;
struct http_server;
struct jobs;
struct live;
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
	struct auth *auth;            /* users and tokens; NULL with auth off */
	struct jobs *jobs;            /* questions for what is scheduled */
	struct live *live;            /* NULL but in the first worker of a suite with a database */
	struct strbuf out;            /* the answer that is being written */
	struct msg_registry_state registry;
	struct log_limit spool_limit; /* of the complaint that upload.spool_dir does not do */
	struct loop_timer *drain_timer;
	bool draining; /* /readyz says 503 */
};

/* Who passes is decided at the head of a request, or when the database has answered. */
enum gate {
	GATE_OPEN,   /* call.caller says who it is (user 0: nobody was needed) */
	GATE_WAITS,  /* the database is asked: the call goes on when it opens, or is answered */
	GATE_CLOSED, /* the call has been answered */
};

/* What the worker keeps about a request, in the arena of its exchange. */
struct call {
	struct front *front;
	struct http_exchange *exchange;
	const struct route *route;
	struct generation *generation; /* held; NULL for routes that need none */
	uint64_t started_ns;
	char request_id[65];
	enum gate gate;            /* auth_gate.h: on_request waits until it is open */
	bool complete;             /* the body is in, and the gate was not open */
	struct token_entry caller; /* who it is; user 0: nobody was needed */
	void *work;                /* of the handler */
};

/* The settings in force. */
static inline const struct settings *front_settings(const struct front *f)
{
	return f->daemon->settings;
}

#endif
