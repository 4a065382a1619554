/*
 * A small server of typed messages: three questions (status, reload, the model), a bounded number
 * of clients, each a channel as the children have. Who may ask is decided by the kernel's word for
 * the peer (SO_PEERCRED), not only by the mode of the file.
 */
#include "control_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/loop.h"
#include "status.h"

#define CLIENTS_MAX 16
#define SOCKET_MODE 0660

struct client {
	struct control_server *server;
	struct channel *channel; /* NULL: free */
};

struct control_server {
	struct control_options options;
	struct sockaddr_un address;
	struct loop_watch *watch;
	struct client clients[CLIENTS_MAX];
	int fd;
};

static void on_status(void *self, struct message *m)
{
	struct client *c = self;
	const struct control_options *o = &c->server->options;
	int r = status_send(o->reload, o->started_at_us, c->channel, m->id);

	if (r < 0)
		log_debug("could not answer a question for the status: %s", strerror(-r));
}

static void on_reload(void *self, struct message *m)
{
	struct client *c = self;

	reload_ask(c->server->options.reload, m->payload, c->channel, m->id);
}

static void on_model(void *self, struct message *m)
{
	struct client *c = self;
	const struct model *model = c->server->options.model;

	channel_send(c->channel, MSG_MODEL_USE, m->id, &model->info, model->fd);
}

static const struct channel_handler handlers[] = {
	{ MSG_STATUS_WANTED, on_status },
	{ MSG_RELOAD_WANTED, on_reload },
	{ MSG_MODEL_WANTED, on_model },
	{ .handler = NULL },
};

static void client_free(struct client *c)
{
	if (!c->channel)
		return;
	reload_forget(c->server->options.reload, c->channel);
	channel_free(c->channel);
	c->channel = NULL;
}

static void on_end(struct channel *channel, void *self, int reason)
{
	struct client *c = self;

	(void)channel;
	if (reason < 0)
		log_warning(reason, "a client of the control socket is of another version");
	client_free(c);
	loop_watch_enable(c->server->watch, 1);
}

static struct client *free_client(struct control_server *s)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (!s->clients[i].channel)
			return &s->clients[i];
	return NULL;
}

static bool may_ask(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	log_warning(0, "user %u may not use the control socket (pid %d)", peer.uid, (int)peer.pid);
	return false;
}

static void on_connect(void *self)
{
	struct control_server *s = self;
	struct client *c = free_client(s);
	struct channel_options o = { handlers, on_end, c };
	int fd;

	if (!c) {
		loop_watch_enable(s->watch, 0);
		return;
	}
	fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (!may_ask(fd) || channel_new(s->options.base, fd, &o, &c->channel) < 0)
		close(fd);
}

static int set_address(struct control_server *s, struct errbuf *err)
{
	size_t room = sizeof(s->address.sun_path);
	int n = snprintf(s->address.sun_path, room, "%s/control.sock", s->options.runtime_dir);

	s->address.sun_family = AF_UNIX;
	if (n < 0 || (size_t)n >= room)
		return errbuf_set(err, -ENAMETOOLONG,
		                  "runtime_dir \"%s\" is longer than a socket's path may be",
		                  s->options.runtime_dir);
	return 0;
}

static int open_socket(struct control_server *s, struct errbuf *err)
{
	const char *path = s->address.sun_path;

	s->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return errbuf_set(err, -errno, "could not make the control socket");
	unlink(path);
	if (bind(s->fd, (struct sockaddr *)&s->address, sizeof(s->address)) < 0)
		return errbuf_set(err, -errno, "could not make \"%s\": %s", path, strerror(errno));
	if (chmod(path, SOCKET_MODE) < 0 || listen(s->fd, CLIENTS_MAX) < 0)
		return errbuf_set(err, -errno, "could not open \"%s\": %s", path, strerror(errno));
	return 0;
}

int control_server_new(const struct control_options *o, struct control_server **ret,
                       struct errbuf *err)
{
	struct control_server *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return errbuf_set(err, -ENOMEM, "no memory for the control socket");
	s->options = *o;
	s->fd = -1;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		s->clients[i].server = s;
	r = set_address(s, err);
	if (r == 0)
		r = open_socket(s, err);
	if (r == 0 && loop_watch_new(o->base, s->fd, 0, on_connect, s, &s->watch) < 0)
		r = errbuf_set(err, -ENOMEM, "no memory for the control socket");
	if (r < 0) {
		control_server_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void control_server_free(struct control_server *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		client_free(&s->clients[i]);
	loop_watch_free(s->watch);
	if (s->fd >= 0) {
		unlink(s->address.sun_path);
		close(s->fd);
	}
	free(s);
}
