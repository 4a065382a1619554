/*
 * The client's side of the control socket, for programs without a loop. A question is one message,
 * the answer has its id; what comes in between for another id is none of ours and is left out.
 * Every failure has words, for they are what fraudctl prints.
 */
#include "daemon/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/file.h"

#define ANSWER_MS 5000
#define QUESTION_ID 1

static int connect_words(const char *path, int r, struct errbuf *err)
{
	if (r == -ENOENT || r == -ECONNREFUSED)
		return errbuf_set(err, r, "fraudd does not run: nobody answers at \"%s\"", path);
	if (r == -EACCES || r == -EPERM)
		return errbuf_set(err, r, "may not ask fraudd: no access to \"%s\"", path);
	return errbuf_set(err, r, "could not connect to \"%s\": %s", path, strerror(-r));
}

int control_connect(const char *runtime_dir, int *ret_fd, struct errbuf *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP(close_p) int fd = -1;
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock",
	                 runtime_dir);

	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return errbuf_set(err, -ENAMETOOLONG, "runtime_dir \"%s\" is too long",
		                  runtime_dir);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errbuf_set(err, -errno, "could not make a socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return connect_words(address.sun_path, -errno, err);
	*ret_fd = take_fd(&fd);
	return 0;
}

static int answer_words(int r, struct errbuf *err)
{
	if (r == -EPIPE)
		return errbuf_set(err, r, "fraudd does not answer this user, or it is stopping");
	if (r == -ETIMEDOUT)
		return errbuf_set(err, r, "fraudd did not answer in time");
	if (r == -EBADMSG)
		return errbuf_set(err, r, "fraudd is of another version than this program");
	return errbuf_set(err, r, "could not ask fraudd: %s", strerror(-r));
}

static int ask(int fd, enum message_type type, const void *payload, struct errbuf *err)
{
	int r = channel_send_blocking(fd, type, QUESTION_ID, payload, -1, ANSWER_MS);

	return r < 0 ? answer_words(r, err) : 0;
}

/* The next message for us; m->fd is the caller's. */
static int receive(int fd, int timeout_ms, void *buffer, struct message *m)
{
	int r = channel_recv_blocking(fd, timeout_ms, buffer, m);

	while (r == 0 && m->id != QUESTION_ID) {
		close_p(&m->fd);
		r = channel_recv_blocking(fd, timeout_ms, buffer, m);
	}
	return r;
}

int control_model(int fd, struct msg_model *ret, int *ret_fd, struct errbuf *err)
{
	_Alignas(16) unsigned char buffer[CHANNEL_MAX_PAYLOAD];
	CLEANUP(close_p) int model = -1;
	struct msg_nothing nothing = { 0 };
	struct message m;
	int r = ask(fd, MSG_MODEL_WANTED, &nothing, err);

	if (r < 0)
		return r;
	r = receive(fd, ANSWER_MS, buffer, &m);
	if (r < 0)
		return answer_words(r, err);
	model = m.fd;
	if (m.type != MSG_MODEL_USE)
		return answer_words(-EBADMSG, err);
	if (model < 0)
		return errbuf_set(err, -ENOENT, "fraudd serves no model");
	if (!memfd_is_sealed(model))
		return errbuf_set(err, -EPERM, "the model of fraudd is not sealed");
	memcpy(ret, m.payload, sizeof(*ret));
	*ret_fd = take_fd(&model);
	return 0;
}

int control_reload(int fd, const struct msg_reload *wish, int timeout_ms,
                   struct msg_reload_done *ret, struct errbuf *err)
{
	_Alignas(16) unsigned char buffer[CHANNEL_MAX_PAYLOAD];
	struct message m;
	int r = ask(fd, MSG_RELOAD_WANTED, wish, err);

	if (r < 0)
		return r;
	r = receive(fd, timeout_ms, buffer, &m);
	if (r < 0)
		return answer_words(r, err);
	close_p(&m.fd);
	if (m.type != MSG_RELOAD_DONE)
		return answer_words(-EBADMSG, err);
	memcpy(ret, m.payload, sizeof(*ret));
	return 0;
}

int control_status(int fd, struct msg_status *ret, struct msg_status_child *children, size_t room,
                   struct errbuf *err)
{
	_Alignas(16) unsigned char buffer[CHANNEL_MAX_PAYLOAD];
	struct msg_nothing nothing = { 0 };
	struct message m;
	size_t n = 0;
	int r = ask(fd, MSG_STATUS_WANTED, &nothing, err);

	if (r < 0)
		return r;
	for (;;) {
		r = receive(fd, ANSWER_MS, buffer, &m);
		if (r < 0)
			return answer_words(r, err);
		close_p(&m.fd);
		if (m.type != MSG_STATUS_CHILD)
			break;
		if (n < room)
			memcpy(&children[n++], m.payload, sizeof(*children));
	}
	if (m.type != MSG_STATUS)
		return answer_words(-EBADMSG, err);
	memcpy(ret, m.payload, sizeof(*ret));
	return (int)n;
}
