/* Times of day in UTC, as a setting spells them: "02:00, 14:30". Pure. */
#ifndef CONFIG_TIMES_H
#define CONFIG_TIMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/errbuf.h"

#define TIMES_MAX 48

struct times {
	unsigned count;
	uint16_t minute[TIMES_MAX]; /* of the day, ascending */
};

/* Empty text is no time at all. -EINVAL for what is no time, stands there twice, or is too much. */
int times_parse(const char *text, struct times *ret, struct errbuf *err);

/* The first of them after that instant (µs since 1970 UTC); INT64_MAX without times. */
int64_t times_next(const struct times *t, int64_t after_us);

#endif
