/* The jobs that run: a program with its limits, its words in the log, its end. */
#ifndef SCHEDULER_JOBS_H
#define SCHEDULER_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "config/settings.h"
#include "daemon/messages.h"
#include "queue.h"

struct event_base;

#define JOBS_MAX (QUEUE_MAX_PARTITIONS + 1) /* a batch of each partition, and a retrain */
#define JOBS_MESSAGE 512

/* What is known of a job when it has ended. */
struct job_record {
	enum job_kind kind;
	unsigned partition;
	enum queue_end end;
	bool asked;             /* somebody waits for its row */
	char id[QUEUE_ID_SIZE]; /* of its row in job_runs */
	int pid;
	int64_t started_ms;         /* monotonic */
	char message[JOBS_MESSAGE]; /* how it ended, for people; "" when well */
};

struct jobs_slot;

struct jobs {
	struct event_base *base;
	/* A job has ended; the record is the callee's only while it runs. */
	void (*ended)(void *self, const struct job_record *record);
	void *self;
	struct jobs_slot *slots[JOBS_MAX];
};

/* What a job gets: borrowed while it starts. */
struct jobs_gift {
	const struct settings *settings;
	const struct msg_model *model; /* generation 0: none */
	int model_fd;
};

/* base, ended and self are set by the caller. 0, or negative with the failure logged. */
int jobs_start(struct jobs *j, const struct queue_start *what, const struct jobs_gift *gift);
/* SIGTERM to all; each has until shortly before stop.timeout_seconds for what it is at. */
void jobs_stop(struct jobs *j);
unsigned jobs_count(const struct jobs *j);
/* "{id,id}" of all that run, for SQL. */
void jobs_print_ids(const struct jobs *j, struct strbuf *out);
/* "{batch,retrain}": what runs of a partition. */
void jobs_print_kinds(const struct jobs *j, unsigned partition, struct strbuf *out);
/* The program is ending: kills what still runs and forgets it. */
void jobs_done(struct jobs *j);

/* How a job ended, for people: "" for status 0. Pure. */
void jobs_describe_end(int status, bool timed_out, const char *complaint, char ret[JOBS_MESSAGE]);

#endif
