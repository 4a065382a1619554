/*
 * The scheduler's decisions. Every job has the same shape: reasons to run gather as flags (due,
 * woken, asked) while it may not run, and one run takes care of all that have gathered. That is why
 * nothing piles up: ticks that were missed behind a slow batch are one flag.
 *
 * Intervals are measured on the monotonic clock, so the wall clock may jump. Times of day need the
 * wall clock: those between the last look and now are one due batch; a jump back of up to an hour
 * repeats none of them, a longer one begins anew.
 *
 * Invariant: a job that is led, not running, and has a reason starts at ready_at(). Called by
 * scheduler.c with real clocks and by the tests with others.
 */
#include "queue.h"

#include <stdio.h>
#include <string.h>

#define SECOND_MS INT64_C(1000)
/* A start of a process and a connection for every row would be the larger part of the work: rows
 * that come in this time are one batch, and still scored within the second. */
#define FOLLOW_GAP_MS 250
/* The wall clock is looked at so often while times of day count, for it may be set. */
#define LOOK_MS (60 * SECOND_MS)
#define SMALL_JUMP_US (INT64_C(3600) * 1000000)

struct backoff {
	int64_t first_ms, last_ms;
};

/* A retrain is hours of work: what failed will hardly be better in a second. */
static const struct backoff backoffs[JOB_KIND_MAX] = {
	[JOB_BATCH] = { 5 * SECOND_MS, 600 * SECOND_MS },
	[JOB_RETRAIN] = { INT64_C(60) * SECOND_MS, INT64_C(6) * 3600 * SECOND_MS },
};

static const char *const cause_names[CAUSE_MAX] = {
	[CAUSE_INTERVAL] = "interval", [CAUSE_TIME] = "time",   [CAUSE_FOLLOW] = "follow",
	[CAUSE_COUNT] = "count",       [CAUSE_RETRY] = "retry", [CAUSE_ASKED] = "asked",
};

static const char *const kind_names[JOB_KIND_MAX] = {
	[JOB_BATCH] = "batch",
	[JOB_RETRAIN] = "retrain",
};

const char *queue_cause_name(enum queue_cause cause)
{
	return cause_names[cause];
}

const char *queue_kind_name(enum job_kind kind)
{
	return kind_names[kind];
}

static struct queue_job *job_of(struct queue *q, enum job_kind kind, unsigned partition)
{
	return kind == JOB_RETRAIN ? &q->retrain : &q->batches[partition];
}

static void job_init(struct queue_job *j)
{
	*j = (struct queue_job){ .started_ms = QUEUE_NEVER, .planned_ms = QUEUE_NEVER };
}

void queue_init(struct queue *q, unsigned partitions, const struct queue_policy *policy,
                struct queue_now now)
{
	*q = (struct queue){ .policy = *policy, .partitions = partitions };
	q->looked_us = now.real_us;
	job_init(&q->retrain);
	for (unsigned i = 0; i < QUEUE_MAX_PARTITIONS; i++)
		job_init(&q->batches[i]);
}

static bool same_times(const struct times *a, const struct times *b)
{
	return a->count == b->count &&
	       memcmp(a->minute, b->minute, a->count * sizeof(a->minute[0])) == 0;
}

void queue_set_policy(struct queue *q, const struct queue_policy *policy, struct queue_now now)
{
	/* New times count from now on: one that has passed today is not made up for. */
	if (!same_times(&q->policy.times, &policy->times))
		q->looked_us = now.real_us;
	q->policy = *policy;
	if (policy->every == 0)
		q->retrain.due = false;
	else if (q->count >= policy->every)
		q->retrain.due = true;
}

/* --- time --- */

static bool by_times(const struct queue *q)
{
	return q->policy.times.count > 0;
}

static bool may_start(const struct queue *q, enum job_kind kind, const struct queue_job *j)
{
	if (!j->led || j->running || q->draining)
		return false;
	return kind == JOB_RETRAIN || q->has_model || !q->policy.wait_for_model;
}

/* The next planned start; now or earlier: it is due. */
static int64_t planned_at(const struct queue *q, const struct queue_job *j, struct queue_now now)
{
	if (j->due)
		return now.ms;
	if (by_times(q)) {
		int64_t left_us = times_next(&q->policy.times, q->looked_us) - now.real_us;

		return now.ms + (left_us > 0 ? (left_us + 999) / 1000 : 0);
	}
	return j->planned_ms == QUEUE_NEVER ? now.ms : j->planned_ms + q->policy.interval_ms;
}

static int64_t woken_at(const struct queue *q, const struct queue_job *j, struct queue_now now)
{
	if (!j->woken || !q->policy.follow)
		return QUEUE_NEVER;
	return j->started_ms == QUEUE_NEVER ? now.ms : j->started_ms + FOLLOW_GAP_MS;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* When this job starts if nothing else happens; QUEUE_NEVER. Who asks does not wait for the
 * back-off. */
static int64_t ready_at(const struct queue *q, enum job_kind kind, const struct queue_job *j,
                        struct queue_now now)
{
	int64_t at;

	if (!may_start(q, kind, j))
		return QUEUE_NEVER;
	if (j->asked)
		return now.ms;
	if (kind == JOB_RETRAIN)
		at = j->due ? now.ms : QUEUE_NEVER;
	else
		at = earlier(planned_at(q, j, now), woken_at(q, j, now));
	return later(at, j->not_before_ms);
}

/* Times of day that have passed since the last look make every batch due. Looked at while nothing
 * is led, too: who gets the lead later knows from the database what was missed. */
static void look_at_clock(struct queue *q, struct queue_now now)
{
	if (now.real_us < q->looked_us - SMALL_JUMP_US)
		q->looked_us = now.real_us;
	if (now.real_us <= q->looked_us)
		return;
	if (times_next(&q->policy.times, q->looked_us) <= now.real_us)
		for (unsigned i = 0; i < q->partitions; i++)
			q->batches[i].due = q->batches[i].due || q->batches[i].led;
	q->looked_us = now.real_us;
}

/* --- what happens --- */

/* Times of day that passed between the last planned batch, whoever ran it, and now. */
static bool missed_time(const struct queue *q, int64_t age_ms, struct queue_now now)
{
	if (!by_times(q) || age_ms < 0)
		return false;
	return times_next(&q->policy.times, now.real_us - age_ms * 1000) <= now.real_us;
}

void queue_lead(struct queue *q, unsigned partition, const struct queue_history *history,
                struct queue_now now)
{
	struct queue_job *j = &q->batches[partition];

	look_at_clock(q, now);
	j->led = true;
	if (history->age_ms >= 0)
		j->planned_ms = now.ms - history->age_ms;
	j->due = missed_time(q, history->age_ms, now);
	if (partition != 0)
		return;
	q->retrain.led = true;
	q->count = history->count;
	q->retrain.due =
	        q->policy.every > 0 && (history->retrain_due || history->count >= q->policy.every);
}

static void lose(struct queue_job *j)
{
	j->led = j->asked = j->woken = false;
	j->ask[0] = '\0';
}

void queue_lose(struct queue *q, unsigned partition)
{
	lose(&q->batches[partition]);
	if (partition == 0)
		lose(&q->retrain);
}

void queue_model(struct queue *q)
{
	q->has_model = true;
}

void queue_wake(struct queue *q)
{
	for (unsigned i = 0; i < q->partitions; i++)
		q->batches[i].woken = q->batches[i].woken || q->batches[i].led;
}

bool queue_ask(struct queue *q, enum job_kind kind, const char *id)
{
	struct queue_job *first = job_of(q, kind, 0);

	if (*id && first->ask[0])
		return strcmp(first->ask, id) == 0;
	if (*id && first->led)
		snprintf(first->ask, sizeof(first->ask), "%s", id);
	first->asked = first->asked || first->led;
	for (unsigned i = 1; kind == JOB_BATCH && i < q->partitions; i++)
		q->batches[i].asked = q->batches[i].asked || q->batches[i].led;
	return true;
}

void queue_drain(struct queue *q)
{
	q->draining = true;
}

static void count_batch(struct queue *q)
{
	q->count++;
	if (q->policy.every > 0 && q->count >= q->policy.every)
		q->retrain.due = true;
}

static int64_t back_off(enum job_kind kind, unsigned failures)
{
	int64_t ms = backoffs[kind].first_ms;

	while (--failures > 0 && ms < backoffs[kind].last_ms)
		ms *= 2;
	return earlier(ms, backoffs[kind].last_ms);
}

static void fail(struct queue_job *j, enum job_kind kind, struct queue_now now)
{
	j->failures++;
	j->not_before_ms = now.ms + back_off(kind, j->failures);
}

void queue_ended(struct queue *q, enum job_kind kind, unsigned partition, enum queue_end end,
                 struct queue_now now)
{
	struct queue_job *j = job_of(q, kind, partition);

	j->running = false;
	if (end == END_WELL) {
		j->failures = 0;
		j->not_before_ms = 0;
		if (kind == JOB_BATCH && partition == 0 && j->runs_due)
			count_batch(q);
		return;
	}
	/* What it was to take care of is still to be done. */
	j->due = j->due || (j->runs_due && (kind == JOB_BATCH || q->policy.every > 0));
	j->woken = j->woken || j->runs_woken;
	if (end == END_BADLY)
		fail(j, kind, now);
}

/* --- decisions --- */

static enum queue_cause cause_of(const struct queue *q, enum job_kind kind,
                                 const struct queue_job *j, bool planned)
{
	if (j->asked)
		return CAUSE_ASKED;
	if (j->failures > 0)
		return CAUSE_RETRY;
	if (kind == JOB_RETRAIN)
		return CAUSE_COUNT;
	if (!planned)
		return CAUSE_FOLLOW;
	return by_times(q) ? CAUSE_TIME : CAUSE_INTERVAL;
}

static void start(struct queue *q, enum job_kind kind, unsigned partition, struct queue_now now,
                  struct queue_start *ret)
{
	struct queue_job *j = job_of(q, kind, partition);
	bool planned = kind == JOB_BATCH ? planned_at(q, j, now) <= now.ms : j->due;

	*ret = (struct queue_start){ kind, partition, cause_of(q, kind, j, planned), "" };
	memcpy(ret->ask, j->ask, sizeof(ret->ask));
	j->running = true;
	j->runs_due = planned;
	j->runs_woken = j->woken;
	j->started_ms = now.ms;
	if (planned)
		j->planned_ms = now.ms;
	j->due = j->woken = j->asked = false;
	j->ask[0] = '\0';
	if (kind == JOB_RETRAIN)
		q->count = 0;
}

bool queue_next(struct queue *q, struct queue_now now, struct queue_start *ret)
{
	look_at_clock(q, now);
	for (unsigned i = 0; i < q->partitions; i++) {
		if (ready_at(q, JOB_BATCH, &q->batches[i], now) <= now.ms) {
			start(q, JOB_BATCH, i, now, ret);
			return true;
		}
	}
	if (ready_at(q, JOB_RETRAIN, &q->retrain, now) > now.ms)
		return false;
	start(q, JOB_RETRAIN, 0, now, ret);
	return true;
}

int64_t queue_due_in(const struct queue *q, enum job_kind kind, unsigned partition,
                     struct queue_now now)
{
	const struct queue_job *j = kind == JOB_RETRAIN ? &q->retrain : &q->batches[partition];
	int64_t at = ready_at(q, kind, j, now);

	if (at == QUEUE_NEVER)
		return QUEUE_NEVER;
	return at > now.ms ? at - now.ms : 0;
}

int64_t queue_wait(const struct queue *q, struct queue_now now)
{
	int64_t wait = queue_due_in(q, JOB_RETRAIN, 0, now);

	for (unsigned i = 0; i < q->partitions; i++)
		wait = earlier(wait, queue_due_in(q, JOB_BATCH, i, now));
	return by_times(q) ? earlier(wait, LOOK_MS) : wait;
}

bool queue_is_running(const struct queue *q, unsigned partition)
{
	return q->batches[partition].running || (partition == 0 && q->retrain.running);
}
