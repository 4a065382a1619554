/*
 * Progress of long work on stderr: a bar with rate and time left on a terminal, a plain line every
 * ten seconds elsewhere, nothing when told to be quiet. For programs run by hand or as jobs.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *label;
	const char *unit; /* "rows", "MiB" */
	uint64_t total;   /* 0 = unknown */
	uint64_t started_ns, shown_ns;
	bool terminal, quiet;
};

void progress_start(struct progress *p, const char *label, const char *unit, uint64_t total,
                    bool quiet);
/* Cheap to call often: it looks at the clock and returns unless something is due. */
void progress_at(struct progress *p, uint64_t done);
void progress_end(struct progress *p, uint64_t done);

#endif
