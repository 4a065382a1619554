/*
 * Dates from days and back, by Hinnant's era arithmetic: a year begins in March, so that the leap
 * day is its last, and 400 years are one period of 146,097 days. Features such as "hour of day" are
 * computed from these in training and in serving, therefore no libc function that reads a zone file
 * takes part. Called by feature programs, CSV and JSON readers, logs and version names.
 */
#include "base/civil.h"

#define DAYS_PER_ERA 146097
#define DAYS_TO_EPOCH 719468 /* from 0000-03-01 to 1970-01-01 */
#define SECOND_US INT64_C(1000000)

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0 ? 1 : 0);
}

int64_t civil_to_days(int32_t year, unsigned month, unsigned day)
{
	int64_t y = (int64_t)year - (month <= 2 ? 1 : 0);
	int64_t era = floor_div(y, 400);
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (int64_t)((month + 9) % 12) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

static bool is_leap(int32_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool civil_is_date(int32_t year, unsigned month, unsigned day)
{
	static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (month < 1 || month > 12 || day < 1)
		return false;
	if (month == 2 && is_leap(year))
		return day <= 29;
	return day <= lengths[month - 1];
}

int64_t civil_to_us(const struct civil *c)
{
	int64_t seconds = c->hour * 3600 + c->minute * 60 + c->second;

	return civil_to_days(c->year, c->month, c->day) * CIVIL_DAY_US + seconds * SECOND_US +
	       c->microsecond;
}

static void set_date(struct civil *c, int64_t days)
{
	int64_t shifted = days + DAYS_TO_EPOCH;
	int64_t era = floor_div(shifted, DAYS_PER_ERA);
	int64_t doe = shifted - era * DAYS_PER_ERA; /* day of era, 0 .. 146096 */
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100); /* 0 .. 365, from 1 March */
	int64_t month = (5 * doy + 2) / 153;                   /* 0 is March */

	c->day = (uint8_t)(doy - (153 * month + 2) / 5 + 1);
	c->month = (uint8_t)(month < 10 ? month + 3 : month - 9);
	c->year = (int32_t)(yoe + era * 400 + (c->month <= 2 ? 1 : 0));
}

struct civil civil_of_us(int64_t us)
{
	int64_t days = floor_div(us, CIVIL_DAY_US);
	int64_t rest = us - days * CIVIL_DAY_US;
	int64_t seconds = rest / SECOND_US;
	struct civil c = {
		.hour = (uint8_t)(seconds / 3600),
		.minute = (uint8_t)(seconds / 60 % 60),
		.second = (uint8_t)(seconds % 60),
		.microsecond = (uint32_t)(rest % SECOND_US),
	};

	set_date(&c, days);
	return c;
}

unsigned civil_weekday(int64_t days)
{
	/* 1970-01-01 was a Thursday. */
	return (unsigned)((days % 7 + 7 + 3) % 7);
}

/* Writes exactly `width` digits and returns what follows them. */
static char *put(char *p, unsigned value, unsigned width)
{
	for (unsigned i = width; i > 0; i--) {
		p[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
	return p + width;
}

/* Four digits hold the years 0 to 9999: an instant outside prints as the nearest inside. */
static struct civil printable(int64_t us)
{
	const int64_t first = civil_to_days(0, 1, 1) * CIVIL_DAY_US;
	const int64_t last = civil_to_days(10000, 1, 1) * CIVIL_DAY_US - 1;

	if (us < first)
		us = first;
	return civil_of_us(us > last ? last : us);
}

void civil_print_utc(int64_t us, char ret[21])
{
	struct civil c = printable(us);
	char *p = put(ret, (unsigned)c.year, 4);

	*p++ = '-';
	p = put(p, c.month, 2);
	*p++ = '-';
	p = put(p, c.day, 2);
	*p++ = 'T';
	p = put(p, c.hour, 2);
	*p++ = ':';
	p = put(p, c.minute, 2);
	*p++ = ':';
	p = put(p, c.second, 2);
	*p++ = 'Z';
	*p = '\0';
}

void civil_print_version(int64_t us, char ret[16])
{
	struct civil c = printable(us);
	char *p = put(ret, (unsigned)c.year, 4);

	p = put(p, c.month, 2);
	p = put(p, c.day, 2);
	*p++ = '-';
	p = put(p, c.hour, 2);
	p = put(p, c.minute, 2);
	p = put(p, c.second, 2);
	*p = '\0';
}
