/* Who passes: the bearer token of a request, before anything of the request is worked on. */
#ifndef FRONT_AUTH_GATE_H
#define FRONT_AUTH_GATE_H

#include "front.h"

/* At the head; c->route is set. */
enum gate auth_gate(struct call *c);

#endif
