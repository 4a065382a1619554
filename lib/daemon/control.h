/* The client's side of the supervisor's control socket: fraudctl, and jobs run by hand that want
 * the model. Blocking. */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include "base/errbuf.h"
#include "daemon/channel.h"

/* Connects to <runtime_dir>/control.sock; words say whether the suite does not run or may not be
 * asked. */
int control_connect(const char *runtime_dir, int *ret_fd, struct errbuf *err);
/* The sealed model that the suite serves: *ret_fd is the caller's. */
int control_model(int fd, struct msg_model *ret, int *ret_fd, struct errbuf *err);
/* Sends the wish and waits for its outcome. */
int control_reload(int fd, const struct msg_reload *wish, int timeout_ms,
                   struct msg_reload_done *ret, struct errbuf *err);
/* children: up to `room` rows. Returns how many were filled. */
int control_status(int fd, struct msg_status *ret, struct msg_status_child *children, size_t room,
                   struct errbuf *err);

#endif
