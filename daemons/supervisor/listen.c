/*
 * Opens the listening sockets once, at start, or takes over what systemd holds for us; children get
 * them by message. One shared socket an address: with a socket for each worker (SO_REUSEPORT) every
 * killed worker takes the connections in its queue with it.
 */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "address.h"
#include "base/cleanup.h"
#include "base/log.h"

/* The kernel cuts it to net.core.somaxconn, which is where an operator sets it. */
#define BACKLOG 65535

static int set_options(int fd, int family)
{
	int on = 1;

	if (family == AF_UNIX)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	/* So that "0.0.0.0:80" and "[::]:80" may both be listed. */
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

/* A socket file that nobody serves is left over from a suite that was killed. */
static void remove_stale(const struct address *a)
{
	const struct sockaddr_un *un = (const void *)&a->storage;
	CLEANUP(close_p) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const void *)&a->storage, a->size) < 0 && errno == ECONNREFUSED)
		unlink(un->sun_path);
}

static int open_one(const struct address *a, int *ret)
{
	int family = a->storage.ss_family;
	CLEANUP(close_p) int fd = -1;
	int r;

	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = set_options(fd, family);
	if (r < 0)
		return r;
	if (family == AF_UNIX)
		remove_stale(a);
	if (bind(fd, (const void *)&a->storage, a->size) < 0)
		return -errno;
	if (family == AF_UNIX && chmod(((const struct sockaddr_un *)&a->storage)->sun_path, 0660))
		return -errno;
	if (listen(fd, BACKLOG) < 0)
		return -errno;
	*ret = take_fd(&fd);
	return 0;
}

static int own_address(int fd, struct address *ret)
{
	ret->size = sizeof(ret->storage);
	memset(&ret->storage, 0, sizeof(ret->storage));
	return getsockname(fd, (void *)&ret->storage, &ret->size) < 0 ? -errno : 0;
}

static const char *const role_names[] = {
	[LISTENER_PUBLIC] = "public",
	[LISTENER_OPERATOR] = "operator",
};

/* How many listeners before this one have its role. */
static unsigned rank(const struct settings *s, unsigned index)
{
	unsigned n = 0;

	for (unsigned i = 0; i < index; i++)
		n += s->listener[i].role == s->listener[index].role;
	return n;
}

static bool by_role(const struct sdnotify_fd *f)
{
	return strcmp(f->name, role_names[LISTENER_PUBLIC]) == 0 ||
	       strcmp(f->name, role_names[LISTENER_OPERATOR]) == 0;
}

static bool has_address(const struct sdnotify_fd *f, const struct address *wanted)
{
	struct address own;

	return f->fd >= 0 && own_address(f->fd, &own) == 0 && address_equal(&own, wanted);
}

/* The socket that systemd holds for this listener, or -1. */
static int take_given(const struct settings *s, unsigned index, struct sdnotify_fd *given,
                      size_t count)
{
	const char *role = role_names[s->listener[index].role];
	unsigned skip = rank(s, index);
	struct address wanted;

	for (size_t i = 0; i < count; i++)
		if (strcmp(given[i].name, role) == 0 && skip-- == 0)
			return take_fd(&given[i].fd);
	if (address_parse(s->listener[index].address, &wanted) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (!by_role(&given[i]) && has_address(&given[i], &wanted))
			return take_fd(&given[i].fd);
	return -1;
}

static int prepare_given(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

static int open_listener(struct listeners *l, unsigned index, const char *text, struct errbuf *err)
{
	struct address a;
	int r = address_parse(text, &a);

	if (r == 0)
		r = open_one(&a, &l->fds[index]);
	if (r < 0)
		return errbuf_set(err, r, "could not listen on \"%s\": %s", text, strerror(-r));
	if (a.storage.ss_family == AF_UNIX)
		memcpy(l->paths[index], ((const struct sockaddr_un *)&a.storage)->sun_path,
		       LISTEN_PATH_MAX);
	return 0;
}

static void tell(int fd, enum listener_role role, bool given)
{
	struct address a;
	char text[160];

	if (own_address(fd, &a) < 0)
		return;
	address_print(&a, text, sizeof(text));
	log_info("listening on %s (%s%s)", text, role_names[role],
	         given ? ", from the service manager" : "");
}

int listeners_open(struct listeners *l, const struct settings *s, struct sdnotify_fd *given,
                   size_t given_count, struct errbuf *err)
{
	*l = (struct listeners){ .count = s->listener_count };
	for (unsigned i = 0; i < SETTINGS_MAX_LISTENERS; i++)
		l->fds[i] = -1;
	for (unsigned i = 0; i < l->count; i++) {
		int fd = take_given(s, i, given, given_count);
		int r;

		l->fds[i] = fd;
		r = fd >= 0 ? prepare_given(fd) : open_listener(l, i, s->listener[i].address, err);
		if (r < 0) {
			listeners_close(l);
			return r;
		}
		tell(l->fds[i], s->listener[i].role, fd >= 0);
	}
	return 0;
}

void listeners_close(struct listeners *l)
{
	for (unsigned i = 0; i < l->count; i++) {
		if (l->fds[i] >= 0 && l->paths[i][0])
			unlink(l->paths[i]);
		close_p(&l->fds[i]);
		l->fds[i] = -1;
	}
}
