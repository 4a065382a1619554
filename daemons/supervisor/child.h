/* The children of the suite: each row of the services table as often as it has instances. */
#ifndef SUPERVISOR_CHILD_H
#define SUPERVISOR_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/channel.h"
#include "listen.h"
#include "process.h"
#include "service.h"

struct loop_timer;
struct children;

struct child {
	struct children *all;
	const struct service *service;
	uint32_t instance, instances;
	struct process process;
	pid_t pid;               /* 0: none */
	struct channel *channel; /* NULL without a process */
	struct loop_timer *timer;
	int64_t since_us; /* of its state */
	uint64_t ticked_ns;
	uint32_t last_status; /* wait status of its last exit */

	/* kept here for model.c and reload.c; cleared at each start */
	uint64_t generation;  /* that it serves */
	int32_t model_result; /* of the newest it was given */
	bool settings_asked;  /* an answer to MSG_SETTINGS_CHECK is due */
};

/* What the rest of the supervisor wants to know of a child. */
struct child_hooks {
	const struct channel_handler *(*handlers)(const struct service *s);
	/* A new process has its settings: now is the time to tell it more. */
	void (*introduced)(struct child *c);
	/* Its state is another. When the process is gone c->channel is still there for comparison.
	 */
	void (*changed)(struct child *c, enum process_state before);
	void (*gone)(struct child *c);
};

struct children {
	struct event_base *base;
	const struct settings *settings; /* in force: for the next start */
	const struct listeners *listeners;
	int scoreboard_fd;
	uint64_t scoreboard_size;
	const struct child_hooks *hooks;
	void *self; /* the hooks' */
	struct process_limits limits[SERVICE_MAX];
	struct child *list;
	size_t count;
	uint64_t turned_ns; /* when the supervisor's own loop turned last, see children_turn() */
};

/* All but limits, list and count set by the caller. selected: as service_select() says. */
int children_init(struct children *all, const bool selected[SERVICE_MAX]);
void children_done(struct children *all);
/* New settings are in force: time limits and what the next start gets. */
void children_settings(struct children *all, const struct settings *s);

void children_start(struct children *all);
void children_stop(struct children *all);
/* Do not wait for what is left of the time for stopping. */
void children_press(struct children *all);
/* Takes what waitpid(2) says; false if the pid is none of them. */
bool children_reaped(struct children *all, pid_t pid, int status);
/* The loop turns: called every second, so that a supervisor that was stopped itself does not take
 * its children for hung. */
void children_turn(struct children *all);

bool children_all_in(const struct children *all, enum process_state s);
/* To each child that has a process and whose service `to` accepts. */
void children_send(struct children *all, bool (*to)(const struct service *s),
                   enum message_type type, const void *payload, int fd);
struct child *children_find(struct children *all, enum service_kind kind);

/* A message of the child makes no sense: it is killed and started anew. */
void child_refuse(struct child *c, int r, const char *what);

#endif
