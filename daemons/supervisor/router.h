/* Which message of which child goes where: one handler table a service. */
#ifndef SUPERVISOR_ROUTER_H
#define SUPERVISOR_ROUTER_H

#include "child.h"
#include "model.h"
#include "reload.h"

struct router {
	struct model *model;
	struct reload *reload;
	/* Something that the whole suite's state depends on has changed. */
	void (*changed)(void *self);
	void *self;
};

/* For struct children, whose self must be a struct router. */
extern const struct child_hooks router_hooks;

#endif
