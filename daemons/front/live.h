/* What the first worker of a host tells the other hosts: which model is live here. And what it
 * hears from them: that a version was promoted. */
#ifndef FRONT_LIVE_H
#define FRONT_LIVE_H

#include "daemon/messages.h"

struct front;
struct live;

/* The first worker of a suite with a database; never waits for it. */
int live_new(struct front *f, struct live **ret);
/* NULL is fine. */
void live_free(struct live *l);
/* All workers of this host serve it. */
void live_model(struct live *l, const struct msg_model *model);

#endif
