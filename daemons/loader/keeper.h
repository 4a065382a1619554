/* Keeps what was published last: one --keep child at a time. */
#ifndef LOADER_KEEPER_H
#define LOADER_KEEPER_H

#include <stdbool.h>

#include "record.h"
#include "registry/registry.h"

struct event_base;
struct job;

struct keeper {
	struct event_base *base;
	struct job *job;
	struct registry_folder source; /* what the job copies */
	/* Came while the job ran: the newest wins. folder.fd -1: nothing waits. */
	struct keeper_order {
		struct record record;
		struct registry_folder folder;
		int image_fd;
		uint64_t max_bytes;
		char *state_dir;
	} next;
	void (*on_idle)(void *self); /* the last one has ended */
	void *self;
};

void keeper_init(struct keeper *k, struct event_base *base, void (*on_idle)(void *self),
                 void *self);
/* When the loop has ended: what waits is dropped, what runs is ended here and now (what was kept
 * before stays whole); on_idle does not come. */
void keeper_stop(struct keeper *k);
static inline bool keeper_is_busy(const struct keeper *k)
{
	return k->job;
}

/* The folder is taken (-1 stays), for one that was downloaded must be there until it is copied; the
 * image's descriptor is duplicated. Failures are logged: the copy is a spare. */
void keeper_keep(struct keeper *k, const struct settings *s, const struct record *record,
                 struct registry_folder *folder, int image_fd);

#endif
