/*
 * Supervision on one screen: the table below says what happens to a child in each state on each
 * event, the functions above it say how. The policy is in the constants of process.h: a child that
 * had been up is back at once, one that keeps dying comes ever later, one that hangs is killed, one
 * that shall stop is first asked, then told, then killed.
 *
 * Invariant: in every state but DOWN something will happen by itself: a timer runs or an exit is
 * due. Driven by child.c, which turns loop events into process events.
 */
#include "process.h"

#include <signal.h>
#include <stddef.h>

typedef void process_fn(struct process *p);

static uint64_t now_ms(const struct process *p)
{
	return p->actions->now_ms(p->self);
}

static void enter(struct process *p, enum process_state s, uint64_t timeout_ms)
{
	enum process_state before = p->state;

	p->state = s;
	p->actions->arm(p->self, timeout_ms);
	p->actions->changed(p->self, before);
}

static void back_off(struct process *p)
{
	p->backoff_ms = p->backoff_ms ? p->backoff_ms * 2 : PROCESS_BACKOFF_FIRST_MS;
	if (p->backoff_ms > PROCESS_BACKOFF_LAST_MS)
		p->backoff_ms = PROCESS_BACKOFF_LAST_MS;
	enter(p, PROCESS_BACKOFF, p->backoff_ms);
}

static void record_death(struct process *p)
{
	p->deaths[p->death_count++ % PROCESS_QUICK_DEATHS] = now_ms(p);
}

/* The slot that the next death will overwrite holds the fifth last one. */
static int dies_often(const struct process *p)
{
	if (p->death_count < PROCESS_QUICK_DEATHS)
		return 0;
	return now_ms(p) - p->deaths[p->death_count % PROCESS_QUICK_DEATHS] <
	       PROCESS_QUICK_WINDOW_MS;
}

static void do_spawn(struct process *p)
{
	p->spawn_count++;
	if (p->actions->spawn(p->self) < 0)
		back_off(p);
	else
		enter(p, PROCESS_STARTING, p->limits->ready_ms);
}

static void do_ready(struct process *p)
{
	p->up_ms = now_ms(p);
	enter(p, PROCESS_UP, p->limits->hang_ms);
}

static void do_backoff(struct process *p)
{
	record_death(p);
	back_off(p);
}

/* A child that stayed up for the whole window has paid for its earlier deaths. */
static void do_restart(struct process *p)
{
	if (now_ms(p) - p->up_ms >= PROCESS_QUICK_WINDOW_MS)
		p->backoff_ms = 0;
	record_death(p);
	if (dies_often(p))
		back_off(p);
	else
		do_spawn(p);
}

/* A child that starts does not read its channel yet: only a signal reaches it. */
static void do_term(struct process *p)
{
	p->pressed = 0;
	if (p->state == PROCESS_UP)
		p->actions->drain(p->self);
	else
		p->actions->kill(p->self, SIGTERM);
	enter(p, PROCESS_STOPPING, p->limits->stop_ms);
}

/* One that shall stop is told once more before it is killed; its exit then moves the state. */
static void do_kill(struct process *p)
{
	if (p->state == PROCESS_STOPPING && p->pressed++ == 0) {
		p->actions->kill(p->self, SIGTERM);
		p->actions->arm(p->self, PROCESS_TERM_MS);
		return;
	}
	p->actions->kill(p->self, SIGKILL);
	p->actions->arm(p->self, 0);
}

static void do_reaped(struct process *p)
{
	enter(p, PROCESS_DOWN, 0);
}

/* clang-format off */
static process_fn *const transitions[PROCESS_STATE_MAX][PROCESS_EVENT_MAX] = {
	[PROCESS_DOWN]     = { [PROCESS_START]   = do_spawn },
	[PROCESS_STARTING] = { [PROCESS_READY]   = do_ready,   [PROCESS_EXIT] = do_backoff,
			       [PROCESS_TIMEOUT] = do_kill,    [PROCESS_STOP] = do_term },
	[PROCESS_UP]       = { [PROCESS_EXIT]    = do_restart, [PROCESS_STOP] = do_term,
			       [PROCESS_TIMEOUT] = do_kill },
	[PROCESS_STOPPING] = { [PROCESS_EXIT]    = do_reaped,  [PROCESS_TIMEOUT] = do_kill },
	[PROCESS_BACKOFF]  = { [PROCESS_TIMEOUT] = do_spawn,   [PROCESS_STOP] = do_reaped },
};
/* clang-format on */

void process_init(struct process *p, const struct process_actions *actions,
                  const struct process_limits *limits, void *self)
{
	*p = (struct process){ .actions = actions, .limits = limits, .self = self };
}

void process_happen(struct process *p, enum process_event e)
{
	process_fn *fn = transitions[p->state][e];

	if (fn)
		fn(p);
}

void process_tick(struct process *p)
{
	if (p->state == PROCESS_UP)
		p->actions->arm(p->self, p->limits->hang_ms);
}

const char *process_state_name(enum process_state s)
{
	static const char *const names[PROCESS_STATE_MAX] = {
		[PROCESS_DOWN] = "down",       [PROCESS_STARTING] = "starting",
		[PROCESS_UP] = "up",           [PROCESS_STOPPING] = "stopping",
		[PROCESS_BACKOFF] = "waiting",
	};

	return names[s];
}
