/*
 * The scheduler's life. Everything that happens (a lead, an announcement, the end of a job, a
 * message, new settings) is told to the queue, and then turn() does what the queue says and sets
 * the timer. The database, the locks and the processes are the business of other files.
 *
 * READY waits for nothing: without a database the scheduler runs and schedules nothing. Started by
 * the supervisor, once a suite.
 */
#include "scheduler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/loop.h"
#include "db/pool.h"
#include "statements.h"

/* The connection carries the lead: what does not answer for so long is taken for lost, early enough
 * for another host to follow within ten seconds. */
#define QUERY_TIMEOUT_MS 4000
#define MAX_WAITING 8
#define SWEEP_MS 30000

static struct queue_now now(void)
{
	return (struct queue_now){ (int64_t)(clock_mono_ns() / 1000000), clock_real_us() };
}

/* --- decisions --- */

static void leave_if_done(struct scheduler *s)
{
	if (s->draining && jobs_count(&s->jobs) == 0 && !ledger_is_busy(&s->ledger))
		daemon_leave(s->daemon, 0);
}

static void begin(struct scheduler *s, const struct queue_start *start)
{
	const struct jobs_gift gift = { s->daemon->settings, &s->model, s->model_fd };
	struct job_record record = { start->kind, start->partition, END_BADLY, true, "", 0, 0, "" };

	if (jobs_start(&s->jobs, start, &gift) < 0) {
		queue_ended(&s->queue, start->kind, start->partition, END_BADLY, now());
		memcpy(record.id, start->ask, sizeof(record.id));
		strcpy(record.message, "it could not be started");
		record.started_ms = now().ms;
		if (start->ask[0])
			ledger_note(&s->ledger, &record);
	}
	ledger_changed(&s->ledger, start->partition);
}

static void turn(struct scheduler *s)
{
	struct queue_start start;
	int64_t wait;

	while (queue_next(&s->queue, now(), &start))
		begin(s, &start);
	wait = queue_wait(&s->queue, now());
	if (wait == QUEUE_NEVER)
		loop_timer_disarm(s->timer);
	else
		loop_timer_arm(s->timer, (uint64_t)wait);
}

static void on_timer(void *self)
{
	turn(self);
}

static void on_job_ended(void *self, const struct job_record *record)
{
	struct scheduler *s = self;

	queue_ended(&s->queue, record->kind, record->partition, record->end, now());
	ledger_note(&s->ledger, record);
	ledger_changed(&s->ledger, record->partition);
	if (record->asked)
		ledger_look(&s->ledger);
	turn(s);
	leave_if_done(s);
}

/* --- leads --- */

static void on_gained(void *self, unsigned partition, const struct queue_history *history)
{
	struct scheduler *s = self;

	log_info("this host leads partition %u of %u%s", partition, s->queue.partitions,
	         s->queue.policy.wait_for_model && !s->queue.has_model
	                 ? "; batches wait for a model"
	                 : "");
	queue_lead(&s->queue, partition, history, now());
	ledger_changed(&s->ledger, partition);
	if (partition == 0) {
		ledger_sweep(&s->ledger); /* who led before may have died with its jobs */
		ledger_look(&s->ledger);
	}
	turn(s);
}

static void on_lost(void *self, unsigned partition)
{
	struct scheduler *s = self;

	log_info("this host leads partition %u no more", partition);
	queue_lose(&s->queue, partition);
	turn(s);
}

static bool is_busy(void *self, unsigned partition)
{
	const struct scheduler *s = self;

	return queue_is_running(&s->queue, partition);
}

static const struct lead_hooks lead_hooks = {
	.gained = on_gained,
	.lost = on_lost,
	.busy = is_busy,
};

/* --- the ledger --- */

static bool state_of(void *self, unsigned partition, struct ledger_state *ret)
{
	struct scheduler *s = self;
	const struct queue_job *j = &s->queue.batches[partition];
	int64_t next = queue_due_in(&s->queue, JOB_BATCH, partition, now());

	if (!lead_holds(&s->lead, partition))
		return false;
	*ret = (struct ledger_state){
		.age_ms = j->planned_ms == QUEUE_NEVER ? -1 : now().ms - j->planned_ms,
		.next_ms = next == QUEUE_NEVER ? -1 : next,
		.count = partition == 0 ? s->queue.count : 0,
		.retrain_due = partition == 0 && s->queue.retrain.due,
	};
	return true;
}

static void on_asked(void *self, enum job_kind kind, const char *id)
{
	struct scheduler *s = self;

	/* False: another one waits already; its end looks again. */
	queue_ask(&s->queue, kind, id);
	turn(s);
}

static void on_recorded(void *self)
{
	leave_if_done(self);
}

static const struct ledger_hooks ledger_hooks = {
	.state = state_of,
	.asked = on_asked,
	.recorded = on_recorded,
};

static void on_sweep(void *self)
{
	struct scheduler *s = self;

	loop_timer_arm(s->sweep, SWEEP_MS);
	if (lead_holds(&s->lead, 0))
		ledger_sweep(&s->ledger);
}

/* --- the database --- */

static void on_state(void *self, bool up, const struct errbuf *why)
{
	struct scheduler *s = self;

	if (up) {
		log_info("the database is there");
		lead_connected(&s->lead);
		ledger_connected(&s->ledger);
	} else {
		log_warning(0, "the database cannot be used, nothing is scheduled: %s", why->text);
		ledger_disconnected(&s->ledger);
		lead_disconnected(&s->lead);
	}
}

/* A version was promoted, on whatever host: the model alone is looked up again. */
static void reload(const struct scheduler *s)
{
	const struct msg_reload wish = { .wish = RELOAD_ALIAS };
	int r = channel_send(s->daemon->channel, MSG_RELOAD_WANTED, 0, &wish, -1);

	if (r < 0)
		log_error(r, "could not ask for a reload after a promotion");
}

/* Whoever leads partition 0 finds the row that waits; the others only run along. */
static void run_along(struct scheduler *s, const char *kind)
{
	if (lead_holds(&s->lead, 0))
		ledger_look(&s->ledger);
	else if (strcmp(kind, queue_kind_name(JOB_BATCH)) == 0)
		queue_ask(&s->queue, JOB_BATCH, "");
}

static void on_notify(void *self, const char *channel, const char *payload)
{
	struct scheduler *s = self;

	if (strcmp(channel, channels[CHANNEL_NEW]) == 0)
		queue_wake(&s->queue);
	else if (strcmp(channel, channels[CHANNEL_JOBS]) == 0)
		run_along(s, payload);
	else
		reload(s);
	turn(s);
}

static int open_database(struct scheduler *s)
{
	const struct settings *settings = s->daemon->settings;
	const struct db_pool_options o = {
		.base = s->daemon->base,
		.url = settings->database.url,
		.application = "fraud-scheduler",
		.connections = 1, /* the lead is this session's */
		.connect_timeout_ms = settings->database.connect_timeout_ms,
		.query_timeout_ms = QUERY_TIMEOUT_MS,
		.max_waiting = MAX_WAITING,
		.statements = statements,
		.statement_count = STATEMENT_MAX,
		.channels = channels,
		.channel_count = CHANNEL_MAX,
		.on_notify = on_notify,
		.on_state = on_state,
		.self = s,
	};
	int r = db_pool_new(&o, &s->pool);

	if (r < 0)
		return log_error(r, "could not set up the connection to the database");
	s->lead.pool = s->ledger.pool = s->pool;
	r = lead_start(&s->lead, s->daemon->base);
	if (r < 0)
		return log_error(r, "could not set up the beat");
	loop_timer_arm(s->sweep, SWEEP_MS);
	return 0;
}

/* --- settings --- */

static bool names(const char *services, const char *wanted)
{
	for (const char *p = services;;) {
		size_t n = strcspn(p, ",");

		if (str_is(str_trim((struct str){ p, n }), wanted))
			return true;
		if (!p[n])
			return false;
		p += n + 1;
	}
}

static struct queue_policy policy_of(const struct settings *s)
{
	struct queue_policy p = {
		.interval_ms = s->batch.interval_seconds * INT64_C(1000),
		.every = s->retrain.every_n_batches,
		.follow = s->batch.follow,
		/* Without a loader no model ever comes: the batch finds one itself. */
		.wait_for_model = names(s->services, "loader"),
	};

	/* Checked with all settings: a text that is wrong never gets here. */
	if (times_parse(s->batch.times, &p.times, NULL) < 0)
		p.times.count = 0;
	return p;
}

void scheduler_apply(struct daemon *d, const struct settings *next)
{
	struct scheduler *s = d->self;
	const struct queue_policy policy = policy_of(next);

	queue_set_policy(&s->queue, &policy, now());
	s->lead.follow = next->batch.follow;
	for (unsigned i = 0; i < s->queue.partitions; i++)
		ledger_changed(&s->ledger, i);
	turn(s);
}

/* --- messages --- */

static int check_model(const struct msg_model *about, int fd)
{
	struct stat st;

	if (!message_text(about->name, sizeof(about->name)) ||
	    !message_text(about->version, sizeof(about->version)) ||
	    !message_text(about->registry_version, sizeof(about->registry_version)))
		return -EBADMSG;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -EBADF;
	if (!memfd_is_sealed(fd))
		return -EPERM;
	return st.st_size > 0 && (uint64_t)st.st_size == about->size ? 0 : -EBADMSG;
}

static void on_model_use(void *self, struct message *m)
{
	struct scheduler *s = self;
	const struct msg_model *about = m->payload;
	struct msg_model_in_use used = { .generation = about->generation };

	used.result = check_model(about, m->fd);
	if (used.result == 0) {
		close_p(&s->model_fd);
		s->model_fd = take_fd(&m->fd);
		s->model = *about;
		queue_model(&s->queue);
	} else {
		log_error(used.result, "cannot hand generation %llu to jobs",
		          (unsigned long long)about->generation);
	}
	channel_send(s->daemon->channel, MSG_MODEL_IN_USE, m->id, &used, -1);
	turn(s);
}

static void on_reload_done(void *self, struct message *m)
{
	const struct msg_reload_done *done = m->payload;

	(void)self;
	if (done->outcome != RELOAD_DONE_RELOADED && done->outcome != RELOAD_DONE_UNCHANGED &&
	    message_text(done->words, sizeof(done->words)))
		log_warning(0, "the reload after a promotion was refused: %s", done->words);
}

const struct channel_handler scheduler_handlers[] = {
	{ MSG_MODEL_USE, on_model_use },
	{ MSG_RELOAD_DONE, on_reload_done },
	{ .handler = NULL },
};

/* --- life --- */

static int set_up(struct scheduler *s)
{
	const struct settings *settings = s->daemon->settings;
	const struct queue_policy policy = policy_of(settings);
	int r = loop_timer_new(s->daemon->base, on_timer, s, &s->timer);

	if (r == 0)
		r = loop_timer_new(s->daemon->base, on_sweep, s, &s->sweep);
	queue_init(&s->queue, settings->batch.partitions, &policy, now());
	s->jobs = (struct jobs){ .base = s->daemon->base, .ended = on_job_ended, .self = s };
	s->lead.hooks = &lead_hooks;
	s->lead.self = s;
	s->lead.partitions = settings->batch.partitions;
	s->lead.follow = settings->batch.follow;
	s->ledger.jobs = &s->jobs;
	s->ledger.hooks = &ledger_hooks;
	s->ledger.self = s;
	s->ledger.partitions = settings->batch.partitions;
	settings_host(settings, s->lead.host);
	settings_host(settings, s->ledger.host);
	return r;
}

int scheduler_start(struct daemon *d)
{
	struct scheduler *s = d->self;
	int r;

	s->daemon = d;
	r = set_up(s);
	if (r < 0)
		return log_error(r, "could not set up the timers");
	if (d->settings->database.url[0])
		return open_database(s);
	log_info("without database.url nothing is scheduled");
	return 0;
}

void scheduler_drain(struct daemon *d, uint32_t seconds)
{
	struct scheduler *s = d->self;

	(void)seconds;
	s->draining = true;
	queue_drain(&s->queue);
	jobs_stop(&s->jobs);
	leave_if_done(s);
}

void scheduler_stop(struct daemon *d)
{
	struct scheduler *s = d->self;

	jobs_done(&s->jobs);
	/* What is under way is answered while the pool ends: nobody may ask for more. */
	s->ledger.up = s->lead.up = false;
	lead_stop(&s->lead);
	db_pool_free(s->pool);
	loop_timer_free(s->timer);
	loop_timer_free(s->sweep);
	close_p(&s->model_fd);
}
