/* One packet of a channel on its way in or out: header, payload, at most one descriptor. Private to
 * this folder; daemons use channel.h. */
#ifndef DAEMON_PACKET_H
#define DAEMON_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/messages.h"

/* payload must have the type's size. Does not wait: 0 or -errno (-EAGAIN: the peer does not read).
 */
int packet_send(int fd, enum message_type type, uint64_t id, const void *payload, int attached_fd);

/*
 * buffer: MESSAGE_MAX_PAYLOAD bytes, aligned for any type; it backs ret->payload. Does not wait.
 * 1: a message, whose fd (-1: none) is the caller's. 0: end of the peer. -EAGAIN: nothing there.
 * -EBADMSG: wrong size, unknown type, truncated, more than one descriptor; all descriptors closed.
 */
int packet_receive(int fd, void *buffer, struct message *ret);

#endif
