/*
 * Text to numbers as pydantic's lax mode reads them, the same bits on every host: a double is the
 * nearest one to the decimal text. Blanks around are dropped; '_' may stand between digits.
 */
#ifndef FEATURES_NUMBER_TEXT_H
#define FEATURES_NUMBER_TEXT_H

#include <stdint.h>

#include "base/str.h"

/* 0; -EINVAL: no number; -ERANGE: not finite ("inf", "nan", "1e400"). */
int number_from_text(struct str s, double *ret);
/* "12", " +1_000 ", "12.00". 0; -EINVAL: no integer; -ERANGE: beyond 64 bits. */
int integer_from_text(struct str s, int64_t *ret);

#endif
