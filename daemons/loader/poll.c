/*
 * A look at the registry now and then, so that a promotion by anybody goes live without a message.
 * The interval wanders by a fifth, so that the hosts of a fleet do not ask all at once, and grows
 * to five times itself while the registry is away. A load that runs is a look by itself: the poll
 * is left out.
 */
#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/settings.h"
#include "daemon/loop.h"
#include "loader.h"

#define SLOWEST 5

static void on_poll(void *self)
{
	struct loader *l = self;

	poll_arm(l, l->daemon->settings);
	l->poll_due = l->load.step == LOAD_IDLE;
	loop_timer_arm(l->next_timer, 0);
}

int poll_start(struct loader *l)
{
	uint64_t seed = clock_mono_ns();
	int r = loop_timer_new(l->daemon->base, on_poll, l, &l->poll_timer);

	/* What the clock gives is enough to spread hosts, should there be no more. */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
		seed ^= (uint64_t)getpid() << 32;
	random_seed(&l->random, seed);
	if (r == 0)
		poll_arm(l, l->daemon->settings);
	return r;
}

void poll_arm(struct loader *l, const struct settings *s)
{
	unsigned failed = l->polls_failed < SLOWEST ? l->polls_failed + 1 : SLOWEST;
	double seconds = s->registry.poll_seconds * failed * (0.8 + 0.4 * random_unit(&l->random));

	if (s->registry.poll_seconds == 0)
		loop_timer_disarm(l->poll_timer);
	else
		loop_timer_arm(l->poll_timer, (uint64_t)(seconds * 1000));
}

void poll_note(struct loader *l, bool away)
{
	bool was_away = l->polls_failed > 0;

	if (away && l->polls_failed < SLOWEST)
		l->polls_failed++;
	if (!away)
		l->polls_failed = 0;
	if (!l->draining && (away || was_away))
		poll_arm(l, l->daemon->settings);
}
