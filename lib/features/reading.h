/*
 * What the three readers of cells share: one value of text or time into a cell, and what "absent"
 * means for an input. Private to lib/features. All return 0, or -EINVAL with the fault.
 */
#ifndef FEATURES_READING_H
#define FEATURES_READING_H

#include "features/row.h"

/* The default or missing; a fault for a required input. */
int reading_absent(const struct program_input *in, struct cell *ret, struct field_fault *ret_fault);
int reading_integer(struct str text, struct cell *ret, struct field_fault *ret_fault);
int reading_number(struct str text, struct cell *ret, struct field_fault *ret_fault);
/* Text that is no UTF-8 is a fault. */
int reading_text(struct str text, struct cell *ret, struct field_fault *ret_fault);
int reading_time(const struct program_input *in, struct str text, struct cell *ret,
                 struct field_fault *ret_fault);
/* A time that was read already; one of the input's `missing` values counts as absent. */
int reading_instant(const struct program_input *in, int64_t us, struct str raw, struct cell *ret,
                    struct field_fault *ret_fault);
bool reading_is_sentinel(const struct program_input *in, int64_t us);

#endif
