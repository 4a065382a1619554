/*
 * The policy of supervision without a process: events in, actions out. Each case is a script: every
 * word is an event (or the passing of time), every action is noted; the notes are compared.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "daemons/supervisor/process.h"

static struct {
	struct process p;
	uint64_t now_ms;
	int spawn_result;
	struct strbuf notes;
} t;

static int act_spawn(void *self)
{
	(void)self;
	strbuf_adds(&t.notes, t.spawn_result < 0 ? " nospawn" : " spawn");
	return t.spawn_result;
}

static void act_drain(void *self)
{
	(void)self;
	strbuf_adds(&t.notes, " drain");
}

static void act_kill(void *self, int signal_number)
{
	(void)self;
	strbuf_adds(&t.notes, signal_number == SIGKILL ? " KILL" : " TERM");
}

static void act_arm(void *self, uint64_t milliseconds)
{
	(void)self;
	strbuf_addf(&t.notes, " %llu", (unsigned long long)milliseconds);
}

static void act_changed(void *self, enum process_state before)
{
	(void)self;
	(void)before;
	strbuf_addf(&t.notes, " %s", process_state_name(t.p.state));
}

static uint64_t act_now_ms(void *self)
{
	(void)self;
	return t.now_ms;
}

static const struct process_actions actions = {
	.spawn = act_spawn,
	.drain = act_drain,
	.kill = act_kill,
	.arm = act_arm,
	.changed = act_changed,
	.now_ms = act_now_ms,
};

static const struct process_limits limits = {
	.ready_ms = 30000,
	.hang_ms = 5000,
	.stop_ms = 35000,
};

static void happen(const char *word)
{
	static const struct {
		const char *word;
		enum process_event event;
	} events[] = {
		{ "start", PROCESS_START }, { "ready", PROCESS_READY },
		{ "exit", PROCESS_EXIT },   { "timeout", PROCESS_TIMEOUT },
		{ "stop", PROCESS_STOP },
	};

	if (word[0] == '+') {
		t.now_ms += strtoull(word + 1, NULL, 10);
	} else if (strcmp(word, "tick") == 0) {
		process_tick(&t.p);
	} else if (strcmp(word, "noforks") == 0) {
		t.spawn_result = -EAGAIN;
	} else if (strcmp(word, "forks") == 0) {
		t.spawn_result = 0;
	} else {
		for (size_t i = 0; i < PROCESS_EVENT_MAX; i++)
			if (strcmp(events[i].word, word) == 0) {
				process_happen(&t.p, events[i].event);
				return;
			}
		fail_msg("unknown word \"%s\"", word);
	}
}

/* Plays the script; the notes are what happened after the last "|". */
static const char *play(const char *script)
{
	char copy[1024], *rest = NULL;

	process_init(&t.p, &actions, &limits, NULL);
	t.now_ms = 1000000;
	t.spawn_result = 0;
	strbuf_reset(&t.notes);
	snprintf(copy, sizeof(copy), "%s", script);
	for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
		if (strcmp(w, "|") == 0)
			strbuf_reset(&t.notes);
		else
			happen(w);
	}
	return t.notes.n ? t.notes.p : "";
}

#define UP "start ready "
#define DIE4 "exit ready exit ready exit ready exit ready "

static const struct {
	const char *script, *notes;
} cases[] = {
	{ "start", " spawn 30000 starting" },
	{ "start | ready", " 5000 up" },
	{ UP "| tick", " 5000" },
	{ "start | tick", "" },
	/* at once after a death of one that had been up */
	{ UP "| exit", " spawn 30000 starting" },
	/* died four times in a moment: still at once; the fifth time not */
	{ UP "exit ready exit ready exit ready | exit", " spawn 30000 starting" },
	{ UP DIE4 "| exit", " 100 waiting" },
	{ UP DIE4 "exit | timeout", " spawn 30000 starting" },
	{ UP DIE4 "exit timeout | ready exit", " 5000 up 200 waiting" },
	/* five deaths, but over more than ten seconds */
	{ UP "exit +3000 ready exit +3000 ready exit +3000 ready exit +1001 ready | exit",
	  " spawn 30000 starting" },
	{ UP "exit +2000 ready exit +2000 ready exit +2000 ready exit +3999 ready | exit",
	  " 100 waiting" },
	/* never up: ever later, to the limit */
	{ "start | exit", " 100 waiting" },
	{ "start exit timeout | exit", " 200 waiting" },
	{ "start exit timeout exit timeout | exit", " 400 waiting" },
	{ "start exit timeout exit timeout exit timeout exit timeout exit timeout exit "
	  "timeout exit timeout exit timeout | exit",
	  " 25600 waiting" },
	{ "start exit timeout exit timeout exit timeout exit timeout exit timeout exit "
	  "timeout exit timeout exit timeout exit timeout exit timeout exit timeout | exit",
	  " 30000 waiting" },
	/* a long life pays for earlier deaths */
	{ "start exit timeout exit timeout exit timeout ready +10000 exit | exit", " 100 waiting" },
	{ "start exit timeout exit timeout exit timeout ready +9000 exit | exit", " 800 waiting" },
	/* not ready in time, hung: killed, and the exit decides */
	{ "start | timeout", " KILL 0" },
	{ "start timeout | exit", " 100 waiting" },
	{ UP "| timeout", " KILL 0" },
	{ UP "timeout | exit", " spawn 30000 starting" },
	/* could not be spawned */
	{ "noforks start", " nospawn 100 waiting" },
	{ "noforks start | timeout", " nospawn 200 waiting" },
	{ "noforks start forks | timeout", " spawn 30000 starting" },
	{ UP "noforks | exit", " nospawn 100 waiting" },
	/* stopping: asked, told, killed; its exit is the end in any case */
	{ UP "| stop", " drain 35000 stopping" },
	{ UP "stop | exit", " 0 down" },
	{ UP "stop | timeout", " TERM 2000" },
	{ UP "stop timeout | timeout", " KILL 0" },
	{ UP "stop timeout timeout | exit", " 0 down" },
	{ "start | stop", " TERM 35000 stopping" },
	{ "start stop | exit", " 0 down" },
	{ "start exit | stop", " 0 down" },
	{ "start exit stop | timeout", "" },
	/* a second life asks politely again */
	{ UP "stop timeout exit start ready stop | timeout", " TERM 2000" },
	/* events that come too late or make no sense */
	{ "ready", "" },
	{ "exit", "" },
	{ "stop", "" },
	{ "timeout", "" },
	{ UP "| start", "" },
	{ UP "| ready", "" },
	{ UP "stop | ready", "" },
	{ UP "stop | stop", "" },
	{ UP "stop | start", "" },
	{ UP "stop exit | exit", "" },
};

static void scripts(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *notes = play(cases[i].script);

		if (strcmp(notes, cases[i].notes) != 0)
			fail_msg("case %zu \"%s\": \"%s\"", i, cases[i].script, notes);
	}
	strbuf_done(&t.notes);
}

/* Any order of events: it never ends in a state from which nothing can happen by itself. */
static void any_order(void **unused)
{
	uint64_t random = 88172645463325252ULL;

	(void)unused;
	process_init(&t.p, &actions, &limits, NULL);
	for (unsigned i = 0; i < 100000; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		t.now_ms += random >> 52;
		t.spawn_result = random % 17 == 0 ? -EAGAIN : 0;
		process_happen(&t.p, (enum process_event)(random / 17 % PROCESS_EVENT_MAX));
		if (t.p.backoff_ms > PROCESS_BACKOFF_LAST_MS || t.p.state >= PROCESS_STATE_MAX)
			fail_msg("event %u", i);
		strbuf_reset(&t.notes);
	}
	strbuf_done(&t.notes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scripts),
		cmocka_unit_test(any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
