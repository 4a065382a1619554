/*
 * The border between two processes: the one place where bytes of a peer become a message. What has
 * the wrong size, an unknown type, a cut payload or more than one descriptor is refused as a whole
 * and its descriptors are closed, so that no handler ever sees half a message. Used by channel.c
 * for the loop and for the blocking calls.
 */
#include "daemon/packet.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Room to see that too many came; the kernel itself never passes more than 253. */
#define PACKET_MAX_FDS 8

struct packet_header {
	uint32_t type;
	uint32_t size;
	uint64_t id;
};

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(PACKET_MAX_FDS * sizeof(int))];
};

static void attach(struct msghdr *h, union control *control, int fd)
{
	struct cmsghdr *c;

	memset(control, 0, sizeof(*control));
	h->msg_control = control->bytes;
	h->msg_controllen = CMSG_SPACE(sizeof(int));
	c = CMSG_FIRSTHDR(h);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

int packet_send(int fd, enum message_type type, uint64_t id, const void *payload, int attached_fd)
{
	struct packet_header header = { type, (uint32_t)message_size(type), id };
	union control control;
	struct iovec iov[2] = {
		{ &header, sizeof(header) },
		{ (void *)payload, message_size(type) },
	};
	struct msghdr h = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	assert(payload && message_size(type) > 0);
	if (attached_fd >= 0)
		attach(&h, &control, attached_fd);
	do
		n = sendmsg(fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
}

/* Takes the first descriptor; closes and counts the others. */
static unsigned detach(struct msghdr *h, int *ret_fd)
{
	unsigned extra = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (*ret_fd < 0) {
				*ret_fd = fd;
			} else {
				close(fd);
				extra++;
			}
		}
	}
	return extra;
}

static int check(const struct packet_header *header, const struct msghdr *h, size_t n)
{
	if (h->msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -EBADMSG;
	if (n < sizeof(*header) || header->size != n - sizeof(*header))
		return -EBADMSG;
	if (header->type >= MESSAGE_MAX || header->size != message_size(header->type))
		return -EBADMSG;
	return 0;
}

int packet_receive(int fd, void *buffer, struct message *ret)
{
	struct packet_header header = { 0 };
	union control control;
	struct iovec iov[2] = {
		{ &header, sizeof(header) },
		{ buffer, MESSAGE_MAX_PAYLOAD },
	};
	struct msghdr h = { .msg_iov = iov,
		            .msg_iovlen = 2,
		            .msg_control = control.bytes,
		            .msg_controllen = sizeof(control.bytes) };
	CLEANUP(close_p) int attached = -1;
	unsigned extra;
	ssize_t n;

	do
		n = recvmsg(fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	/* A peer that died with unread packets in its queue resets: that is an end like any other.
	 */
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	extra = detach(&h, &attached);
	if (n == 0 && attached < 0)
		return 0;
	if (extra > 0 || check(&header, &h, (size_t)n) < 0)
		return -EBADMSG;
	*ret = (struct message){ header.type, header.id, buffer, take_fd(&attached) };
	return 1;
}
