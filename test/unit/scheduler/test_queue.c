/*
 * The scheduler's decisions on a fake clock. A scenario is a text file of test/replay/:
 *
 *   given interval 60                 the policy, see givens[]; wall = the calendar at second 0
 *   at 12.5 wake                      what happens when, see events[]
 *   = 12.5 batch 0 follow             what must be decided when, in this order and nothing else
 *
 * Decisions: `batch PARTITION CAUSE [ID]`, `retrain CAUSE [ID]`, `refused ID` for an id that could
 * not be taken, `due batch 0 SECONDS` after `at … due batch 0`.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/civil.h"
#include "base/cleanup.h"
#include "daemons/scheduler/queue.h"

#define MAX_WORDS 8
#define MAX_DECISIONS 256

struct scenario {
	const char *path;
	unsigned line;
	struct queue_policy policy;
	unsigned partitions;
	int64_t wall_us; /* at second 0; jumps are added */
	struct queue queue;
	bool began;
	int64_t ms;
	int64_t wake_ms; /* when the timer fires; QUEUE_NEVER */
	char decided[MAX_DECISIONS][96];
	unsigned decided_count, matched;
};

struct words {
	char *at[MAX_WORDS + 1]; /* ends with NULL */
	unsigned count;
};

#define refuse(s, ...)                                                                             \
	do {                                                                                       \
		print_error("%s:%u: ", (s)->path, (s)->line);                                      \
		print_error(__VA_ARGS__);                                                          \
		fail_msg("%s:%u", (s)->path, (s)->line);                                           \
		abort(); /* not reached: fail_msg() jumps, which no tool knows */                  \
	} while (0)

static struct queue_now now(const struct scenario *s)
{
	return (struct queue_now){ s->ms, s->wall_us + s->ms * 1000 };
}

static int64_t milliseconds(const struct scenario *s, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (*end || end == text)
		refuse(s, "\"%s\" is no number of seconds\n", text);
	return (int64_t)(seconds * 1000 + (seconds < 0 ? -0.5 : 0.5));
}

static unsigned number(const struct scenario *s, const char *text)
{
	char *end;
	unsigned long n = strtoul(text ? text : "", &end, 10);

	if (!text || *end || end == text)
		refuse(s, "a number is wanted, not \"%s\"\n", text ? text : "");
	return (unsigned)n;
}

/* --- what was decided --- */

static void note(struct scenario *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(struct scenario *s, const char *format, ...)
{
	char *at = s->decided[s->decided_count];
	va_list ap;
	int n;

	if (s->decided_count == MAX_DECISIONS)
		refuse(s, "more than %d decisions\n", MAX_DECISIONS);
	n = snprintf(at, sizeof(s->decided[0]), "%" PRId64 ".%03d ", s->ms / 1000,
	             (int)(s->ms % 1000));
	va_start(ap, format);
	vsnprintf(at + n, sizeof(s->decided[0]) - (size_t)n, format, ap);
	va_end(ap);
	s->decided_count++;
}

static void decide(struct scenario *s)
{
	struct queue_start start;
	int64_t wait;

	while (queue_next(&s->queue, now(s), &start)) {
		const char *blank = start.ask[0] ? " " : "";

		if (start.kind == JOB_RETRAIN)
			note(s, "retrain %s%s%s", queue_cause_name(start.cause), blank, start.ask);
		else
			note(s, "batch %u %s%s%s", start.partition, queue_cause_name(start.cause),
			     blank, start.ask);
	}
	wait = queue_wait(&s->queue, now(s));
	s->wake_ms = wait == QUEUE_NEVER ? QUEUE_NEVER : s->ms + wait;
}

/* As the loop does: sleeps as long as the queue said when it was last told something. */
static void advance(struct scenario *s, int64_t to)
{
	if (to < s->ms)
		refuse(s, "time does not run back\n");
	for (unsigned turns = 0; s->wake_ms <= to; turns++) {
		if (s->wake_ms < s->ms || turns > 100000)
			refuse(s, "the queue does not come to rest\n");
		s->ms = s->wake_ms;
		decide(s);
		if (s->wake_ms == s->ms)
			refuse(s, "the queue says now and does nothing\n");
	}
	s->ms = to;
}

/* --- the language --- */

static void give_times(struct scenario *s, const char *text)
{
	struct errbuf err;

	if (times_parse(text, &s->policy.times, &err) < 0)
		refuse(s, "%s\n", err.text);
}

static void give_wall(struct scenario *s, const char *text)
{
	int year;
	unsigned month, day, hour, minute, second;
	struct civil c;

	if (sscanf(text, "%d-%u-%uT%u:%u:%u", &year, &month, &day, &hour, &minute, &second) != 6)
		refuse(s, "\"%s\" is no instant\n", text);
	c = (struct civil){
		year, (uint8_t)month, (uint8_t)day, (uint8_t)hour, (uint8_t)minute, (uint8_t)second,
		0
	};
	s->wall_us = civil_to_us(&c);
}

static bool give_value(struct scenario *s, const char *name, const char *value)
{
	if (strcmp(name, "interval") == 0)
		s->policy.interval_ms = milliseconds(s, value);
	else if (strcmp(name, "every") == 0)
		s->policy.every = number(s, value);
	else if (strcmp(name, "partitions") == 0)
		s->partitions = number(s, value);
	else if (strcmp(name, "times") == 0)
		give_times(s, strcmp(value, "none") == 0 ? "" : value);
	else if (strcmp(name, "wall") == 0)
		give_wall(s, value);
	else
		return false;
	return true;
}

static bool give(struct scenario *s, const struct words *w, unsigned i)
{
	const char *value = w->at[i + 1];

	if (strcmp(w->at[i], "follow") == 0)
		s->policy.follow = !value || strcmp(value, "off") != 0;
	else if (strcmp(w->at[i], "wait-for-model") == 0)
		s->policy.wait_for_model = true;
	else
		return value && give_value(s, w->at[i], value);
	return true;
}

static void on_lead(struct scenario *s, const struct words *w)
{
	struct queue_history h = { .age_ms = -1 };

	for (unsigned i = 3; i < w->count; i++) {
		if (strncmp(w->at[i], "age=", 4) == 0)
			h.age_ms = milliseconds(s, w->at[i] + 4);
		else if (strncmp(w->at[i], "count=", 6) == 0)
			h.count = number(s, w->at[i] + 6);
		else if (strcmp(w->at[i], "retrain-due") == 0)
			h.retrain_due = true;
		else
			refuse(s, "\"%s\" is nothing that is known of a lead\n", w->at[i]);
	}
	queue_lead(&s->queue, number(s, w->at[2]), &h, now(s));
}

static void on_lose(struct scenario *s, const struct words *w)
{
	queue_lose(&s->queue, number(s, w->at[2]));
}

static void on_model(struct scenario *s, const struct words *w)
{
	(void)w;
	queue_model(&s->queue);
}

static void on_wake(struct scenario *s, const struct words *w)
{
	(void)w;
	queue_wake(&s->queue);
}

static enum job_kind kind_of(const struct scenario *s, const struct words *w)
{
	for (unsigned k = 0; w->at[2] && k < JOB_KIND_MAX; k++)
		if (strcmp(w->at[2], queue_kind_name((enum job_kind)k)) == 0)
			return (enum job_kind)k;
	refuse(s, "a kind of job is wanted\n");
	return JOB_BATCH;
}

static void on_ask(struct scenario *s, const struct words *w)
{
	const char *id = w->count > 3 ? w->at[3] : "";

	if (!queue_ask(&s->queue, kind_of(s, w), id))
		note(s, "refused %s", id);
}

/* `ended batch 0 well`, `ended retrain badly` */
static void on_ended(struct scenario *s, const struct words *w)
{
	static const char *const ends[] = { "well", "badly", "stopped" };
	enum job_kind kind = kind_of(s, w);
	unsigned partition = kind == JOB_BATCH ? number(s, w->at[3]) : 0;
	const char *end = w->at[w->count - 1];

	for (unsigned i = 0; i < 3; i++) {
		if (strcmp(end, ends[i]) != 0)
			continue;
		queue_ended(&s->queue, kind, partition, (enum queue_end)i, now(s));
		return;
	}
	refuse(s, "\"%s\" is no way to end\n", end);
}

static void on_reload(struct scenario *s, const struct words *w)
{
	if (!give(s, w, 2))
		refuse(s, "no such setting\n");
	queue_set_policy(&s->queue, &s->policy, now(s));
}

static void on_jump(struct scenario *s, const struct words *w)
{
	/* Nobody is told: the clock is simply another one at the next look. */
	s->wall_us += milliseconds(s, w->at[2] ? w->at[2] : "") * 1000;
}

static void on_drain(struct scenario *s, const struct words *w)
{
	(void)w;
	queue_drain(&s->queue);
}

static void on_due(struct scenario *s, const struct words *w)
{
	enum job_kind kind = kind_of(s, w);
	unsigned partition = kind == JOB_BATCH ? number(s, w->at[3]) : 0;
	int64_t wait = queue_due_in(&s->queue, kind, partition, now(s));

	if (wait == QUEUE_NEVER)
		note(s, "due %s never", w->at[2]);
	else
		note(s, "due %s %" PRId64 ".%03d", w->at[2], wait / 1000, (int)(wait % 1000));
}

static void on_end(struct scenario *s, const struct words *w)
{
	(void)s;
	(void)w;
}

static const struct {
	const char *name;
	void (*happen)(struct scenario *s, const struct words *w);
} events[] = {
	{ "ask", on_ask },     { "drain", on_drain },   { "due", on_due },   { "end", on_end },
	{ "ended", on_ended }, { "jump", on_jump },     { "lead", on_lead }, { "lose", on_lose },
	{ "model", on_model }, { "reload", on_reload }, { "wake", on_wake },
};

static void begin(struct scenario *s)
{
	if (s->began)
		return;
	s->began = true;
	s->wake_ms = QUEUE_NEVER;
	queue_init(&s->queue, s->partitions, &s->policy, now(s));
}

static void at(struct scenario *s, const struct words *w)
{
	if (w->count < 3)
		refuse(s, "at SECONDS EVENT is wanted\n");
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct words rest = *w;

		if (strcmp(events[i].name, w->at[2]) != 0)
			continue;
		begin(s);
		advance(s, milliseconds(s, w->at[1]));
		memmove(rest.at, rest.at + 1, sizeof(rest.at) - sizeof(rest.at[0]));
		rest.count--;
		events[i].happen(s, &rest);
		if (events[i].happen != on_jump)
			decide(s);
		return;
	}
	refuse(s, "\"%s\" is no event\n", w->at[2]);
}

/* "= 60 batch 0 interval": the next decision, its time written with as few digits as one likes. */
static void expect(struct scenario *s, const struct words *w)
{
	char wanted[96];
	int64_t ms;
	int n;

	if (w->count < 3)
		refuse(s, "= SECONDS DECISION is wanted\n");
	ms = milliseconds(s, w->at[1]);
	n = snprintf(wanted, sizeof(wanted), "%" PRId64 ".%03d", ms / 1000, (int)(ms % 1000));
	for (unsigned i = 2; i < w->count && n < (int)sizeof(wanted); i++) {
		bool seconds = strcmp(w->at[2], "due") == 0 && i == w->count - 1 &&
		               strcmp(w->at[i], "never") != 0;

		ms = seconds ? milliseconds(s, w->at[i]) : 0;
		if (seconds)
			n += snprintf(wanted + n, sizeof(wanted) - (size_t)n, " %" PRId64 ".%03d",
			              ms / 1000, (int)(ms % 1000));
		else
			n += snprintf(wanted + n, sizeof(wanted) - (size_t)n, " %s", w->at[i]);
	}
	if (s->matched == s->decided_count)
		refuse(s, "wanted \"%s\", nothing was decided\n", wanted);
	if (strcmp(s->decided[s->matched], wanted) != 0)
		refuse(s, "wanted \"%s\", decided \"%s\"\n", wanted, s->decided[s->matched]);
	s->matched++;
}

static struct words split(const struct scenario *s, char *line)
{
	struct words w = { .count = 0 };

	line[strcspn(line, "#\n")] = '\0';
	for (char *p = strtok(line, " \t"); p; p = strtok(NULL, " \t")) {
		if (w.count == MAX_WORDS)
			refuse(s, "too many words\n");
		w.at[w.count++] = p;
	}
	return w;
}

static void run_line(struct scenario *s, char *line)
{
	struct words w = split(s, line);

	if (w.count == 0)
		return;
	if (strcmp(w.at[0], "given") == 0) {
		if (s->began || w.count < 2 || !give(s, &w, 1))
			refuse(s, "cannot be given\n");
	} else if (strcmp(w.at[0], "at") == 0) {
		if (s->matched != s->decided_count)
			refuse(s, "decided \"%s\", which is not expected\n",
			       s->decided[s->matched]);
		at(s, &w);
	} else if (strcmp(w.at[0], "=") == 0) {
		expect(s, &w);
	} else {
		refuse(s, "\"%s\" is no word of a scenario\n", w.at[0]);
	}
}

static void run_file(const char *path)
{
	CLEANUP(fclose_p) FILE *f = fopen(path, "re");
	CLEANUP(free_p) struct scenario *s = calloc(1, sizeof(*s));
	char line[256] = "";
	bool ended = false;

	assert_non_null(f);
	assert_non_null(s);
	s->path = path;
	s->partitions = 1;
	s->policy.interval_ms = 60000;
	while (fgets(line, sizeof(line), f)) {
		s->line++;
		ended = ended || strstr(line, " end\n") != NULL;
		run_line(s, line);
	}
	if (s->matched != s->decided_count)
		refuse(s, "decided \"%s\", which is not expected\n", s->decided[s->matched]);
	if (!ended)
		refuse(s, "the scenario does not say when it ends\n");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_scenario(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return dot && strcmp(dot, ".scn") == 0;
}

static void test_scenarios(void **unused)
{
	static const char folder[] = FRAUDD_SOURCE_DIR "/test/replay";
	struct dirent **names;
	int n = scandir(folder, &names, is_scenario, by_name);

	(void)unused;
	assert_true(n >= 15);
	for (int i = 0; i < n; i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		free(names[i]);
		run_file(path);
	}
	free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_scenarios) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
