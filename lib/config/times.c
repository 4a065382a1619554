/*
 * Times of day, always UTC: there an hour is never left out and never comes twice, so a time of day
 * is an instant once a day. Called by the rules across settings and by the scheduler.
 */
#include "config/times.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/str.h"

#define MINUTE_US (INT64_C(60) * 1000000)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "14:30": exactly five characters. */
static int parse_one(struct str word, uint16_t *ret)
{
	unsigned hour, minute;

	if (word.n != 5 || word.p[2] != ':' || !is_digit(word.p[0]) || !is_digit(word.p[1]) ||
	    !is_digit(word.p[3]) || !is_digit(word.p[4]))
		return -EINVAL;
	hour = (unsigned)(word.p[0] - '0') * 10 + (unsigned)(word.p[1] - '0');
	minute = (unsigned)(word.p[3] - '0') * 10 + (unsigned)(word.p[4] - '0');
	if (hour > 23 || minute > 59)
		return -EINVAL;
	*ret = (uint16_t)(hour * 60 + minute);
	return 0;
}

static int insert(struct times *t, uint16_t minute)
{
	unsigned at = t->count;

	while (at > 0 && t->minute[at - 1] > minute)
		at--;
	if (at > 0 && t->minute[at - 1] == minute)
		return -EEXIST;
	memmove(&t->minute[at + 1], &t->minute[at], (t->count - at) * sizeof(t->minute[0]));
	t->minute[at] = minute;
	t->count++;
	return 0;
}

static int add(struct times *t, struct str word, struct errbuf *err)
{
	uint16_t minute;

	if (parse_one(word, &minute) < 0)
		return errbuf_set(err, -EINVAL, "\"%.*s\" is no time of day like \"02:00\"",
		                  STR_ARGS(word));
	if (t->count == TIMES_MAX)
		return errbuf_set(err, -EINVAL, "there are more than %d times of day", TIMES_MAX);
	if (insert(t, minute) < 0)
		return errbuf_set(err, -EINVAL, "\"%.*s\" stands there twice", STR_ARGS(word));
	return 0;
}

int times_parse(const char *text, struct times *ret, struct errbuf *err)
{
	struct times t = { 0 };

	if (str_trim(str_of(text)).n == 0) {
		*ret = t;
		return 0;
	}
	for (const char *p = text;;) {
		size_t n = strcspn(p, ",");
		int r = add(&t, str_trim((struct str){ p, n }), err);

		if (r < 0)
			return r;
		if (!p[n])
			break;
		p += n + 1;
	}
	*ret = t;
	return 0;
}

int64_t times_next(const struct times *t, int64_t after_us)
{
	int64_t day = after_us / CIVIL_DAY_US * CIVIL_DAY_US;

	if (t->count == 0)
		return INT64_MAX;
	if (day > after_us)
		day -= CIVIL_DAY_US;
	for (unsigned i = 0; i < t->count; i++) {
		int64_t at = day + t->minute[i] * MINUTE_US;

		if (at > after_us)
			return at;
	}
	return day + CIVIL_DAY_US + t->minute[0] * MINUTE_US;
}
