/* A file without a name for results that wait for the end of their request. It vanishes with its
 * descriptor, whatever happens to the worker. Writes go to the page cache. */
#ifndef FRONT_SPOOL_H
#define FRONT_SPOOL_H

#include <stdint.h>

#include "base/str.h"

struct spool {
	int fd; /* -1: none */
	uint64_t size;
	uint64_t limit;
};

/* 0 or -errno (the folder does not allow it, …). */
int spool_open(struct spool *s, const char *folder, uint64_t limit);
/* 0, -EFBIG beyond the limit, -ENOSPC, … */
int spool_write(struct spool *s, struct str bytes);
void spool_close(struct spool *s);

#endif
