/*
 * A job's first and only messages. They are put into a socket before the job lives and the other
 * end is closed, so that nobody waits for anybody: what the job reads is there or never comes.
 *
 * Written by the scheduler, read by fraud-batch and fraud-train.
 */
#include "daemon/job_input.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "daemon/channel.h"
#include "daemon/daemon.h"
#include "daemon/introduction.h"
#include "daemon/sealed_settings.h"

/* Both messages are far smaller than a socket's buffer: neither side ever waits so long. */
#define PATIENCE_MS 1000

static int send_settings(int fd, const struct settings *s, unsigned audience)
{
	struct msg_settings m = { .instances = 1 };
	CLEANUP(close_p) int text = -1;
	int r = sealed_settings_write(s, audience, &text, &m.size);

	return r < 0 ? r : channel_send_blocking(fd, MSG_SETTINGS, 0, &m, text, PATIENCE_MS);
}

int job_input_write(const struct settings *s, unsigned audience, const struct msg_model *model,
                    int *ret_fd)
{
	const struct msg_model none = { 0 };
	CLEANUP(close_p) int ours = -1;
	CLEANUP(close_p) int theirs = -1;
	int ends[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	ours = ends[0];
	theirs = ends[1];
	r = send_settings(ours, s, audience);
	if (r == 0)
		r = channel_send_blocking(ours, MSG_MODEL_USE, 0, model ? model : &none, -1,
		                          PATIENCE_MS);
	if (r == 0)
		*ret_fd = take_fd(&theirs);
	return r;
}

static int receive(int fd, enum message_type type, void *buffer, struct message *ret,
                   struct errbuf *err)
{
	int r = channel_recv_blocking(fd, PATIENCE_MS, buffer, ret);

	if (r < 0)
		return errbuf_set(err, r, "could not receive %s from the scheduler",
		                  message_name(type));
	if (ret->type == type)
		return 0;
	close_p(&ret->fd);
	return errbuf_set(err, -EPROTO, "%s came from the scheduler instead of %s",
	                  message_name(ret->type), message_name(type));
}

static int read_settings(int fd, struct settings **ret, struct errbuf *err)
{
	_Alignas(16) unsigned char buffer[CHANNEL_MAX_PAYLOAD];
	const struct msg_settings *s;
	struct message m;
	int r = receive(fd, MSG_SETTINGS, buffer, &m, err);

	if (r < 0)
		return r;
	s = m.payload;
	r = sealed_settings_read(m.fd, s->size, ret, err);
	close_p(&m.fd);
	return r;
}

static bool texts_hold(const struct msg_model *m)
{
	return message_text(m->name, sizeof(m->name)) &&
	       message_text(m->version, sizeof(m->version)) &&
	       message_text(m->registry_version, sizeof(m->registry_version));
}

/* fd 4 is the model only if the message says that there is one, and then it must be what it says.
 */
static int take_model_fd(const struct msg_model *m, int *ret, struct errbuf *err)
{
	struct stat st;

	*ret = -1;
	if (m->generation == 0)
		return 0;
	if (fstat(DAEMON_JOB_MODEL_FD, &st) < 0 || st.st_size < 0 ||
	    (uint64_t)st.st_size != m->size || !memfd_is_sealed(DAEMON_JOB_MODEL_FD))
		return errbuf_set(err, -EBADF, "fd %d is no model of the size that was said",
		                  DAEMON_JOB_MODEL_FD);
	*ret = DAEMON_JOB_MODEL_FD;
	return fcntl(*ret, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

static int read_model(int fd, struct job_input *in, struct errbuf *err)
{
	_Alignas(16) unsigned char buffer[CHANNEL_MAX_PAYLOAD];
	struct message m;
	int r = receive(fd, MSG_MODEL_USE, buffer, &m, err);

	if (r < 0)
		return r;
	in->model = *(const struct msg_model *)m.payload;
	close_p(&m.fd);
	if (!texts_hold(&in->model))
		return errbuf_set(err, -EBADMSG, "the model's name or version is no text");
	return take_model_fd(&in->model, &in->model_fd, err);
}

int job_input_read(struct job_input *ret, struct errbuf *err)
{
	struct job_input in = { .model_fd = -1 };
	CLEANUP(close_p) int fd = -1;
	int r;

	if (!introduction_is_channel(DAEMON_CHANNEL_FD))
		return errbuf_set(err, -ENOENT, "the scheduler did not start this");
	fd = DAEMON_CHANNEL_FD;
	r = read_settings(fd, &in.settings, err);
	if (r == 0)
		r = read_model(fd, &in, err);
	if (r < 0) {
		job_input_done(&in);
		return r;
	}
	*ret = in;
	return 0;
}

void job_input_done(struct job_input *in)
{
	settings_free(in->settings);
	close_p(&in->model_fd);
}
