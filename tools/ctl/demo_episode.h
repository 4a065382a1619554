/* The five patterns that fraud takes, and that honest people take, too. Pure. */
#ifndef CTL_DEMO_EPISODE_H
#define CTL_DEMO_EPISODE_H

#include <stdint.h>

#include "base/random.h"
#include "demo_population.h"
#include "demo_schedule.h"

/* Plans one episode that begins at this instant or soon after. 1; 0 when nobody fits (rare);
 * -ENOMEM. */
int demo_episode_plan(struct demo_population *p, struct demo_schedule *s, struct random *r,
                      int64_t us);

/* How long until a fraud is found out: hours to weeks. */
int64_t demo_episode_delay(struct random *r);

#endif
