/*
 * What runs next. The queue is told what happened and what time it is, and answers which job is to
 * be started and when it wants to be asked again. Pure: no clock, no process, no database; the
 * scenarios of test/replay/ are its tests.
 *
 * There is one batch for each partition of the work, and one retrain, which belongs to the host
 * that leads partition 0. Of each at most one runs at a time; a batch and a retrain may run side by
 * side.
 */
#ifndef SCHEDULER_QUEUE_H
#define SCHEDULER_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/times.h"

#define QUEUE_MAX_PARTITIONS 64
#define QUEUE_ID_SIZE 37 /* a UUID and its end */
#define QUEUE_NEVER INT64_MAX

enum job_kind { JOB_BATCH, JOB_RETRAIN, JOB_KIND_MAX };

/* Why a job starts. */
enum queue_cause {
	CAUSE_INTERVAL, /* batch.interval_seconds have passed since the start of the last one */
	CAUSE_TIME,     /* one of batch.times */
	CAUSE_FOLLOW,   /* new rows were announced */
	CAUSE_COUNT,    /* so many batches have ended well */
	CAUSE_RETRY,    /* the last one failed, and the back-off is over */
	CAUSE_ASKED,    /* somebody wants it now */
	CAUSE_MAX
};

enum queue_end {
	END_WELL,
	END_BADLY,   /* failed, killed, too long, could not be started: backs off */
	END_STOPPED, /* because we asked it to */
};

struct queue_policy {
	int64_t interval_ms;
	struct times times;  /* instead of the interval, if there is any */
	uint32_t every;      /* a retrain after so many batches; 0: never */
	bool follow;         /* announced rows are scored at once */
	bool wait_for_model; /* batches do not start before the suite has a model */
};

/* Both clocks at one instant. */
struct queue_now {
	int64_t ms;      /* monotonic */
	int64_t real_us; /* since 1970 UTC; may jump */
};

struct queue_job {
	bool led;     /* this host may start it */
	bool running; /* whether or not it is still led */
	bool due;     /* planned and not yet run well */
	bool woken;   /* rows were announced since it last started */
	bool asked;
	char ask[QUEUE_ID_SIZE];   /* the id that was asked for, or "" */
	unsigned failures;         /* in a row */
	int64_t not_before_ms;     /* after a failure */
	int64_t started_ms;        /* last start of any; QUEUE_NEVER: none */
	int64_t planned_ms;        /* last start of a planned one; QUEUE_NEVER: none */
	bool runs_due, runs_woken; /* what the running one takes care of */
};

struct queue {
	struct queue_policy policy;
	struct queue_job batches[QUEUE_MAX_PARTITIONS];
	struct queue_job retrain;
	unsigned partitions;
	uint32_t count; /* planned batches of partition 0 that ended well since the last retrain */
	int64_t looked_us; /* times of day up to this instant are dealt with */
	bool has_model, draining;
};

/* What the database knows from whoever led a partition before. */
struct queue_history {
	int64_t age_ms; /* since the start of its last planned batch; -1: there was none */
	uint32_t count; /* of partition 0: as in struct queue */
	bool retrain_due;
};

/* One decision. */
struct queue_start {
	enum job_kind kind;
	unsigned partition;
	enum queue_cause cause;
	char ask[QUEUE_ID_SIZE]; /* the id that somebody waits for, or "" */
};

void queue_init(struct queue *q, unsigned partitions, const struct queue_policy *policy,
                struct queue_now now);
void queue_set_policy(struct queue *q, const struct queue_policy *policy, struct queue_now now);

void queue_lead(struct queue *q, unsigned partition, const struct queue_history *history,
                struct queue_now now);
/* What runs goes on: two at once do no harm, because each locks what it moves. */
void queue_lose(struct queue *q, unsigned partition);
void queue_model(struct queue *q);
/* New rows were announced. */
void queue_wake(struct queue *q);
/* A person wants one now, or at once after the one that runs. id: of the row that waits for it, or
 * "". False if another one with an id waits already. */
bool queue_ask(struct queue *q, enum job_kind kind, const char *id);
void queue_ended(struct queue *q, enum job_kind kind, unsigned partition, enum queue_end end,
                 struct queue_now now);
/* Nothing starts any more. */
void queue_drain(struct queue *q);

/* True: this one starts now, and counts as running until queue_ended(). Ask again at once. */
bool queue_next(struct queue *q, struct queue_now now, struct queue_start *ret);
/* Milliseconds until queue_next() may say more without having been told anything; QUEUE_NEVER. */
int64_t queue_wait(const struct queue *q, struct queue_now now);
/* The same for one job: when it will start if nothing happens, for people. */
int64_t queue_due_in(const struct queue *q, enum job_kind kind, unsigned partition,
                     struct queue_now now);

bool queue_is_running(const struct queue *q, unsigned partition);
const char *queue_cause_name(enum queue_cause cause);
const char *queue_kind_name(enum job_kind kind);

#endif
