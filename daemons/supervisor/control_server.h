/* The control socket <runtime_dir>/control.sock: fraudctl and jobs run by hand ask here. */
#ifndef SUPERVISOR_CONTROL_SERVER_H
#define SUPERVISOR_CONTROL_SERVER_H

#include <stdint.h>

#include "base/errbuf.h"
#include "model.h"
#include "reload.h"

struct control_server;

struct control_options {
	struct event_base *base;
	const char *runtime_dir;
	const struct model *model;
	struct reload *reload;
	int64_t started_at_us;
};

/* Only root and the suite's own user are answered. The caller holds the lock of runtime_dir, so an
 * old socket there is a leftover. */
int control_server_new(const struct control_options *o, struct control_server **ret,
                       struct errbuf *err);
/* Closes all connections and removes the socket. */
void control_server_free(struct control_server *s);

#endif
