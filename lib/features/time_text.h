/*
 * Text and Unix timestamps to microseconds in the program's zone: what pydantic reads, and also '/'
 * for '-', MM/DD/YYYY[ HH:MM…] and a zone of hours alone (as PostgreSQL prints it).
 */
#ifndef FEATURES_TIME_TEXT_H
#define FEATURES_TIME_TEXT_H

#include "features/row.h"

/* in->type is INPUT_DATETIME or INPUT_DATE; a date loses its time of day. 0, or -EINVAL with the
 * fault. */
int time_from_text(const struct program_input *in, struct str text, int64_t *ret,
                   struct field_fault *ret_fault);
/* Seconds since 1970, or milliseconds when above 2e10 in size. A date must be an exact day. */
int time_from_number(const struct program_input *in, double v, int64_t *ret,
                     struct field_fault *ret_fault);

/* The day of any time, in days since 1970, and the µs of that day's midnight. */
int64_t time_day(int64_t us);
int64_t time_midnight(int64_t us);

#endif
