/* The event loop as the suite uses it: one base a process, timers and signals with one-line
 * calls. */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

#include <stdint.h>

struct event_base;
struct event;

int loop_new(struct event_base **ret);
/* Runs until loop_break(); 0 or -EIO. */
int loop_run(struct event_base *base);
void loop_break(struct event_base *base);
void loop_free(struct event_base *base);

/* A timer is an event whose callback runs once each time it is armed. */
typedef void loop_fn(void *self);
struct loop_timer;
int loop_timer_new(struct event_base *base, loop_fn *fn, void *self, struct loop_timer **ret);
void loop_timer_arm(struct loop_timer *t, uint64_t milliseconds);
void loop_timer_disarm(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);

/* Readability (or writability) of a descriptor, level-triggered, until freed. fd is borrowed. */
struct loop_watch;
int loop_watch_new(struct event_base *base, int fd, int writable, loop_fn *fn, void *self,
                   struct loop_watch **ret);
void loop_watch_enable(struct loop_watch *w, int on);
void loop_watch_free(struct loop_watch *w);

/* Signals only through the loop. */
struct loop_signal;
int loop_signal_new(struct event_base *base, int signal_number, loop_fn *fn, void *self,
                    struct loop_signal **ret);
void loop_signal_free(struct loop_signal *s);

#endif
