/*
 * The life of one child as a state × event table, and nothing else: no fork, no loop, no clock of
 * its own. What is to be done goes through struct process_actions, so that the policy (when at
 * once, when later, when by force) is tested with a fake clock.
 */
#ifndef SUPERVISOR_PROCESS_H
#define SUPERVISOR_PROCESS_H

#include <stdint.h>

/* The policy's constants: a child that dies often is started ever more slowly. */
#define PROCESS_QUICK_DEATHS 5        /* this many … */
#define PROCESS_QUICK_WINDOW_MS 10000 /* … within this long are too many for a restart at once */
#define PROCESS_BACKOFF_FIRST_MS 100
#define PROCESS_BACKOFF_LAST_MS 30000
#define PROCESS_TERM_MS 2000 /* between SIGTERM and SIGKILL */

enum process_state {
	PROCESS_DOWN,     /* does not run and shall not */
	PROCESS_STARTING, /* was spawned, has not said READY */
	PROCESS_UP,       /* its loop turns */
	PROCESS_STOPPING, /* was asked to leave */
	PROCESS_BACKOFF,  /* died, will be started later */
	PROCESS_STATE_MAX
};

enum process_event {
	PROCESS_START,   /* shall run */
	PROCESS_READY,   /* said so */
	PROCESS_EXIT,    /* was reaped */
	PROCESS_TIMEOUT, /* the one timer that arm() set */
	PROCESS_STOP,    /* shall not run any more */
	PROCESS_EVENT_MAX
};

struct process_actions {
	int (*spawn)(void *self);  /* 0 or -errno */
	void (*drain)(void *self); /* asks the child to leave in peace */
	void (*kill)(void *self, int signal_number);
	void (*arm)(void *self, uint64_t milliseconds); /* 0: no timer */
	void (*changed)(void *self, enum process_state before);
	uint64_t (*now_ms)(void *self);
};

/* From settings; a reload may change them. */
struct process_limits {
	uint64_t ready_ms, hang_ms;
	uint64_t stop_ms; /* from MSG_DRAIN to SIGTERM */
};

struct process {
	enum process_state state;
	const struct process_actions *actions;
	const struct process_limits *limits;
	void *self;
	uint64_t deaths[PROCESS_QUICK_DEATHS]; /* ring of the last ones */
	uint64_t up_ms;                        /* when it said READY */
	uint64_t backoff_ms;                   /* the last delay, 0: none yet */
	uint32_t death_count;
	uint32_t spawn_count;
	unsigned pressed; /* STOPPING: how often its time was up */
};

/* All is borrowed and lives as long as p. */
void process_init(struct process *p, const struct process_actions *actions,
                  const struct process_limits *limits, void *self);
/* An event that the state has no entry for is ignored: it came too late. */
void process_happen(struct process *p, enum process_event e);
/* A sign of life: while UP the child has hang_ms from now. */
void process_tick(struct process *p);

const char *process_state_name(enum process_state s);

#endif
