/*
 * Training rows as text, for the files of a version that people and other hosts get:
 * holdout_raw.csv and golden.csv. A private text stands as a letter, the same letter within a row
 * where the texts are the same name; a private value of another type is left out.
 */
#ifndef TRAIN_SPECIMEN_H
#define TRAIN_SPECIMEN_H

#include <stdbool.h>

#include "base/strbuf.h"
#include "features/program.h"

/* The inputs' names, without the line's end. */
void specimen_write_header(struct strbuf *out, const struct program *p);
/* The row's fields, without the line's end. Failures are the buffer's. */
void specimen_write_row(struct strbuf *out, const struct program *p, const struct cell *row);
/* The same with private values as they are, for a file to train on. */
void specimen_reveal_row(struct strbuf *out, const struct program *p, const struct cell *row);

#endif
