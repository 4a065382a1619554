/*
 * Bytes of a peer as a packet: whatever comes, the channel takes it whole or refuses it, and no
 * descriptor is left open. The first byte says how many descriptors travel with it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/channel.h"

#define MAX_FDS 10

static void send_packet(int fd, const uint8_t *data, size_t size, unsigned fd_count)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)data, size };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[MAX_FDS] = { 0 };

	if (fd_count > 0) {
		h.msg_control = control.room;
		h.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, fd_count * sizeof(int));
	}
	sendmsg(fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void look_at(const struct message *m)
{
	const char *payload = m->payload;
	size_t size = message_size(m->type);

	if (size == 0 || m->type >= MESSAGE_MAX)
		abort();
	message_text(payload, size);
	message_name(m->type);
	close_p(&m->fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_Alignas(16) unsigned char buffer[CHANNEL_MAX_PAYLOAD];
	struct message m;
	int ends[2], before, after;

	if (size == 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return 0;
	before = dup(ends[0]);
	send_packet(ends[0], data + 1, size - 1, data[0] % (MAX_FDS + 1));
	if (channel_recv_blocking(ends[1], 0, buffer, &m) == 0)
		look_at(&m);
	close(before);
	after = dup(ends[0]);
	/* The lowest free number is the same as before: nothing leaked. */
	if (after != before)
		abort();
	close(after);
	close(ends[0]);
	close(ends[1]);
	return 0;
}
