/*
 * Memory that ends all at once: a request, a job, a message. Allocation is a pointer bump; nothing
 * is freed one by one. An arena that failed once stays failed, so a function may allocate freely
 * and ask arena_failed() at its end. Objects of other libraries ride along by arena_on_free().
 *
 * { 0 } is a valid empty arena.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena_block;
struct arena_callback;

struct arena {
	struct arena_block *blocks;       /* newest first */
	struct arena_callback *callbacks; /* newest first */
	size_t limit; /* bytes in all blocks; 0 = none. Beyond it allocations fail. */
	size_t size;  /* bytes in all blocks now */
	bool failed;
};

/* Aligned for any type, not zeroed. NULL when memory or the limit is used up. */
void *arena_alloc(struct arena *a, size_t size);
/* count * size zeroed bytes; a product that overflows fails. */
void *arena_calloc(struct arena *a, size_t count, size_t size);
void *arena_memdup(struct arena *a, const void *p, size_t size);
char *arena_strdup(struct arena *a, const char *text);
/* A terminated copy of s. */
char *arena_strndup(struct arena *a, struct str s);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* fn(object) runs in arena_done() or arena_reset(), newest first. If it cannot be recorded it runs
 * at once, the arena is failed and -ENOMEM comes back. */
int arena_on_free(struct arena *a, void (*fn)(void *), void *object);

static inline bool arena_failed(const struct arena *a)
{
	return a->failed;
}

/* Ends all objects but keeps the first block for the next use; clears `failed`. */
void arena_reset(struct arena *a);
/* Ends all objects and gives all memory back. Safe on { 0 } and after itself. */
void arena_done(struct arena *a);

#endif
