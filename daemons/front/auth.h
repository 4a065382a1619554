/*
 * Users and tokens, as the rest of a worker sees them: one object, its life and its state.
 * auth_gate.c decides who passes, auth_login.c, auth_register.c and auth_logout.c answer the
 * routes, auth_sweep.c is the janitor; what they share is in auth_state.h.
 */
#ifndef FRONT_AUTH_H
#define FRONT_AUTH_H

#include <stdbool.h>

#include "front.h"

/* Never waits for PostgreSQL. */
int auth_new(struct front *f, struct auth **ret);
/* After the server, whose calls refer to it. NULL is fine. */
void auth_free(struct auth *a);
/* Part of a reload: may not fail, keeps the old keys if memory fails. */
void auth_apply(struct auth *a, const struct settings *next);

/* PostgreSQL has answered once since the worker started. */
bool auth_was_up(const struct auth *a);
bool auth_is_up(const struct auth *a);

#endif
