/* Whose turn it is, and who is late. For the inside of this folder. */
#ifndef HTTP_SCHEDULE_H
#define HTTP_SCHEDULE_H

#include "http/state.h"

/* Reads the clock; called where the loop enters the server. */
void schedule_now(struct http_server *s);

/* c is run (or freed) from the loop, soon. Twice does no harm; while c takes its steps it does
 * nothing, because they go on anyway. */
void schedule_wake(struct connection *c);
/* The next one to run, taken off the list; NULL when all of this round had their turn. */
struct connection *schedule_next(struct http_server *s);
/* Begins a round: those that get ready from now on belong to the next one. */
void schedule_round(struct http_server *s);

/*
 * From now on c is late if it does not do what w says in time. Asked again for the same w and the
 * same request, the clock goes on.
 */
void schedule_wait(struct connection *c, enum wait w);
/* One that is late, or NULL. Those that are only judged by rate and fast enough stay. */
struct connection *schedule_late(struct http_server *s);
/* Out of all lists. */
void schedule_forget(struct connection *c);

/* Starts the tick if somebody waits; its length follows the limits. */
void schedule_tick(struct http_server *s);

#endif
