/*
 * Which partitions this host leads. Every two seconds it says in scheduler_hosts that it lives and
 * tries to lock what nobody holds, up to its share; what it holds beyond its share it gives away.
 * Where it gets less than its share it ends the sessions of leaders that stand still.
 * All of it on one connection: when that is lost, so is every lead, on both sides.
 */
#ifndef SCHEDULER_LEAD_H
#define SCHEDULER_LEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "config/settings.h"
#include "queue.h"

struct db_pool;
struct event_base;
struct loop_timer;

struct lead_hooks {
	void (*gained)(void *self, unsigned partition, const struct queue_history *history);
	void (*lost)(void *self, unsigned partition);
	/* A job of it runs: not the moment to give it away. */
	bool (*busy)(void *self, unsigned partition);
};

struct lead {
	struct db_pool *pool; /* borrowed */
	const struct lead_hooks *hooks;
	void *self;
	struct loop_timer *beat;
	char host[SETTINGS_HOST_SIZE];
	unsigned partitions;
	bool follow;
	bool held[QUEUE_MAX_PARTITIONS];
	unsigned others; /* hosts that live beside this one */
	unsigned wanted; /* how many this round tries to take */
	bool asking;     /* a round is under way */
	bool up;
};

/* All but pool, timer and what follows follow is set by the caller. */
int lead_start(struct lead *l, struct event_base *base);
void lead_stop(struct lead *l);
/* The connection is up, or lost: then all leads are, before this returns. */
void lead_connected(struct lead *l);
void lead_disconnected(struct lead *l);

bool lead_holds(const struct lead *l, unsigned partition);
/* How many of the partitions one of so many hosts may hold. Pure. */
unsigned lead_share(unsigned partitions, unsigned hosts);

#endif
