/*
 * Long work in pieces, so that a lone request never waits for a batch: between two pieces the loop
 * looks at its sockets. Pieces of several works take turns.
 */
#ifndef FRONT_SLICES_H
#define FRONT_SLICES_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct slices;
struct slice;

/* Works until about until_ns (clock_mono_ns); true while there is more. It may end its call; then
 * it returns false and is forgotten. */
typedef bool slice_fn(void *work, uint64_t until_ns);

int slices_new(struct event_base *base, uint32_t slice_us, struct slices **ret);
void slices_set_length(struct slices *s, uint32_t slice_us);
/* Adds work; *ret names it until fn returned false or slice_cancel(). 0 or -ENOMEM. */
int slices_add(struct slices *s, slice_fn *fn, void *work, struct slice **ret);
/* The work is gone (its peer left). Safe inside fn of another work; NULL is nothing. */
void slice_cancel(struct slice *one);
void slices_free(struct slices *s);

#endif
