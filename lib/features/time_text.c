/*
 * Times from text. The grammar and the choice of words for a fault are those of pydantic's parser
 * (speedate), because clients of the old service know them; a few more forms are taken
 * (time_text.h). Called for JSON members, CSV fields, text columns and constants in features.yaml.
 *
 * A time with a zone is converted to the program's zone; one without stands as it is. Either way
 * the result is a wall-clock time counted as if it were UTC, so that all arithmetic is on integers.
 */
#include "features/time_text.h"

#include <errno.h>
#include <math.h>

#include "base/civil.h"
#include "features/fault.h"
#include "features/number_text.h"

#define SECOND_US INT64_C(1000000)
#define MILLISECOND_US INT64_C(1000)
/* Above it a timestamp counts milliseconds (pydantic: "watershed"). */
#define TIMESTAMP_SECONDS_MAX 2e10
/* 0000-01-01, 0001-01-01 and 10000-01-01, in µs since 1970. */
#define YEAR_0_US (INT64_C(-62167219200) * SECOND_US)
#define YEAR_1_US (INT64_C(-62135596800) * SECOND_US)
#define YEAR_10000_US (INT64_C(253402300800) * SECOND_US)

#define DATE_SIZE 10
#define MDY_SIZE 10

struct time_scan {
	struct str s;
	size_t at;
	struct civil civil;
	bool zoned;
	int32_t zone_seconds;
};

/* n digits at *at into *ret; false if there are not that many. */
static bool scan_digits(const struct time_scan *t, size_t at, unsigned n, unsigned *ret)
{
	unsigned v = 0;

	for (size_t i = at; i < at + n; i++) {
		if (i >= t->s.n || t->s.p[i] < '0' || t->s.p[i] > '9')
			return false;
		v = v * 10 + (unsigned)(t->s.p[i] - '0');
	}
	*ret = v;
	return true;
}

static enum time_fault set_date(struct time_scan *t, unsigned year, unsigned month, unsigned day)
{
	if (month < 1 || month > 12)
		return TIME_MONTH_RANGE;
	if (!civil_is_date((int32_t)year, month, day))
		return TIME_DAY_RANGE;
	t->civil.year = (int32_t)year;
	t->civil.month = (uint8_t)month;
	t->civil.day = (uint8_t)day;
	return TIME_FINE;
}

/* MM/DD/YYYY, told from YYYY/MM/DD by the place of its bars. */
static enum time_fault scan_american_date(struct time_scan *t)
{
	unsigned year, month, day;

	t->at = MDY_SIZE;
	if (!scan_digits(t, 0, 2, &month))
		return TIME_MONTH_CHARACTER;
	if (!scan_digits(t, 3, 2, &day))
		return TIME_DAY_CHARACTER;
	if (!scan_digits(t, 6, 4, &year))
		return TIME_YEAR_CHARACTER;
	return set_date(t, year, month, day);
}

static enum time_fault scan_date(struct time_scan *t)
{
	const char *p = t->s.p;
	unsigned year, month, day;

	if (t->s.n < DATE_SIZE)
		return TIME_TOO_SHORT;
	if (p[2] == '/' && p[5] == '/')
		return scan_american_date(t);
	t->at = DATE_SIZE;
	if (!scan_digits(t, 0, 4, &year))
		return TIME_YEAR_CHARACTER;
	if (p[4] != '-' && p[4] != '/')
		return TIME_DATE_SEPARATOR;
	if (!scan_digits(t, 5, 2, &month))
		return TIME_MONTH_CHARACTER;
	if (p[7] != p[4])
		return TIME_DATE_SEPARATOR;
	if (!scan_digits(t, 8, 2, &day))
		return TIME_DAY_CHARACTER;
	return set_date(t, year, month, day);
}

/* The next byte, or 0 at the end. */
static int peek(const struct time_scan *t)
{
	return t->at < t->s.n ? t->s.p[t->at] : 0;
}

/* Digits after the point; beyond the sixth they are cut off, as pydantic does. */
static enum time_fault scan_fraction(struct time_scan *t)
{
	uint32_t unit = 100000;
	size_t first = ++t->at;

	for (; peek(t) >= '0' && peek(t) <= '9'; t->at++) {
		t->civil.microsecond += (uint32_t)(peek(t) - '0') * unit;
		unit /= 10;
	}
	return t->at == first ? TIME_FRACTION_MISSING : TIME_FINE;
}

static enum time_fault scan_seconds(struct time_scan *t)
{
	unsigned second;

	if (!scan_digits(t, t->at + 1, 2, &second))
		return TIME_SECOND_CHARACTER;
	if (second > 59)
		return TIME_SECOND_RANGE;
	t->civil.second = (uint8_t)second;
	t->at += 3;
	return peek(t) == '.' || peek(t) == ',' ? scan_fraction(t) : TIME_FINE;
}

/* HH:MM[:SS[.fraction]] */
static enum time_fault scan_clock(struct time_scan *t)
{
	unsigned hour, minute;

	if (t->s.n - t->at < 5)
		return TIME_TOO_SHORT;
	if (!scan_digits(t, t->at, 2, &hour))
		return TIME_HOUR_CHARACTER;
	if (t->s.p[t->at + 2] != ':')
		return TIME_TIME_SEPARATOR;
	if (!scan_digits(t, t->at + 3, 2, &minute))
		return TIME_MINUTE_CHARACTER;
	if (hour > 23)
		return TIME_HOUR_RANGE;
	if (minute > 59)
		return TIME_MINUTE_RANGE;
	t->civil.hour = (uint8_t)hour;
	t->civil.minute = (uint8_t)minute;
	t->at += 5;
	return peek(t) == ':' ? scan_seconds(t) : TIME_FINE;
}

/* The sign of an offset: +, - or U+2212 (E2 88 92). 0 if there is none. */
static int scan_sign(struct time_scan *t)
{
	if (peek(t) == '+' || peek(t) == '-') {
		t->at++;
		return t->s.p[t->at - 1] == '+' ? 1 : -1;
	}
	if (t->s.n - t->at >= 3 && memcmp(t->s.p + t->at, "\xE2\x88\x92", 3) == 0) {
		t->at += 3;
		return -1;
	}
	return 0;
}

/* +HH:MM, +HHMM or +HH. */
static enum time_fault scan_offset(struct time_scan *t)
{
	unsigned hour, minute = 0;
	int sign = scan_sign(t);

	if (sign == 0)
		return TIME_ZONE_SIGN;
	if (!scan_digits(t, t->at, 2, &hour))
		return TIME_ZONE_HOUR;
	t->at += 2;
	if (t->at < t->s.n) {
		t->at += peek(t) == ':';
		if (!scan_digits(t, t->at, 2, &minute))
			return TIME_ZONE_MINUTE;
		t->at += 2;
	}
	if (minute > 59)
		return TIME_ZONE_MINUTE_RANGE;
	if (hour > 23)
		return TIME_ZONE_RANGE;
	t->zone_seconds = sign * (int32_t)(hour * 3600 + minute * 60);
	return TIME_FINE;
}

static enum time_fault scan_zone(struct time_scan *t)
{
	enum time_fault fault = TIME_FINE;

	if (t->at == t->s.n)
		return TIME_FINE;
	t->zoned = true;
	if (peek(t) == 'Z' || peek(t) == 'z')
		t->at++;
	else
		fault = scan_offset(t);
	if (fault == TIME_FINE && t->at < t->s.n)
		return TIME_EXTRA;
	return fault;
}

/* What follows the date. */
static enum time_fault scan_time(struct time_scan *t)
{
	enum time_fault fault;
	int c = peek(t);

	if (t->at == t->s.n)
		return TIME_FINE;
	if (c != 'T' && c != 't' && c != ' ' && c != '_')
		return TIME_SEPARATOR;
	t->at++;
	fault = scan_clock(t);
	return fault != TIME_FINE ? fault : scan_zone(t);
}

int64_t time_day(int64_t us)
{
	return us / CIVIL_DAY_US - (us % CIVIL_DAY_US < 0 ? 1 : 0);
}

int64_t time_midnight(int64_t us)
{
	return time_day(us) * CIVIL_DAY_US;
}

static int set_year_zero(const struct program_input *in, struct field_fault *ret)
{
	return fault_set_time(ret, in->type == INPUT_DATE ? FORM_DATE : FORM_DATETIME,
	                      TIME_YEAR_ZERO);
}

/* us: the instant in UTC. */
static int finish_timestamp(const struct program_input *in, int64_t us, int64_t *ret,
                            struct field_fault *ret_fault)
{
	if (in->type == INPUT_DATE && time_midnight(us) != us)
		return fault_set(ret_fault, FAULT_DATE_FROM_DATETIME_INEXACT);
	if (us < YEAR_1_US)
		return set_year_zero(in, ret_fault);
	*ret = in->type == INPUT_DATE ? us : us + in->zone_seconds * SECOND_US;
	return 0;
}

/* The nearest microsecond; false beyond the years 0 to 9999. */
static enum time_fault timestamp_us(double v, int64_t *ret)
{
	int64_t unit = fabs(v) > TIMESTAMP_SECONDS_MAX ? MILLISECOND_US : SECOND_US;
	int64_t first = YEAR_0_US / unit, end = YEAR_10000_US / unit;
	double whole = floor(v);

	if (whole >= (double)end)
		return TIME_TOO_LATE;
	if (whole < (double)first)
		return TIME_TOO_EARLY;
	*ret = (int64_t)whole * unit + (int64_t)round((v - whole) * (double)unit);
	return TIME_FINE;
}

/* form: how a timestamp beyond the calendar is reported for a datetime. */
static int from_timestamp(const struct program_input *in, double v, enum time_fault_form form,
                          struct field_fault *ret_fault, int64_t *ret)
{
	enum time_fault fault;
	int64_t us = 0;

	fault = timestamp_us(v, &us);
	if (fault != TIME_FINE)
		return fault_set_time(
		        ret_fault, in->type == INPUT_DATE ? FORM_DATE_FROM_DATETIME : form, fault);
	return finish_timestamp(in, us, ret, ret_fault);
}

int time_from_number(const struct program_input *in, double v, int64_t *ret,
                     struct field_fault *ret_fault)
{
	return from_timestamp(in, v, FORM_DATETIME, ret_fault, ret);
}

/* Digits with at most a sign and a point; without a point at most 64 bits: a timestamp as text. */
static bool is_timestamp(struct str s, double *ret)
{
	int64_t whole;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c != '.' && (c < '0' || c > '9') && (i > 0 || (c != '-' && c != '+')))
			return false;
	}
	if (!memchr(s.p, '.', s.n) && integer_from_text(s, &whole) < 0)
		return false;
	return number_from_text(s, ret) == 0;
}

/* pydantic reports the fault of its second try: a date for a datetime, and the reverse. */
static int set_scan_fault(const struct program_input *in, struct str text, enum time_fault fault,
                          struct field_fault *ret_fault)
{
	struct time_scan again = { .s = text };

	if (in->type == INPUT_DATE)
		return fault_set_time(ret_fault, FORM_DATE_FROM_DATETIME, fault);
	fault = scan_date(&again);
	return fault_set_time(ret_fault, FORM_DATETIME_FROM_DATE,
	                      fault != TIME_FINE ? fault : TIME_EXTRA);
}

/* A fraction beyond the calendar is no date to pydantic's second try, so that one's fault counts.
 */
static int from_timestamp_text(const struct program_input *in, struct str text, double v,
                               int64_t *ret, struct field_fault *ret_fault)
{
	int64_t us = 0;
	enum time_fault fault = timestamp_us(v, &us);

	if (fault != TIME_FINE && memchr(text.p, '.', text.n))
		return set_scan_fault(in, text, fault, ret_fault);
	return from_timestamp(in, v, FORM_DATETIME_FROM_DATE, ret_fault, ret);
}

int time_from_text(const struct program_input *in, struct str text, int64_t *ret,
                   struct field_fault *ret_fault)
{
	struct time_scan t = { .s = text };
	enum time_fault fault = scan_date(&t);
	double v;
	int64_t us;

	if (fault == TIME_FINE)
		fault = scan_time(&t);
	if (fault != TIME_FINE && is_timestamp(text, &v))
		return from_timestamp_text(in, text, v, ret, ret_fault);
	if (fault != TIME_FINE)
		return set_scan_fault(in, text, fault, ret_fault);
	if (t.civil.year == 0)
		return set_year_zero(in, ret_fault);
	us = civil_to_us(&t.civil);
	if (t.zoned)
		us += ((int64_t)in->zone_seconds - t.zone_seconds) * SECOND_US;
	*ret = in->type == INPUT_DATE ? time_midnight(us) : us;
	return 0;
}
