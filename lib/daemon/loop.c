/*
 * The thin layer over libevent that the whole suite uses. It exists so that a timer, a watch and a
 * signal are one call each, and so that nobody else needs to know how libevent spells them.
 *
 * Invariant: an object's callback is the last thing that touches it in a turn, so a callback may
 * free its own object. Called by every daemon and by the channel, job and HTTP code.
 */
#include "daemon/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

struct loop_timer {
	struct event *event;
	loop_fn *fn;
	void *self;
};

struct loop_watch {
	struct event *event;
	loop_fn *fn;
	void *self;
};

struct loop_signal {
	struct event *event;
	loop_fn *fn;
	void *self;
};

int loop_new(struct event_base **ret)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	/* The environment must not choose the back end, and no other thread touches a base. */
	if (config && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0 &&
	    event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV) == 0)
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	if (!base)
		return -ENOMEM;
	*ret = base;
	return 0;
}

int loop_run(struct event_base *base)
{
	return event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY) < 0 ? -EIO : 0;
}

void loop_break(struct event_base *base)
{
	event_base_loopbreak(base);
}

void loop_free(struct event_base *base)
{
	if (base)
		event_base_free(base);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;

	(void)fd;
	(void)what;
	t->fn(t->self);
}

int loop_timer_new(struct event_base *base, loop_fn *fn, void *self, struct loop_timer **ret)
{
	struct loop_timer *t = malloc(sizeof(*t));

	if (!t)
		return -ENOMEM;
	*t = (struct loop_timer){ .fn = fn, .self = self };
	t->event = event_new(base, -1, 0, on_timer, t);
	if (!t->event) {
		free(t);
		return -ENOMEM;
	}
	*ret = t;
	return 0;
}

void loop_timer_arm(struct loop_timer *t, uint64_t milliseconds)
{
	struct timeval tv = {
		.tv_sec = (time_t)(milliseconds / 1000),
		.tv_usec = (suseconds_t)(milliseconds % 1000 * 1000),
	};

	event_add(t->event, &tv);
}

void loop_timer_disarm(struct loop_timer *t)
{
	if (t)
		event_del(t->event);
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	event_free(t->event);
	free(t);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct loop_watch *w = arg;

	(void)fd;
	(void)what;
	w->fn(w->self);
}

int loop_watch_new(struct event_base *base, int fd, int writable, loop_fn *fn, void *self,
                   struct loop_watch **ret)
{
	struct loop_watch *w = malloc(sizeof(*w));
	short what = (short)(EV_PERSIST | (writable ? EV_WRITE : EV_READ));

	if (!w)
		return -ENOMEM;
	*w = (struct loop_watch){ .fn = fn, .self = self };
	w->event = event_new(base, fd, what, on_ready, w);
	if (!w->event || event_add(w->event, NULL) < 0) {
		loop_watch_free(w);
		return -ENOMEM;
	}
	*ret = w;
	return 0;
}

void loop_watch_enable(struct loop_watch *w, int on)
{
	if (on)
		event_add(w->event, NULL);
	else
		event_del(w->event);
}

void loop_watch_free(struct loop_watch *w)
{
	if (!w)
		return;
	if (w->event)
		event_free(w->event);
	free(w);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct loop_signal *s = arg;

	(void)number;
	(void)what;
	s->fn(s->self);
}

int loop_signal_new(struct event_base *base, int signal_number, loop_fn *fn, void *self,
                    struct loop_signal **ret)
{
	struct loop_signal *s = malloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	*s = (struct loop_signal){ .fn = fn, .self = self };
	s->event = evsignal_new(base, signal_number, on_signal, s);
	if (!s->event || event_add(s->event, NULL) < 0) {
		loop_signal_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void loop_signal_free(struct loop_signal *s)
{
	if (!s)
		return;
	if (s->event)
		event_free(s->event);
	free(s);
}
