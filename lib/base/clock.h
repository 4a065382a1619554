/* The two clocks: what has passed (never jumps) and what a calendar says (may jump). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds since some fixed instant, CLOCK_MONOTONIC. */
uint64_t clock_mono_ns(void);
/* Microseconds since 1970-01-01 UTC, CLOCK_REALTIME. */
int64_t clock_real_us(void);

#endif
