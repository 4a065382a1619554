/*
 * Instants in order, exactly as many as asked for, without keeping them: the k-th smallest of n
 * uniform draws follows from the (k-1)-th alone, and the calendar maps that share of a year's work
 * to an instant. Weekends are quieter, paydays (10th, 25th) busier, nights nearly empty, and
 * business grows by half over the year.
 *
 * Called by demo_generate.c.
 */
#include "demo_calendar.h"

#include <math.h>

#include "base/civil.h"

#define HOUR_US (INT64_C(3600) * 1000000)

/* Relative numbers of remittances by hour of day: lunch and evening. */
static const double hour_weight[24] = {
	0.30, 0.18, 0.12, 0.10, 0.10, 0.15, 0.30, 0.55, 0.80, 0.95, 1.00, 1.15,
	1.40, 1.20, 1.05, 1.00, 1.05, 1.25, 1.60, 1.80, 1.75, 1.45, 1.00, 0.55,
};
static const double weekday_weight[7] = { 1.05, 1.0, 1.0, 1.0, 1.15, 0.85, 0.75 };

static double weight_of(const struct demo_calendar *c, unsigned hour)
{
	struct civil t = civil_of_us(c->from_us + (int64_t)hour * HOUR_US);
	double growth = 1.0 + 0.5 * hour / DEMO_HOURS;
	unsigned weekday = civil_weekday(civil_to_days(t.year, t.month, t.day));
	double payday = (t.day >= 10 && t.day <= 12) || (t.day >= 25 && t.day <= 27) ? 1.6 : 1.0;

	return hour_weight[t.hour] * weekday_weight[weekday] * payday * growth;
}

void demo_calendar_init(struct demo_calendar *c, int64_t until_us)
{
	double sum = 0;
	unsigned i;

	c->from_us = until_us - DEMO_HOURS * HOUR_US;
	for (i = 0; i < DEMO_HOURS; i++) {
		sum += weight_of(c, i);
		c->until_hour[i] = sum;
	}
	for (i = 0; i < DEMO_HOURS; i++)
		c->until_hour[i] /= sum;
}

int64_t demo_calendar_at(const struct demo_calendar *c, double share)
{
	unsigned low = 0, high = DEMO_HOURS - 1, middle;
	double before, inside;

	while (low < high) {
		middle = (low + high) / 2;
		if (c->until_hour[middle] > share)
			high = middle;
		else
			low = middle + 1;
	}
	before = low ? c->until_hour[low - 1] : 0;
	inside = (share - before) / (c->until_hour[low] - before);
	if (inside > 0.999999)
		inside = 0.999999;
	return c->from_us + (int64_t)low * HOUR_US + (int64_t)(inside * (double)HOUR_US);
}

double demo_calendar_next_share(struct random *r, double share, double left)
{
	double v = 1.0 - random_unit(r); /* (0, 1] */

	return 1.0 - (1.0 - share) * pow(v, 1.0 / (left < 1 ? 1 : left));
}

unsigned demo_hour(int64_t us)
{
	return civil_of_us(us).hour;
}

int32_t demo_day(int64_t us)
{
	return (int32_t)(us / CIVIL_DAY_US);
}
