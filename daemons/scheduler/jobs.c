/*
 * The table of jobs: which program, with which words, under which limits. A job writes its own row
 * of job_runs; what it could not write (killed, too late, never begun) is told by its record, which
 * scheduler.c hands on.
 *
 * Invariant: a slot is in use from a good start until on_end(), which comes once for each.
 */
#include "jobs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/job.h"
#include "daemon/job_input.h"

#define MIB (UINT64_C(1024) * 1024)
/* The supervisor kills after stop.timeout_seconds: a job must be gone a little earlier. */
#define STOP_MARGIN_SECONDS 3
#define MAX_WORDS 12
#define LINE_KEPT 256

/* Words of a command line that are filled in. */
#define PARTITION "%partition"
#define ID "%id"

struct jobs_slot {
	struct jobs *jobs;
	struct job *job;
	struct job_record record;
	char complaint[LINE_KEPT]; /* its last line that was one, without level and name */
};

static struct job_limits batch_limits(const struct settings *s)
{
	return (struct job_limits){
		.memory_bytes = s->batch.memory_mib * MIB,
		.deadline_ms = s->batch.timeout_seconds * 1000,
		.nice = (int)s->batch.nice,
	};
}

static struct job_limits retrain_limits(const struct settings *s)
{
	return (struct job_limits){
		.memory_bytes = s->retrain.memory_mib * MIB,
		.deadline_ms = s->retrain.timeout_seconds * 1000,
		.nice = (int)s->retrain.nice,
	};
}

/* libgomp reads it before main(): waiting threads must not spin beside scoring. */
static const char *const openmp[] = { "OMP_WAIT_POLICY=PASSIVE", NULL };

static const struct {
	const char *words[MAX_WORDS];
	struct job_limits (*limits)(const struct settings *s);
	const char *const *env;
} commands[JOB_KIND_MAX] = {
	[JOB_BATCH] = {
		{ "fraud-batch", "--once", "--quiet", "--partition", PARTITION, "--job", ID },
		batch_limits,
		NULL,
	},
	[JOB_RETRAIN] = {
		{ "fraud-train", "retrain", "--quiet", "--job", ID },
		retrain_limits,
		openmp,
	},
};

/* --- what it says --- */

/* A line of our own log: "level name[pid] message". Anything else is told as it is. */
static enum log_level take_level(const char **line)
{
	static const char *const names[LOG_LEVEL_MAX] = { "error", "warning", "info", "debug" };
	const char *end;

	for (unsigned i = 0; i < LOG_LEVEL_MAX; i++) {
		size_t n = strlen(names[i]);

		if (strncmp(*line, names[i], n) != 0 || (*line)[n] != ' ')
			continue;
		end = strstr(*line, "] ");
		if (!end || strcspn(*line + n + 1, " ") != (size_t)(end - *line) - n)
			continue;
		*line = end + 2;
		return (enum log_level)i;
	}
	return LOG_LEVEL_WARNING;
}

static void on_line(void *self, const char *line)
{
	struct jobs_slot *slot = self;
	const char *id = slot->record.id;
	enum log_level level = take_level(&line);
	size_t n = str_utf8_cut(str_of(line), LINE_KEPT - 1);

	if (level <= LOG_LEVEL_WARNING) {
		memcpy(slot->complaint, line, n);
		slot->complaint[n] = '\0';
	}
	if (level == LOG_LEVEL_ERROR)
		log_error(0, "job=%s %s", id, line);
	else if (level == LOG_LEVEL_WARNING)
		log_warning(0, "job=%s %s", id, line);
	else if (level == LOG_LEVEL_INFO)
		log_info("job=%s %s", id, line);
	else
		log_debug("job=%s %s", id, line);
}

/* --- its end --- */

void jobs_describe_end(int status, bool timed_out, const char *complaint, char ret[JOBS_MESSAGE])
{
	const char *colon = *complaint ? ": " : "";

	ret[0] = '\0';
	if (timed_out)
		snprintf(ret, JOBS_MESSAGE, "it took too long and was ended%s%s", colon, complaint);
	else if (WIFSIGNALED(status))
		snprintf(ret, JOBS_MESSAGE, "it was ended by signal %d (%s)%s%s", WTERMSIG(status),
		         strsignal(WTERMSIG(status)), colon, complaint);
	else if (WEXITSTATUS(status) != 0)
		snprintf(ret, JOBS_MESSAGE, "it ended with status %d%s%s", WEXITSTATUS(status),
		         colon, complaint);
}

static enum queue_end judge(const struct jobs_slot *slot, int status, bool timed_out)
{
	if (timed_out)
		return END_BADLY;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return END_WELL;
	return slot->record.end == END_STOPPED ? END_STOPPED : END_BADLY;
}

static void free_slot(struct jobs_slot *slot)
{
	struct jobs *j = slot->jobs;

	for (unsigned i = 0; i < JOBS_MAX; i++)
		if (j->slots[i] == slot)
			j->slots[i] = NULL;
	free(slot);
}

static void on_end(void *self, int status, bool timed_out)
{
	struct jobs_slot *slot = self;
	struct job_record record = slot->record;
	struct jobs *j = slot->jobs;

	record.end = judge(slot, status, timed_out);
	jobs_describe_end(status, timed_out, slot->complaint, record.message);
	if (record.end == END_WELL)
		log_debug("job=%s %s has ended well", record.id, queue_kind_name(record.kind));
	else if (record.end == END_BADLY)
		log_warning(0, "job=%s %s failed: %s", record.id, queue_kind_name(record.kind),
		            record.message);
	else
		log_info("job=%s %s was stopped", record.id, queue_kind_name(record.kind));
	free_slot(slot);
	j->ended(j->self, &record);
}

/* --- its start --- */

static struct jobs_slot *new_slot(struct jobs *j)
{
	for (unsigned i = 0; i < JOBS_MAX; i++) {
		if (j->slots[i])
			continue;
		j->slots[i] = calloc(1, sizeof(*j->slots[i]));
		if (j->slots[i])
			j->slots[i]->jobs = j;
		return j->slots[i];
	}
	return NULL;
}

static void fill_words(const struct job_record *r, char partition[16],
                       const char *ret[MAX_WORDS + 1])
{
	unsigned n = 0;

	snprintf(partition, 16, "%u", r->partition);
	for (; n < MAX_WORDS && commands[r->kind].words[n]; n++) {
		const char *word = commands[r->kind].words[n];

		if (strcmp(word, PARTITION) == 0)
			word = partition;
		else if (strcmp(word, ID) == 0)
			word = r->id;
		ret[n] = word;
	}
	ret[n] = NULL;
}

static uint32_t leave_ms(const struct settings *s)
{
	uint32_t seconds = s->stop.timeout_seconds;

	return (seconds > STOP_MARGIN_SECONDS ? seconds - STOP_MARGIN_SECONDS : 1) * 1000;
}

static int run(struct jobs_slot *slot, const struct jobs_gift *gift)
{
	CLEANUP(close_p) int input = -1;
	const char *words[MAX_WORDS + 1];
	char partition[16];
	int r = job_input_write(gift->settings, AUDIENCE_SCHEDULER, gift->model, &input);
	int fds[2] = { input, gift->model_fd };
	const struct job_options o = {
		.name = queue_kind_name(slot->record.kind),
		.argv = words,
		.env = commands[slot->record.kind].env,
		.fds = fds,
		.fd_count = gift->model_fd >= 0 ? 2 : 1,
		.limits = commands[slot->record.kind].limits(gift->settings),
		.on_line = on_line,
		.on_end = on_end,
		.self = slot,
	};
	struct job_options limited = o;

	if (r < 0)
		return r;
	limited.limits.leave_ms = leave_ms(gift->settings);
	fill_words(&slot->record, partition, words);
	return job_start(slot->jobs->base, &limited, &slot->job);
}

static int fill_record(const struct queue_start *what, struct job_record *ret)
{
	ret->kind = what->kind;
	ret->partition = what->partition;
	ret->asked = what->ask[0] != '\0';
	ret->started_ms = (int64_t)(clock_mono_ns() / 1000000);
	if (!ret->asked)
		return uuid7(clock_real_us() / 1000, ret->id);
	memcpy(ret->id, what->ask, sizeof(ret->id));
	return 0;
}

int jobs_start(struct jobs *j, const struct queue_start *what, const struct jobs_gift *gift)
{
	const char *kind = queue_kind_name(what->kind);
	struct jobs_slot *slot = new_slot(j);
	int r = slot ? fill_record(what, &slot->record) : -ENOMEM;

	if (r == 0)
		r = run(slot, gift);
	if (r < 0) {
		if (slot)
			free_slot(slot);
		return log_error(r, "could not start a %s", kind);
	}
	slot->record.pid = job_pid(slot->job);
	if (what->kind == JOB_RETRAIN || what->cause == CAUSE_ASKED)
		log_info("job=%s %s starts (%s)", slot->record.id, kind,
		         queue_cause_name(what->cause));
	else
		log_debug("job=%s %s of partition %u starts (%s)", slot->record.id, kind,
		          what->partition, queue_cause_name(what->cause));
	return 0;
}

void jobs_stop(struct jobs *j)
{
	for (unsigned i = 0; i < JOBS_MAX; i++) {
		if (!j->slots[i])
			continue;
		j->slots[i]->record.end = END_STOPPED;
		job_stop(j->slots[i]->job);
	}
}

unsigned jobs_count(const struct jobs *j)
{
	unsigned n = 0;

	for (unsigned i = 0; i < JOBS_MAX; i++)
		n += j->slots[i] != NULL;
	return n;
}

void jobs_print_ids(const struct jobs *j, struct strbuf *out)
{
	const char *comma = "";

	strbuf_addc(out, '{');
	for (unsigned i = 0; i < JOBS_MAX; i++) {
		if (!j->slots[i])
			continue;
		strbuf_addf(out, "%s%s", comma, j->slots[i]->record.id);
		comma = ",";
	}
	strbuf_addc(out, '}');
}

void jobs_print_kinds(const struct jobs *j, unsigned partition, struct strbuf *out)
{
	const char *comma = "";

	strbuf_addc(out, '{');
	for (unsigned i = 0; i < JOBS_MAX; i++) {
		if (!j->slots[i] || j->slots[i]->record.partition != partition)
			continue;
		strbuf_addf(out, "%s%s", comma, queue_kind_name(j->slots[i]->record.kind));
		comma = ",";
	}
	strbuf_addc(out, '}');
}

void jobs_done(struct jobs *j)
{
	for (unsigned i = 0; i < JOBS_MAX; i++) {
		if (j->slots[i])
			job_abandon(j->slots[i]->job);
		free(j->slots[i]);
		j->slots[i] = NULL;
	}
}
