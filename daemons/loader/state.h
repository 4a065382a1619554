/*
 * What a host remembers in <state_dir>: `generation` (the last one given out), `pin`, and
 * last-known-good/ (kept.h). Two suites of a host share the folder; whoever changes something holds
 * its lock. The files are a line each, so all of this may be called on the loop.
 */
#ifndef LOADER_STATE_H
#define LOADER_STATE_H

#include <stdint.h>

#include "base/errbuf.h"
#include "daemon/messages.h"

#define STATE_LOCK "lock"           /* for generation and pin */
#define STATE_LOCK_KEPT "lock-kept" /* for last-known-good: held while a version is copied */

/* Makes the folder (0750) if need be and waits for the lock at most so long; the caller closes the
 * descriptor to give it back. -EAGAIN: somebody else holds it. */
int state_lock(const char *dir, const char *file, unsigned patience_ms, int *ret_fd,
               struct errbuf *err);

/* The next generation, above `floor` too; written to disk before it is returned, so it is never
 * given out again. */
int state_next_generation(const char *dir, uint64_t floor, uint64_t *ret, struct errbuf *err);

/* The version that the model of this name is pinned to; "" if it is not. */
int state_read_pin(const char *dir, const char *name, char ret[MESSAGE_NAME], struct errbuf *err);
/* version "" ends the pin. */
int state_write_pin(const char *dir, const char *name, const char *version, struct errbuf *err);

#endif
