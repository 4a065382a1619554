/*
 * The first messages of a child's life, read in their order before there is a loop: MSG_SETTINGS,
 * one MSG_LISTENER for each listening socket if its service has any, and MSG_SCOREBOARD, which ends
 * them. All that was sent before the child came to life waits in the socket, so the time limit is
 * only for a supervisor that is in trouble. Called once by daemon_run().
 */
#include "daemon/introduction.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "daemon/scoreboard.h"
#include "daemon/sealed_settings.h"

#define PATIENCE_MS 30000

struct introduction {
	struct daemon *d;
	struct settings *settings;
	struct errbuf *err;
};

typedef int step_fn(struct introduction *in, struct message *m);

bool introduction_is_channel(int fd)
{
	int domain = 0, type = 0;
	socklen_t n = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) < 0)
		return false;
	n = sizeof(type);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) < 0)
		return false;
	return domain == AF_UNIX && type == SOCK_SEQPACKET;
}

static int on_settings(struct introduction *in, struct message *m)
{
	const struct msg_settings *s = m->payload;

	if (in->settings)
		return errbuf_set(in->err, -EPROTO, "the settings came twice");
	in->d->instance = s->instance;
	in->d->instances = s->instances;
	return sealed_settings_read(m->fd, s->size, &in->settings, in->err);
}

static int on_listener(struct introduction *in, struct message *m)
{
	const struct msg_listener *l = m->payload;
	struct daemon *d = in->d;

	if (m->fd < 0 || l->index >= SETTINGS_MAX_LISTENERS || d->listeners[l->index] >= 0)
		return errbuf_set(in->err, -EPROTO, "listener %u makes no sense", l->index);
	d->listeners[l->index] = take_fd(&m->fd);
	if (d->listener_count <= l->index)
		d->listener_count = l->index + 1;
	return 0;
}

static int on_scoreboard(struct introduction *in, struct message *m)
{
	const struct msg_scoreboard *s = m->payload;
	int r = scoreboard_map(m->fd, s->size, &in->d->scoreboard);

	return r < 0 ? errbuf_set(in->err, r, "could not map the scoreboard") : 0;
}

static step_fn *const steps[MESSAGE_MAX] = {
        [MSG_SETTINGS] = on_settings,
        [MSG_LISTENER] = on_listener,
        [MSG_SCOREBOARD] = on_scoreboard,
};

static int receive_one(struct introduction *in)
{
	_Alignas(16) unsigned char buffer[CHANNEL_MAX_PAYLOAD];
	struct message m;
	int r = channel_recv_blocking(DAEMON_CHANNEL_FD, PATIENCE_MS, buffer, &m);

	if (r < 0)
		return errbuf_set(in->err, r, "could not receive the settings from fraudd");
	if (!steps[m.type] || (m.type != MSG_SETTINGS && !in->settings))
		r = errbuf_set(in->err, -EPROTO, "%s came too early", message_name(m.type));
	else
		r = steps[m.type](in, &m);
	close_p(&m.fd);
	return r;
}

int introduction_receive(struct daemon *d, struct settings **ret, struct errbuf *err)
{
	struct introduction in = {.d = d, .err = err};
	int r = 0;

	for (unsigned i = 0; i < SETTINGS_MAX_LISTENERS; i++)
		d->listeners[i] = -1;
	while (r == 0 && !d->scoreboard)
		r = receive_one(&in);
	if (r < 0) {
		settings_free(in.settings);
		return r;
	}
	*ret = in.settings;
	return 0;
}
