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
#include "daemon/channel.h"
#include "daemon/scoreboard.h"
#include "daemon/sealed_settings.h"

#define PATIENCE_MS 30000

typedef int step_fn(struct introduction *in, struct message *m, struct errbuf *err);

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

static int on_settings(struct introduction *in, struct message *m, struct errbuf *err)
{
	const struct msg_settings *s = m->payload;

	if (in->settings)
		return errbuf_set(err, -EPROTO, "the settings came twice");
	in->instance = s->instance;
	in->instances = s->instances;
	return sealed_settings_read(m->fd, s->size, &in->settings, err);
}

static int on_listener(struct introduction *in, struct message *m, struct errbuf *err)
{
	const struct msg_listener *l = m->payload;

	if (m->fd < 0 || l->index >= SETTINGS_MAX_LISTENERS || in->listeners[l->index] >= 0)
		return errbuf_set(err, -EPROTO, "listener %u makes no sense", l->index);
	in->listeners[l->index] = take_fd(&m->fd);
	if (in->listener_count <= l->index)
		in->listener_count = l->index + 1;
	return 0;
}

static int on_scoreboard(struct introduction *in, struct message *m, struct errbuf *err)
{
	const struct msg_scoreboard *s = m->payload;
	int r = scoreboard_map(m->fd, s->size, &in->scoreboard);

	return r < 0 ? errbuf_set(err, r, "could not map the scoreboard") : 0;
}

static step_fn *const steps[MESSAGE_MAX] = {
	[MSG_SETTINGS] = on_settings,
	[MSG_LISTENER] = on_listener,
	[MSG_SCOREBOARD] = on_scoreboard,
};

static int receive_one(int fd, struct introduction *in, struct errbuf *err)
{
	_Alignas(16) unsigned char buffer[CHANNEL_MAX_PAYLOAD];
	struct message m;
	int r = channel_recv_blocking(fd, PATIENCE_MS, buffer, &m);

	if (r < 0)
		return errbuf_set(err, r, "could not receive the settings from fraudd");
	if (!steps[m.type] || (m.type != MSG_SETTINGS && !in->settings))
		r = errbuf_set(err, -EPROTO, "%s came too early", message_name(m.type));
	else
		r = steps[m.type](in, &m, err);
	close_p(&m.fd);
	return r;
}

int introduction_receive(int fd, struct introduction *ret, struct errbuf *err)
{
	struct introduction in = { 0 };
	int r = 0;

	for (unsigned i = 0; i < SETTINGS_MAX_LISTENERS; i++)
		in.listeners[i] = -1;
	while (r == 0 && !in.scoreboard)
		r = receive_one(fd, &in, err);
	if (r < 0)
		introduction_done(&in);
	else
		*ret = in;
	return r;
}

void introduction_done(struct introduction *in)
{
	for (unsigned i = 0; i < SETTINGS_MAX_LISTENERS; i++)
		close_p(&in->listeners[i]);
	scoreboard_unmap(in->scoreboard);
	settings_free(in->settings);
}
