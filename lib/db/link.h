/*
 * One connection of the pool on the loop: connects, prepares its statements, listens, and then runs
 * one statement at a time. It has no clock: the pool decides when to try, and when it was too long.
 */
#ifndef DB_LINK_H
#define DB_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/errbuf.h"
#include "db/value.h"

struct event_base;
struct link;

enum link_state {
	LINK_DOWN,       /* nothing is under way; link_connect() begins */
	LINK_RESOLVING,  /* the host's name is being asked for */
	LINK_CONNECTING, /* libpq shakes hands */
	LINK_PREPARING,  /* session settings, statements, LISTEN */
	LINK_IDLE,       /* link_send() may be called */
	LINK_BUSY,       /* a statement is under way */
};

struct link_options {
	struct event_base *base;
	const char *url, *application;
	const char *timeout_text; /* statement_timeout in ms */
	const char *const *statements;
	size_t statement_count;
	const char *const *channels;
	size_t channel_count; /* 0: this one does not listen */
	/* The state has changed before each of these is called. on_lost: the link is LINK_DOWN; a
	 * statement under way fails with it (no on_result). */
	void (*on_idle)(void *self);
	void (*on_result)(void *self, int r, const struct pg_result *result,
	                  const struct errbuf *err);
	void (*on_lost)(void *self, int r, const struct errbuf *err);
	void (*on_notify)(void *self, const char *channel, const char *payload);
	void *self;
};

int link_new(const struct link_options *o, struct link **ret);
void link_free(struct link *l); /* no callbacks; NULL is fine */
enum link_state link_state_of(const struct link *l);

/* Begins. 0, or negative with words when it failed at once (LINK_DOWN, no on_lost). */
int link_connect(struct link *l, struct errbuf *err);
/* LINK_IDLE only. Negative with words: the link is LINK_DOWN, no on_lost. */
int link_send(struct link *l, unsigned statement, const struct db_param *params, size_t count,
              struct errbuf *err);
/* Closes at once without a callback: LINK_DOWN. */
void link_drop(struct link *l);

#endif
