/* fraud-scheduler: what its files share. */
#ifndef SCHEDULER_SCHEDULER_H
#define SCHEDULER_SCHEDULER_H

#include <stdbool.h>

#include "daemon/daemon.h"
#include "jobs.h"
#include "lead.h"
#include "ledger.h"
#include "queue.h"

struct db_pool;
struct loop_timer;

struct scheduler {
	struct daemon *daemon;
	struct queue queue;
	struct jobs jobs;
	struct lead lead;
	struct ledger ledger;
	struct db_pool *pool;     /* NULL without database.url: nothing is scheduled */
	struct loop_timer *timer; /* the queue's next decision */
	struct loop_timer *sweep;
	struct msg_model model; /* generation 0: none yet */
	int model_fd;
	bool draining;
};

/* Of struct daemon; self is a struct scheduler. */
int scheduler_start(struct daemon *d);
void scheduler_drain(struct daemon *d, uint32_t seconds);
void scheduler_stop(struct daemon *d);
void scheduler_apply(struct daemon *d, const struct settings *next);
extern const struct channel_handler scheduler_handlers[];

#endif
