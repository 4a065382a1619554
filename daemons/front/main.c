/*
 * fraud-front: one of N workers that answer HTTP. It gets its listening sockets, settings, the
 * scoreboard and every model from the supervisor, and opens nothing itself but client connections.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "auth.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/loop.h"
#include "front.h"
#include "generation.h"
#include "http/server.h"
#include "http/tls.h"
#include "jobs.h"
#include "live.h"
#include "reload.h"
#include "requests.h"
#include "slices.h"
#include "json/value.h"

static_assert(sizeof(struct http_counters) <= SCOREBOARD_HTTP_WORDS * sizeof(uint64_t),
              "the server's counters fit the scoreboard");

/* Time for a body is what it needs at the lowest rate, and this on top. */
#define RATE_GRACE_MS 10000
#define LINGER_MS 2000

static struct http_limits limits_of(const struct settings *s)
{
	struct http_limits l = HTTP_LIMITS_DEFAULT;

	l.request_line = s->http.request_line_bytes;
	l.head = s->http.header_bytes;
	l.fields = s->http.header_fields;
	l.body = s->http.max_body_bytes;
	l.connections = s->http.max_connections;
	l.source_connections = s->http.max_connections_per_source;
	l.pipeline = s->http.pipeline;
	l.first_byte_ms = s->http.first_byte_timeout_ms;
	l.head_ms = s->http.header_timeout_ms;
	l.idle_ms = s->http.idle_timeout_ms;
	l.body_ms = RATE_GRACE_MS;
	l.write_ms = RATE_GRACE_MS;
	l.linger_ms = LINGER_MS;
	l.body_rate = s->http.min_body_rate;
	l.write_rate = s->http.min_write_rate;
	return l;
}

/* --- messages --- */

static void use_model(struct front *f, const struct msg_model *about, int fd,
                      struct msg_model_in_use *ret)
{
	struct generation *g;
	struct errbuf err;

	*ret = (struct msg_model_in_use){ .generation = about->generation };
	ret->result = generation_open(about, fd, &g, &err);
	if (ret->result < 0) {
		log_error(0, "cannot use model \"%s\": %s", about->version, err.text);
		return;
	}
	generation_release(f->current);
	f->current = g;
	atomic_store_explicit(&f->slot->generation, about->generation, memory_order_relaxed);
	log_info("serving model \"%s\" as generation %llu", about->version,
	         (unsigned long long)about->generation);
}

static void on_model_use(void *self, struct message *m)
{
	struct front *f = self;
	struct msg_model_in_use used;

	use_model(f, m->payload, m->fd, &used);
	channel_send(f->daemon->channel, MSG_MODEL_IN_USE, m->id, &used, -1);
}

static void on_registry_state(void *self, struct message *m)
{
	struct front *f = self;

	f->registry = *(const struct msg_registry_state *)m->payload;
}

static void on_reload_done(void *self, struct message *m)
{
	reloads_on_done(self, m->id, m->payload);
}

static void on_model_live(void *self, struct message *m)
{
	const struct msg_model *about = m->payload;
	struct front *f = self;

	log_debug("generation %llu is live on all workers", (unsigned long long)about->generation);
	if (f->live)
		live_model(f->live, about);
}

static const struct channel_handler handlers[] = {
	{ MSG_MODEL_USE, on_model_use },
	{ MSG_MODEL_LIVE, on_model_live },
	{ MSG_REGISTRY_STATE, on_registry_state },
	{ MSG_RELOAD_DONE, on_reload_done },
	{ 0, NULL },
};

/* --- life --- */

static int listen_on(struct front *f, unsigned i)
{
	const struct settings_listener *l = &front_settings(f)->listener[i];
	struct http_network trusted[SETTINGS_MAX_TRUSTED];
	struct http_listener_options o = {
		.proxy_v2 = l->proxy == LISTENER_PROXY_V2,
		.trusted = trusted,
		.trusted_count = l->trusted_count,
		.role = (int)l->role,
		.reserved = l->role == LISTENER_OPERATOR,
	};
	struct errbuf err;
	int r;

	for (unsigned n = 0; n < l->trusted_count; n++) {
		if (http_network_parse(str_of(l->trusted[n]), &trusted[n]) < 0)
			return log_error(-EINVAL, "listener %s: \"%s\" is no network", l->address,
			                 l->trusted[n]);
	}
	if (l->tls_certificate[0]) {
		struct http_tls_files tls = { .certificate = l->tls_certificate,
			                      .key = l->tls_key,
			                      .client_ca = l->client_ca[0] ? l->client_ca : NULL };

		r = http_tls_new(&tls, &o.tls, &err);
		if (r < 0)
			return log_error(0, "listener %s: %s", l->address, err.text), r;
	}
	r = http_server_listen(f->server, f->daemon->listeners[i], &o);
	http_tls_unref(o.tls);
	return r < 0 ? log_error(r, "could not listen on %s", l->address) : 0;
}

static int start(struct daemon *d)
{
	struct front *f = d->self;
	struct http_limits limits = limits_of(d->settings);
	int r;

	json_setup();
	if (!d->settings->auth.enabled && d->instance == 0)
		log_warning(0, "auth.enabled is false: scoring and reload are open to everybody "
		               "who can connect");
	f->slot = &d->scoreboard->slots[d->instance];
	scoreboard_take_slot(f->slot);
	r = reloads_new(&f->reloads);
	if (r == 0)
		r = slices_new(d->base, d->settings->front.slice_us, &f->slices);
	if (r == 0 && d->settings->auth.enabled)
		r = auth_new(f, &f->auth);
	if (r == 0)
		r = jobs_new(f, &f->jobs);
	if (r == 0 && d->settings->database.url[0] && d->instance == 0)
		r = live_new(f, &f->live);
	if (r == 0)
		r = http_server_new(d->base, &limits, &request_callbacks, f, &f->server);
	if (r < 0)
		return log_error(r, "could not start");
	http_server_set_counters(f->server, (struct http_counters *)(void *)f->slot->http);
	for (unsigned i = 0; i < d->listener_count && r == 0; i++) {
		if (d->listeners[i] >= 0)
			r = listen_on(f, i);
	}
	atomic_store_explicit(&f->slot->accepting, 1, memory_order_relaxed);
	return r;
}

static void on_drained(void *self)
{
	struct front *f = self;

	daemon_leave(f->daemon, 0);
}

static void stop_accepting(void *self)
{
	struct front *f = self;

	atomic_store_explicit(&f->slot->accepting, 0, memory_order_relaxed);
	http_server_drain(f->server, on_drained);
	/* The last who holds them: who connects now is refused, and does not wait in a queue that
	 * nobody will serve. */
	for (unsigned i = 0; i < f->daemon->listener_count; i++) {
		close_p(&f->daemon->listeners[i]);
		f->daemon->listeners[i] = -1;
	}
}

/* First the balancer notices (readyz), then accepting ends, then what is in flight is answered. */
static void drain(struct daemon *d, uint32_t seconds)
{
	struct front *f = d->self;

	f->draining = true;
	if (seconds == 0 || loop_timer_new(d->base, stop_accepting, f, &f->drain_timer) < 0) {
		stop_accepting(f);
		return;
	}
	loop_timer_arm(f->drain_timer, (uint64_t)seconds * 1000);
}

static void stop(struct daemon *d)
{
	struct front *f = d->self;

	http_server_free(f->server);
	auth_free(f->auth);
	jobs_free(f->jobs);
	live_free(f->live);
	slices_free(f->slices);
	reloads_free(f->reloads);
	loop_timer_free(f->drain_timer);
	generation_release(f->current);
	strbuf_done(&f->out);
	if (f->slot)
		atomic_store_explicit(&f->slot->pid, 0, memory_order_relaxed);
}

static void apply(struct daemon *d, const struct settings *next)
{
	struct front *f = d->self;
	struct http_limits limits = limits_of(next);

	http_server_set_limits(f->server, &limits);
	slices_set_length(f->slices, next->front.slice_us);
	if (f->auth)
		auth_apply(f->auth, next);
}

int main(int argc, char **argv)
{
	struct front f = { 0 };
	struct daemon d = { .name = "front",
		            .start = start,
		            .drain = drain,
		            .stop = stop,
		            .apply = apply,
		            .handlers = handlers,
		            .self = &f };

	f.daemon = &d;
	return daemon_run(&d, argc, argv);
}
