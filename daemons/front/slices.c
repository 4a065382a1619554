/*
 * A ring of works and one zero-length timer. Each turn of the loop runs one piece of the work at
 * the head and moves it to the tail; the timer is armed only while there is work.
 */
#include "slices.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "daemon/loop.h"

struct slice {
	TAILQ_ENTRY(slice) entry;
	struct slices *owner;
	slice_fn *fn; /* NULL: cancelled while it ran */
	void *work;
};

TAILQ_HEAD(slice_list, slice);

struct slices {
	struct slice_list list;
	struct slice *running;
	struct loop_timer *timer;
	uint64_t length_ns;
};

static void on_turn(void *self)
{
	struct slices *s = self;
	struct slice *one = TAILQ_FIRST(&s->list);
	bool more;

	if (!one)
		return;
	TAILQ_REMOVE(&s->list, one, entry);
	s->running = one;
	more = one->fn(one->work, clock_mono_ns() + s->length_ns);
	s->running = NULL;
	if (more && one->fn)
		TAILQ_INSERT_TAIL(&s->list, one, entry);
	else
		free(one);
	if (!TAILQ_EMPTY(&s->list))
		loop_timer_arm(s->timer, 0);
}

int slices_new(struct event_base *base, uint32_t slice_us, struct slices **ret)
{
	struct slices *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	TAILQ_INIT(&s->list);
	slices_set_length(s, slice_us);
	r = loop_timer_new(base, on_turn, s, &s->timer);
	if (r < 0) {
		free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void slices_set_length(struct slices *s, uint32_t slice_us)
{
	s->length_ns = (uint64_t)slice_us * 1000;
}

int slices_add(struct slices *s, slice_fn *fn, void *work, struct slice **ret)
{
	struct slice *one = calloc(1, sizeof(*one));

	if (!one)
		return -ENOMEM;
	*one = (struct slice){ .owner = s, .fn = fn, .work = work };
	TAILQ_INSERT_TAIL(&s->list, one, entry);
	loop_timer_arm(s->timer, 0);
	*ret = one;
	return 0;
}

void slice_cancel(struct slice *one)
{
	if (!one)
		return;
	if (one == one->owner->running) {
		one->fn = NULL;
		return;
	}
	TAILQ_REMOVE(&one->owner->list, one, entry);
	free(one);
}

void slices_free(struct slices *s)
{
	struct slice *one;

	if (!s)
		return;
	while ((one = TAILQ_FIRST(&s->list))) {
		TAILQ_REMOVE(&s->list, one, entry);
		free(one);
	}
	loop_timer_free(s->timer);
	free(s);
}
