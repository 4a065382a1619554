/* What `fraudctl status` is told. */
#ifndef SUPERVISOR_STATUS_H
#define SUPERVISOR_STATUS_H

#include "daemon/channel.h"
#include "reload.h"

/* Rows that one answer holds; msg_status.children counts all. So many always fit into a socket. */
#define STATUS_MAX_CHILDREN 128

/* One MSG_STATUS_CHILD a child, then MSG_STATUS, all with this id. 0 or -errno. */
int status_send(const struct reload *reload, int64_t started_at_us, struct channel *to,
                uint64_t id);

#endif
