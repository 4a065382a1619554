/*
 * Inputs that have gone dead: one value, or none, in all of the newest rows, though they had more
 * before. A column that a source has stopped to fill looks like this, and a model trained on it has
 * learned to do without.
 */
#ifndef TRAIN_VARIETY_H
#define TRAIN_VARIETY_H

#include "base/arena.h"
#include "features/program.h"

struct variety;

/* The program's inputs but those with the role key or time. */
int variety_new(const struct program *p, struct arena *a, struct variety **ret);
/* A row of the newest, all of them first; then those of before. */
void variety_add_new(struct variety *v, const struct cell *row);
void variety_add_old(struct variety *v, const struct cell *row);
/* The first dead input, or -1. */
int variety_find_dead(const struct variety *v);

#endif
