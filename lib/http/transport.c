/*
 * Answers are staged in a buffer of their own and flushed once, when a turn of the connection is
 * over. On a plain socket the flush is one writev: only what the kernel does not take goes through
 * the bufferevent and its write event (three system calls a request less). On TLS the staged bytes
 * are handed to the bufferevent in one piece, so a small answer is one record.
 *
 * Files are sent by sendfile on plain sockets; on TLS they are read piece by piece as the output
 * empties, because libevent would map them whole.
 */
#include "http/transport.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "http/tls_session.h"

#define FILE_PIECE 32768
#define FILE_AHEAD 65536
#define WRITE_MOST 262144

static struct evbuffer *bev_output(const struct connection *c)
{
	return bufferevent_get_output(c->bev);
}

/* -- events ----------------------------------------------------------------------------------- */

static void on_read(struct bufferevent *bev, void *self)
{
	struct connection *c = self;

	(void)bev;
	c->events->on_readable(c);
}

static void on_write(struct bufferevent *bev, void *self)
{
	struct connection *c = self;

	(void)bev;
	c->events->on_writable(c);
}

static void on_event(struct bufferevent *bev, short what, void *self)
{
	struct connection *c = self;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED)
		return;
	if ((what & BEV_EVENT_EOF) && !(what & BEV_EVENT_WRITING))
		c->ended = true;
	else
		c->failed = true;
	c->events->on_end(c);
}

/* -- life ------------------------------------------------------------------------------------- */

static struct bufferevent *new_tls(struct connection *c)
{
	c->ssl = tls_session_new(c->listener->tls);
	if (!c->ssl)
		return NULL;
	return bufferevent_openssl_socket_new(c->server->base, c->fd, c->ssl,
	                                      BUFFEREVENT_SSL_ACCEPTING, 0);
}

int transport_open(struct connection *c, const struct transport_events *events)
{
	int one = 1;

	/* Answers are whole when they are flushed. Fails on a unix socket, which has no delay. */
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->events = events;
	c->staged = evbuffer_new();
	if (!c->staged)
		return -ENOMEM;
	c->bev = c->listener->tls ? new_tls(c) : bufferevent_socket_new(c->server->base, c->fd, 0);
	if (!c->bev)
		return -ENOMEM;
	if (!c->ssl)
		evbuffer_set_flags(c->staged, EVBUFFER_FLAG_DRAINS_TO_FD);
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	bufferevent_set_max_single_write(c->bev, WRITE_MOST);
	bufferevent_setwatermark(c->bev, EV_WRITE, c->server->limits.output / 4, 0);
	c->reading = true;
	return bufferevent_enable(c->bev, EV_READ | EV_WRITE) < 0 ? -ENOMEM : 0;
}

static void free_file(struct connection *c)
{
	struct file_part *f = c->files;

	c->files = f->next;
	close(f->fd);
	evbuffer_free(f->after);
	free(f);
}

void transport_close(struct connection *c)
{
	while (c->files)
		free_file(c);
	if (c->bev)
		bufferevent_free(c->bev);
	if (c->staged)
		evbuffer_free(c->staged);
	/* Neither is the bufferevent's: what it still does from the loop touches only itself. */
	SSL_free(c->ssl);
	if (c->fd >= 0)
		close(c->fd);
	c->bev = NULL;
	c->staged = NULL;
	c->ssl = NULL;
	c->fd = -1;
}

/* -- input ------------------------------------------------------------------------------------ */

struct str transport_peek(struct connection *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t n = evbuffer_get_contiguous_space(in);

	if (n == 0)
		n = evbuffer_get_length(in);
	if (n == 0)
		return (struct str){ NULL, 0 };
	return (struct str){ (const char *)evbuffer_pullup(in, (ssize_t)n), n };
}

void transport_consume(struct connection *c, size_t n)
{
	evbuffer_drain(bufferevent_get_input(c->bev), n);
}

size_t transport_available(const struct connection *c)
{
	return evbuffer_get_length(bufferevent_get_input(c->bev));
}

void transport_set_reading(struct connection *c, bool on)
{
	if (c->reading == on)
		return;
	c->reading = on;
	/* libevent reads all that OpenSSL has decrypted before it looks at this again, so nothing
	 * is left behind of which no event would tell. */
	if (on)
		bufferevent_enable(c->bev, EV_READ);
	else
		bufferevent_disable(c->bev, EV_READ);
}

/* -- output ----------------------------------------------------------------------------------- */

static struct file_part *last_file(const struct connection *c)
{
	struct file_part *f = c->files;

	while (f && f->next)
		f = f->next;
	return f;
}

struct evbuffer *transport_output(struct connection *c)
{
	struct file_part *f = last_file(c);

	return f ? f->after : c->staged;
}

void transport_queued(struct connection *c, uint64_t n)
{
	c->queued += n;
	count_add(&c->server->counters->bytes_out, n);
}

static int add_tls_file(struct connection *c, int fd, off_t offset, uint64_t length)
{
	struct file_part *f = calloc(1, sizeof(*f));
	struct file_part *last = last_file(c);

	if (f)
		f->after = evbuffer_new();
	if (!f || !f->after) {
		free(f);
		close(fd);
		return -ENOMEM;
	}
	f->fd = fd;
	f->offset = offset;
	f->left = length;
	if (last)
		last->next = f;
	else
		c->files = f;
	return 0;
}

static int add_plain_file(struct connection *c, int fd, off_t offset, uint64_t length)
{
	struct evbuffer_file_segment *segment;
	int r;

	segment = evbuffer_file_segment_new(fd, offset, (ev_off_t)length, EVBUF_FS_CLOSE_ON_FREE);
	if (!segment) {
		close(fd);
		return -ENOMEM;
	}
	r = evbuffer_add_file_segment(c->staged, segment, 0, (ev_off_t)length);
	evbuffer_file_segment_free(segment);
	return r < 0 ? -ENOMEM : 0;
}

int transport_add_file(struct connection *c, int fd, off_t offset, uint64_t length)
{
	if (length == 0) {
		close(fd);
		return 0;
	}
	transport_queued(c, length);
	if (c->ssl)
		return add_tls_file(c, fd, offset, length);
	return add_plain_file(c, fd, offset, length);
}

uint64_t transport_pending(const struct connection *c)
{
	uint64_t n;

	if (!c->bev)
		return 0;
	n = evbuffer_get_length(c->staged) + evbuffer_get_length(bev_output(c));
	for (const struct file_part *f = c->files; f; f = f->next)
		n += f->left + evbuffer_get_length(f->after);
	return n;
}

/* The next piece of the first file into staged. 1, or 0 when that file is through, or -errno. */
static int read_piece(struct connection *c)
{
	struct file_part *f = c->files;
	struct evbuffer_iovec space;
	size_t most = f->left < FILE_PIECE ? (size_t)f->left : FILE_PIECE;
	ssize_t n;

	if (f->left == 0) {
		evbuffer_add_buffer(c->staged, f->after);
		free_file(c);
		return 0;
	}
	if (evbuffer_reserve_space(c->staged, (ssize_t)most, &space, 1) != 1)
		return -ENOMEM;
	n = pread(f->fd, space.iov_base, most, f->offset);
	if (n <= 0)
		return n < 0 ? -errno : -ENODATA;
	space.iov_len = (size_t)n;
	evbuffer_commit_space(c->staged, &space, 1);
	f->offset += n;
	f->left -= (uint64_t)n;
	return 1;
}

static void flush_tls(struct connection *c)
{
	while (c->files &&
	       evbuffer_get_length(c->staged) + evbuffer_get_length(bev_output(c)) < FILE_AHEAD) {
		if (read_piece(c) < 0) {
			c->failed = true;
			return;
		}
	}
	if (evbuffer_get_length(c->staged) > 0 && evbuffer_add_buffer(bev_output(c), c->staged) < 0)
		c->failed = true;
}

/* Straight to the socket as long as it takes it; a file in between needs a call of its own. */
static void flush_plain(struct connection *c)
{
	while (evbuffer_get_length(bev_output(c)) == 0 && evbuffer_get_length(c->staged) > 0) {
		int n = evbuffer_write(c->staged, c->fd);

		if (n > 0)
			continue;
		/* libevent says 0 when sendfile() would block. */
		if (n == 0 || errno == EAGAIN || errno == EINTR)
			break;
		c->failed = true;
		return;
	}
	if (evbuffer_get_length(c->staged) > 0 && evbuffer_add_buffer(bev_output(c), c->staged) < 0)
		c->failed = true;
}

void transport_flush(struct connection *c)
{
	if (c->failed)
		return;
	if (c->ssl)
		flush_tls(c);
	else if (evbuffer_get_length(c->staged) > 0)
		flush_plain(c);
}

void transport_shutdown(struct connection *c)
{
	if (c->ssl) {
		ERR_clear_error();
		SSL_shutdown(c->ssl);
	}
	shutdown(c->fd, SHUT_WR);
}
