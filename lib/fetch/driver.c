/*
 * Where libcurl and the loop meet: libcurl says which sockets it waits for and when it wants to be
 * called, the loop calls it. It exists so that nobody else knows curl_multi.
 *
 * Invariant: a watch lives as long as libcurl knows its socket; an ended transfer leaves the multi
 * handle before it is told. Called by client.c.
 */
#include "fetch/driver.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/loop.h"

struct driver {
	struct event_base *base;
	CURLM *multi;
	struct loop_timer *timer;
	driver_fn *on_end;
};

struct driver_socket {
	struct driver *driver;
	curl_socket_t fd;
	struct loop_watch *in, *out;
};

static void tell_ended(struct driver *d)
{
	int left;
	CURLMsg *m;

	while ((m = curl_multi_info_read(d->multi, &left))) {
		CURL *easy = m->easy_handle;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_multi_remove_handle(d->multi, easy);
		d->on_end(easy, code);
	}
}

static void act(struct driver *d, curl_socket_t fd, int events)
{
	int running;

	curl_multi_socket_action(d->multi, fd, events, &running);
	tell_ended(d);
}

static void on_readable(void *self)
{
	struct driver_socket *s = self;

	act(s->driver, s->fd, CURL_CSELECT_IN);
}

static void on_writable(void *self)
{
	struct driver_socket *s = self;

	act(s->driver, s->fd, CURL_CSELECT_OUT);
}

static void on_timer(void *self)
{
	act(self, CURL_SOCKET_TIMEOUT, 0);
}

static void socket_free(struct driver_socket *s)
{
	if (!s)
		return;
	loop_watch_free(s->in);
	loop_watch_free(s->out);
	free(s);
}

static int watch(struct driver_socket *s, int writable, int on)
{
	struct loop_watch **w = writable ? &s->out : &s->in;

	if (*w) {
		loop_watch_enable(*w, on);
		return 0;
	}
	if (!on)
		return 0;
	return loop_watch_new(s->driver->base, s->fd, writable,
	                      writable ? on_writable : on_readable, s, w);
}

static struct driver_socket *socket_new(struct driver *d, curl_socket_t fd)
{
	struct driver_socket *s = calloc(1, sizeof(*s));

	if (s) {
		s->driver = d;
		s->fd = fd;
		curl_multi_assign(d->multi, fd, s);
	}
	return s;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *self, void *known)
{
	struct driver *d = self;
	struct driver_socket *s = known;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		socket_free(s);
		return 0;
	}
	if (!s)
		s = socket_new(d, fd);
	if (!s || watch(s, 0, what & CURL_POLL_IN) < 0 || watch(s, 1, what & CURL_POLL_OUT) < 0)
		return -1;
	return 0;
}

static int on_timeout(CURLM *multi, long milliseconds, void *self)
{
	struct driver *d = self;

	(void)multi;
	if (milliseconds < 0)
		loop_timer_disarm(d->timer);
	else
		loop_timer_arm(d->timer, (uint64_t)milliseconds);
	return 0;
}

int driver_new(struct event_base *base, driver_fn *on_end, struct driver **ret)
{
	struct driver *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->base = base;
	d->on_end = on_end;
	d->multi = curl_multi_init();
	if (!d->multi || loop_timer_new(base, on_timer, d, &d->timer) < 0) {
		driver_free(d);
		return -ENOMEM;
	}
	curl_multi_setopt(d->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(d->multi, CURLMOPT_SOCKETDATA, d);
	curl_multi_setopt(d->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	curl_multi_setopt(d->multi, CURLMOPT_TIMERDATA, d);
	*ret = d;
	return 0;
}

void driver_free(struct driver *d)
{
	if (!d)
		return;
	/* Closing what is left calls on_socket and on_timeout: the timer goes last. */
	if (d->multi)
		curl_multi_cleanup(d->multi);
	loop_timer_free(d->timer);
	free(d);
}

int driver_add(struct driver *d, CURL *easy)
{
	return curl_multi_add_handle(d->multi, easy) == CURLM_OK ? 0 : -ENOMEM;
}

void driver_remove(struct driver *d, CURL *easy)
{
	curl_multi_remove_handle(d->multi, easy);
}
