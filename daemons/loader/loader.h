/*
 * The loader: which version should be live on this host, and making it so. One load at a time
 * (load.c, ended by outcome.c); what was published is kept for a restart (keeper.c); the registry
 * is looked at by itself now and then (poll.c). What is due is noted here and begun by loader.c.
 */
#ifndef LOADER_LOADER_H
#define LOADER_LOADER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/errbuf.h"
#include "base/random.h"
#include "base/str.h"
#include "compiler.h"
#include "daemon/daemon.h"
#include "keeper.h"
#include "record.h"
#include "registry/registry.h"

#define LOADER_MAX_ASKS 8

enum load_cause {
	LOAD_ASKED, /* MSG_RELOAD_LOAD */
	LOAD_START,
	LOAD_POLL,
	LOAD_KEPT, /* the kept version must be compiled again */
};

/* Where a load stands: what it waits for. */
enum load_step {
	LOAD_IDLE,
	LOAD_RESOLVING, /* the registry: what does the alias name */
	LOAD_FINDING,   /* the registry: another version than the alias's */
	LOAD_FETCHING,  /* the registry: its files */
	LOAD_COMPILING, /* the child */
	LOAD_MOVING,    /* the registry: the alias of a rollback */
};

struct load {
	enum load_step step;
	enum load_cause cause;
	struct msg_reload wish;
	uint64_t id;               /* of the message that asked */
	struct errbuf alias_error; /* "" if the alias was resolved */
	struct registry_version wanted;
	char recipe[MESSAGE_NAME];
	struct registry_folder folder;
	struct compiler *compiler;
	bool away; /* the registry or its storage could not be asked */
};

/* The last version that was refused, so that polls do not compile it again and again. */
struct refusal {
	struct registry_version version; /* version "": none */
	char recipe[MESSAGE_NAME];
	bool of_the_files;
	uint32_t times, polls_to_wait;
};

struct loader {
	struct daemon *daemon;
	struct registry *registry;
	struct registry *next_registry;      /* settings were applied: from the next load on */
	struct registry *checked_registry;   /* settings were checked */
	struct msg_registry_state told;      /* what MSG_REGISTRY_STATE said last */
	struct registry_version last_wanted; /* of told.last_error */
	struct record live;                  /* generation 0: nothing published yet */
	enum model_origin live_origin;
	int live_fd;
	struct record kept; /* from the last run; version "": none */
	int kept_fd;        /* its image while it is not published; -1 */
	uint64_t floor;     /* the newest generation that the supervisor has seen */
	struct load load;
	struct {
		struct msg_reload wish;
		uint64_t id;
	} asks[LOADER_MAX_ASKS]; /* wait for the load that runs */
	unsigned ask_count;
	bool kept_due, start_due, poll_due;
	struct loop_timer *next_timer; /* something is due, or has ended: loader.c looks */
	struct refusal refusal;
	unsigned polls_failed; /* in a row, of a registry that is away: they come slower */
	char storage[160];     /* registry_storage() as it was logged */
	struct keeper keeper;
	struct loop_timer *poll_timer, *confirm_timer;
	struct random random;
	bool draining;
};

/* The same version of a registry: by its number, where it has one, for what a version calls itself
 * is known only when its files are here. */
static inline bool loader_is_version(const struct record *r, const struct registry_version *v)
{
	if (*r->registry_version || *v->registry_version)
		return strcmp(r->registry_version, v->registry_version) == 0;
	return strcmp(r->version, v->version) == 0;
}

/* Zeroes, then the text, cut at a whole character. */
static inline void loader_text(char *ret, size_t room, const char *text)
{
	size_t n = str_utf8_cut(str_of(text), room - 1);

	memset(ret, 0, room);
	memcpy(ret, text, n);
}

/* Of struct daemon; self is a struct loader. */
int loader_start(struct daemon *d);
void loader_drain(struct daemon *d, uint32_t seconds);
void loader_stop(struct daemon *d);
int loader_check(struct daemon *d, const struct settings *next, struct errbuf *err);
void loader_apply(struct daemon *d, const struct settings *next);
extern const struct channel_handler loader_handlers[];

/* load.c: nothing runs. */
void load_begin(struct loader *l, enum load_cause cause);
void load_begin_ask(struct loader *l, const struct msg_reload *wish, uint64_t id);
void load_stop(struct loader *l);

/* outcome.c: the three ways in which a load ends. All answer who asked. */
void outcome_succeed(struct loader *l, enum reload_outcome outcome, const char *words);
void outcome_refuse(struct loader *l, const char *words);
/* A poll that found what was refused before. */
void outcome_skip(struct loader *l);
/* Somebody asks: waits in line, or is answered at once if it cannot. */
void outcome_queue(struct loader *l, const struct msg_reload *wish, uint64_t id);
/* The load's version was refused by the compile child. */
void outcome_note(struct loader *l, bool of_the_files);
/* A poll must not compile again what was refused as long as nothing has changed. */
bool outcome_is_known(struct loader *l);

/* publish.c */
/* The next generation goes into the record; then the image (taken) goes to the supervisor. */
int publish_number(const struct loader *l, struct record *record, struct errbuf *err);
int publish(struct loader *l, const struct record *record, int *fd, enum model_origin origin,
            struct errbuf *err);
/* The kept image, if it waits. */
void publish_kept(struct loader *l, enum model_origin origin);
/* What is live came from the kept copy, and the registry has confirmed it: said by a generation of
 * its own. */
void publish_origin(struct loader *l);
/* A model that the supervisor has had before this process began. */
void publish_adopt(struct loader *l, const struct msg_model *m, int *fd);
/* MSG_REGISTRY_STATE with l->told. */
void publish_state(struct loader *l);

/* poll.c */
int poll_start(struct loader *l);
/* By registry.poll_seconds of the settings. */
void poll_arm(struct loader *l, const struct settings *s);
/* How the last look ended: while the registry is away the next ones come slower. */
void poll_note(struct loader *l, bool away);

#endif
