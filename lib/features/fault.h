/*
 * The faults of a value: pydantic's types and messages, so that an HTTP answer, a row error of a
 * CSV and a reject of a batch say the same. All texts are static.
 */
#ifndef FEATURES_FAULT_H
#define FEATURES_FAULT_H

#include "features/row.h"

enum fault {
	FAULT_MISSING,
	FAULT_INT_TYPE,
	FAULT_INT_PARSING,
	FAULT_INT_PARSING_SIZE,
	FAULT_INT_FROM_FLOAT,
	FAULT_FLOAT_TYPE,
	FAULT_FLOAT_PARSING,
	FAULT_FINITE_NUMBER,
	FAULT_STRING_TYPE,
	FAULT_STRING_TOO_SHORT,
	FAULT_STRING_UNICODE,
	FAULT_DATETIME_TYPE,
	FAULT_DATE_TYPE,
	FAULT_DATE_FROM_DATETIME_INEXACT,
	FAULT_MAX
};

/* What is wrong with the text of a time, in the words of pydantic's parser (speedate). */
#define TIME_FAULTS(X)                                                                             \
	X(TIME_TOO_SHORT, "input is too short")                                                    \
	X(TIME_EXTRA, "unexpected extra characters at the end of the input")                       \
	X(TIME_SEPARATOR, "invalid datetime separator, expected `T`, `t`, `_` or space")           \
	X(TIME_DATE_SEPARATOR, "invalid date separator, expected `-`")                             \
	X(TIME_TIME_SEPARATOR, "invalid time separator, expected `:`")                             \
	X(TIME_YEAR_CHARACTER, "invalid character in year")                                        \
	X(TIME_MONTH_CHARACTER, "invalid character in month")                                      \
	X(TIME_DAY_CHARACTER, "invalid character in day")                                          \
	X(TIME_HOUR_CHARACTER, "invalid character in hour")                                        \
	X(TIME_MINUTE_CHARACTER, "invalid character in minute")                                    \
	X(TIME_SECOND_CHARACTER, "invalid character in second")                                    \
	X(TIME_FRACTION_MISSING, "second fraction digits missing after `.`")                       \
	X(TIME_MONTH_RANGE, "month value is outside expected range of 1-12")                       \
	X(TIME_DAY_RANGE, "day value is outside expected range")                                   \
	X(TIME_HOUR_RANGE, "hour value is outside expected range of 0-23")                         \
	X(TIME_MINUTE_RANGE, "minute value is outside expected range of 0-59")                     \
	X(TIME_SECOND_RANGE, "second value is outside expected range of 0-59")                     \
	X(TIME_ZONE_SIGN, "invalid timezone sign")                                                 \
	X(TIME_ZONE_HOUR, "invalid timezone hour")                                                 \
	X(TIME_ZONE_MINUTE, "invalid timezone minute")                                             \
	X(TIME_ZONE_MINUTE_RANGE, "timezone minute value is outside expected range of 0-59")       \
	X(TIME_ZONE_RANGE, "timezone offset must be less than 24 hours")                           \
	X(TIME_TOO_LATE, "dates after 9999 are not supported as unix timestamps")                  \
	X(TIME_TOO_EARLY, "dates before 0000 are not supported as unix timestamps")                \
	X(TIME_YEAR_ZERO, "year 0 is out of range")

#define TIME_FAULT_NAME(name, text) name,
enum time_fault { TIME_FINE, TIME_FAULTS(TIME_FAULT_NAME) TIME_FAULT_MAX };
#undef TIME_FAULT_NAME

/* Under which type a time fault is reported: pydantic tries a date for a datetime and the reverse.
 */
enum time_fault_form {
	FORM_DATETIME,           /* datetime_parsing */
	FORM_DATETIME_FROM_DATE, /* datetime_from_date_parsing */
	FORM_DATE,               /* date_parsing */
	FORM_DATE_FROM_DATETIME, /* date_from_datetime_parsing */
	TIME_FAULT_FORM_MAX
};

/* All fill *ret and return -EINVAL. */
int fault_set(struct field_fault *ret, enum fault fault);
/* A value of another kind: int_type, string_type, … */
int fault_set_type(struct field_fault *ret, enum input_type type);
int fault_set_time(struct field_fault *ret, enum time_fault_form form, enum time_fault fault);

#endif
