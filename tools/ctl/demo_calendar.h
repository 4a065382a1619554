/* When remittances happen: a year of hours with its busy days and quiet nights. Pure. */
#ifndef CTL_DEMO_CALENDAR_H
#define CTL_DEMO_CALENDAR_H

#include <stdint.h>

#include "base/random.h"

#define DEMO_DAYS 365
#define DEMO_HOURS 8760

struct demo_calendar {
	int64_t from_us;               /* the first instant; the last is DEMO_DAYS later */
	double until_hour[DEMO_HOURS]; /* share of all rows before the end of that hour; last = 1 */
};

void demo_calendar_init(struct demo_calendar *c, int64_t until_us);
/* The instant before which this share (0 .. 1) of all rows happens. */
int64_t demo_calendar_at(const struct demo_calendar *c, double share);
/* The share after one more of `left` evenly drawn rows: sorted draws without sorting. */
double demo_calendar_next_share(struct random *r, double share, double left);

/* 0 .. 23, and the day since 1970-01-01. */
unsigned demo_hour(int64_t us);
int32_t demo_day(int64_t us);

#endif
