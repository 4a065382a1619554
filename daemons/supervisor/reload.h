/* Reloads: settings in two steps, then the model; one at a time, the others in line. */
#ifndef SUPERVISOR_RELOAD_H
#define SUPERVISOR_RELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "child.h"
#include "model.h"

#define RELOAD_MAX_TURNS 16  /* different wishes in line, the running one included */
#define RELOAD_MAX_ASKERS 64 /* of one turn */

struct reload_asker {
	struct channel *channel; /* NULL: nobody waits any more, or a signal asked */
	uint64_t id;
};

struct reload_turn {
	struct msg_reload wish;
	struct reload_asker askers[RELOAD_MAX_ASKERS];
	unsigned asker_count;
};

enum reload_step { RELOAD_IDLE, RELOAD_CHECKING, RELOAD_LOADING, RELOAD_SPREADING };

struct reload_hooks {
	/* Reads the settings anew; all errors as lines in words. 0 or -errno. */
	int (*read)(void *self, struct settings **ret, struct strbuf *words);
	/* next is in force from now on and the callee's; may not fail. */
	void (*apply)(void *self, struct settings *next);
	void (*begun)(void *self, const struct msg_reload *wish);
	void (*ended)(void *self, const struct msg_reload *wish,
	              const struct msg_reload_done *done);
};

struct reload {
	struct children *children;
	struct model *model;
	const struct reload_hooks *hooks;
	void *self;
	struct loop_timer *timer;
	enum reload_step step;
	uint64_t id;           /* of the running one, in messages to children */
	pid_t loader;          /* that was asked: its successor knows nothing of it */
	struct settings *next; /* checked by us, not yet by all children */
	struct strbuf notes;   /* keys that wait for a restart */
	struct {
		int64_t at_us; /* 0: the settings that were read last are in force */
		char words[MESSAGE_WORDS];
	} refused;
	struct msg_reload_done done;                /* what the loader said, while it spreads */
	struct reload_turn turns[RELOAD_MAX_TURNS]; /* [0] runs unless step is RELOAD_IDLE */
	unsigned turn_count;
};

/* All is borrowed. */
int reload_init(struct reload *r, struct children *children, struct model *model,
                const struct reload_hooks *hooks, void *self);
void reload_done(struct reload *r);

/* The asker gets MSG_RELOAD_DONE with its id, at once if the wish makes no sense or the line is
 * full. */
void reload_ask(struct reload *r, const struct msg_reload *wish, struct channel *channel,
                uint64_t id);
/* The channel is about to be freed. */
void reload_forget(struct reload *r, const struct channel *channel);

/* A new process: if settings are being checked it checks them too, but nobody waits for it. */
void reload_introduce(struct reload *r, struct child *c);
void reload_checked(struct reload *r, struct child *c, uint64_t id,
                    const struct msg_settings_checked *m);
void reload_loaded(struct reload *r, uint64_t id, const struct msg_reload_done *m);
/* A child's state or generation has changed. */
void reload_look(struct reload *r);

#endif
