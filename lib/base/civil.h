/*
 * The proleptic Gregorian calendar as integers. No zone, no locale, no libc tables: the same bits
 * on every host. Formulas: Howard Hinnant, "chrono-compatible low-level date algorithms".
 */
#ifndef BASE_CIVIL_H
#define BASE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

#define CIVIL_DAY_US (INT64_C(86400) * 1000000)

struct civil {
	int32_t year;  /* 1 .. 9999 where it came from text */
	uint8_t month; /* 1 .. 12 */
	uint8_t day;   /* 1 .. 31 */
	uint8_t hour, minute, second;
	uint32_t microsecond;
};

/* Days since 1970-01-01; the date must be valid. */
int64_t civil_to_days(int32_t year, unsigned month, unsigned day);
bool civil_is_date(int32_t year, unsigned month, unsigned day);
/* Microseconds since 1970-01-01T00:00:00, and back. */
int64_t civil_to_us(const struct civil *c);
struct civil civil_of_us(int64_t us);
/* Monday 0 .. Sunday 6. */
unsigned civil_weekday(int64_t days);

/* "2026-11-22T10:10:10Z" (21 bytes with the terminator). */
void civil_print_utc(int64_t us, char ret[21]);
/* "20261122-101010", the name of a model version (16 bytes with the terminator). */
void civil_print_version(int64_t us, char ret[16]);

#endif
