/* Requests that wait for the supervisor's word about a reload. */
#ifndef FRONT_RELOAD_H
#define FRONT_RELOAD_H

#include "front.h"

int reloads_new(struct reloads **ret);
void reloads_free(struct reloads *r);
/* MSG_RELOAD_DONE: answers the call that asked with this id. */
void reloads_on_done(struct front *f, uint64_t id, const struct msg_reload_done *done);

#endif
