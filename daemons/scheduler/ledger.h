/*
 * What the scheduler writes down: how jobs ended that could not say so themselves, and the state of
 * the partitions that this host leads; and what it reads: which jobs people ask for.
 */
#ifndef SCHEDULER_LEDGER_H
#define SCHEDULER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "config/settings.h"
#include "jobs.h"
#include "queue.h"

#define LEDGER_MAX_RECORDS 64

struct db_pool;

/* One row of scheduler_state. */
struct ledger_state {
	int64_t age_ms;  /* since the last planned batch began; -1: none */
	int64_t next_ms; /* until the next one; -1: it runs, or none is planned */
	uint32_t count;
	bool retrain_due;
};

struct ledger_hooks {
	/* The row of a partition as it is now; false: this host does not lead it. */
	bool (*state)(void *self, unsigned partition, struct ledger_state *ret);
	/* Somebody asks for this job. */
	void (*asked)(void *self, enum job_kind kind, const char *id);
	/* Ends of jobs were written. */
	void (*recorded)(void *self);
};

struct ledger {
	struct db_pool *pool;    /* borrowed */
	const struct jobs *jobs; /* borrowed */
	const struct ledger_hooks *hooks;
	void *self;
	char host[SETTINGS_HOST_SIZE];
	unsigned partitions;
	bool up;
	bool stale[QUEUE_MAX_PARTITIONS]; /* the row is to be written */
	bool look_due, sweep_due;
	bool busy; /* a statement is under way */
	struct job_record records[LEDGER_MAX_RECORDS];
	unsigned record_count; /* [0] is the oldest */
};

/* How a job ended. With the database away up to LEDGER_MAX_RECORDS wait; more are dropped. */
void ledger_note(struct ledger *l, const struct job_record *record);
/* The state of a partition has changed. */
void ledger_changed(struct ledger *l, unsigned partition);
/* Look for jobs that people ask for. */
void ledger_look(struct ledger *l);
/* Close rows of jobs that died with their host. */
void ledger_sweep(struct ledger *l);
void ledger_connected(struct ledger *l);
void ledger_disconnected(struct ledger *l);
/* True while something is being written that should not be lost. */
bool ledger_is_busy(const struct ledger *l);

#endif
