/*
 * Customers and what is usual for each: where to, how much, at which hour, by which means. The
 * usual differs widely between customers and each has exceptions, so that no single column tells
 * fraud: many honest people send at night, to a third country, much, or for a cousin.
 *
 * Called by demo_generate.c and demo_episode.c.
 */
#include "demo_population.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "demo_calendar.h"
#include "demo_names.h"

#define MONTH_US (INT64_C(30) * 86400 * 1000000)
#define MAX_TRIES 40

const char *const demo_id_names[DEMO_ID_MAX] = { "ALIEN_CARD", "PASSPORT", "RESIDENT_CARD",
	                                         "DRIVER_LICENSE" };
const char *const demo_payment_names[DEMO_PAY_MAX] = { "BANK", "OPENBANKING", "CARD", "VIRTUAL" };
const char *const demo_visa_names[DEMO_VISA_MAX] = { "E9", "H2", "F4", "F5", "F6",
	                                             "E7", "D2", "D4", "D8", NULL };

static bool chance(struct random *r, double p)
{
	return random_unit(r) < p;
}

/* Index by weight; the weights need no particular sum. */
static uint8_t draw(struct random *r, const unsigned *weights, unsigned count)
{
	unsigned sum = 0, i;
	uint64_t left;

	for (i = 0; i < count; i++)
		sum += weights[i];
	left = random_below(r, sum);
	for (i = 0; left >= weights[i]; i++)
		left -= weights[i];
	return (uint8_t)i;
}

static void draw_papers(struct demo_customer *c, struct random *r)
{
	static const unsigned ids[DEMO_ID_MAX] = { 62, 30, 2, 6 };
	static const unsigned payments[DEMO_PAY_MAX] = { 45, 33, 14, 8 };
	static const unsigned visas[DEMO_VISA_MAX - 1] = { 34, 12, 9, 8, 9, 9, 9, 5, 5 };
	bool citizen = !strcmp(demo_nations[c->nation].code, "KR");

	c->id_type = citizen ? (chance(r, 0.7) ? DEMO_ID_RESIDENT : DEMO_ID_DRIVER)
	                     : draw(r, ids, DEMO_ID_MAX);
	c->visa = citizen ? DEMO_VISA_NONE : draw(r, visas, DEMO_VISA_MAX - 1);
	c->payment = draw(r, payments, DEMO_PAY_MAX);
	c->visa_expires = DEMO_NO_DATE;
	if (!citizen && c->visa != DEMO_VISA_F5)
		c->visa_expires = c->joined + 60 + (int32_t)random_below(r, 1300);
	c->late_visa = chance(r, 0.04);
}

static void draw_habits(struct demo_customer *c, struct random *r)
{
	bool business = c->visa == DEMO_VISA_D8 || c->visa == DEMO_VISA_E7;

	c->amount_mean = (float)((business ? 14.3 : 13.5) + 0.55 * random_normal(r));
	c->amount_spread = (float)(0.25 + 0.35 * random_unit(r));
	c->hour = (uint8_t)(chance(r, 0.09) ? (22 + random_below(r, 7)) % 24
	                                    : 10 + random_below(r, 12));
	c->second_country = chance(r, 0.22) ? (uint8_t)demo_nation_draw(r) : c->nation;
	c->family_sends = chance(r, 0.06);
	c->rechecks = chance(r, 0.85);
	c->lost_register = chance(r, 0.003);
	c->name = (uint32_t)random_below(r, 36);
	c->family_name = (uint32_t)random_below(r, 36);
}

static void draw_customer(struct demo_customer *c, struct random *r, int32_t joined)
{
	memset(c, 0, sizeof(*c));
	c->nation = (uint8_t)demo_nation_draw(r);
	c->joined = joined;
	c->first = DEMO_NO_DATE;
	c->born = joined - 365 * 18 - (int32_t)(random_below(r, 6205) + random_below(r, 7300));
	c->face = chance(r, 0.85) ? joined + (int32_t)random_below(r, 20) : DEMO_NO_DATE;
	draw_papers(c, r);
	draw_habits(c, r);
}

/* Older customers have sent before the data begins. */
static void draw_first(struct demo_customer *c, struct random *r, int32_t from_day)
{
	int32_t day =
	        c->joined + (int32_t)(chance(r, 0.35) ? random_below(r, 2) : random_below(r, 60));

	c->first = day < from_day ? day : DEMO_NO_DATE;
}

int demo_population_init(struct demo_population *p, struct random *r, uint32_t count,
                         int32_t from_day, int32_t until_day)
{
	struct demo_customer *c;
	double sum = 0;
	uint32_t i;

	memset(p, 0, sizeof(*p));
	p->customers = calloc(count, sizeof(*p->customers));
	p->activity = calloc(count, sizeof(*p->activity));
	if (!p->customers || !p->activity)
		return -ENOMEM;
	p->count = p->room = p->regular = count;
	for (i = 0; i < count; i++) {
		c = &p->customers[i];
		/* One is always there from the start, so that a draw finds somebody. */
		if (i > 0 && chance(r, 0.3))
			draw_customer(c, r,
			              from_day + (int32_t)random_below(
			                                 r, (uint64_t)(until_day - from_day)));
		else
			draw_customer(c, r, from_day - 1 - (int32_t)random_below(r, 1800));
		draw_first(c, r, from_day);
		sum += exp(0.9 * random_normal(r));
		p->activity[i] = sum;
	}
	return 0;
}

void demo_population_done(struct demo_population *p)
{
	uint32_t i;

	for (i = 0; i < p->count; i++)
		free(p->customers[i].past);
	free(p->customers);
	free(p->activity);
	memset(p, 0, sizeof(*p));
}

static uint32_t draw_by_activity(const struct demo_population *p, struct random *r)
{
	double at = random_unit(r) * p->activity[p->regular - 1];
	uint32_t low = 0, high = p->regular - 1, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (p->activity[middle] > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* How much somebody whose hour is `usual` likes this one: 1 down to nearly nothing. */
static double liking(unsigned usual, unsigned hour)
{
	unsigned apart = usual > hour ? usual - hour : hour - usual;

	if (apart > 12)
		apart = 24 - apart;
	return exp(-(double)(apart * apart) / 18.0);
}

uint32_t demo_population_draw(const struct demo_population *p, struct random *r, int64_t us)
{
	int32_t day = demo_day(us);
	unsigned hour = demo_hour(us), tries;
	uint32_t i, there = 0;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		i = draw_by_activity(p, r);
		if (p->customers[i].joined > day)
			continue;
		there = i;
		if (random_unit(r) < liking(p->customers[i].hour, hour))
			return i;
	}
	return there;
}

int64_t demo_population_add(struct demo_population *p, struct random *r, int32_t day)
{
	struct demo_customer *grown;
	uint32_t room;

	if (p->count == p->room) {
		room = p->room + p->room / 8 + 64;
		grown = realloc(p->customers, room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		p->customers = grown;
		p->room = room;
	}
	draw_customer(&p->customers[p->count], r, day);
	return p->count++;
}

/* --- one customer over time --- */

static void forget(struct demo_customer *c, int64_t us)
{
	uint32_t old = 0;

	while (old < c->past_count && c->past[old].us <= us - MONTH_US)
		old++;
	if (old > 0)
		memmove(c->past, c->past + old, (c->past_count - old) * sizeof(*c->past));
	c->past_count -= old;
}

int demo_customer_remember(struct demo_customer *c, int64_t us, int64_t amount)
{
	struct demo_past *grown;
	uint32_t room;

	forget(c, us);
	if (c->past_count == c->past_room) {
		room = c->past_room ? c->past_room * 2 : 2;
		grown = realloc(c->past, room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		c->past = grown;
		c->past_room = room;
	}
	c->past[c->past_count++] = (struct demo_past){ us, amount };
	c->last_us = us;
	if (c->first == DEMO_NO_DATE)
		c->first = demo_day(us);
	return 0;
}

int64_t demo_customer_amount(const struct demo_customer *c, struct random *r)
{
	/* Tuition, a wedding, a house: now and then everybody sends much. */
	double rare = chance(r, 0.05) ? 0.9 + 0.5 * random_unit(r) : 0;
	double amount = exp(c->amount_mean + c->amount_spread * random_normal(r) + rare);
	double unit = chance(r, 0.7) ? 10000 : 1000;

	if (amount > 4990000)
		amount = 4990000 - (double)random_below(r, 60) * 10000;
	if (amount < 30000)
		amount = 30000;
	return (int64_t)(floor(amount / unit + 0.5) * unit);
}

int32_t demo_customer_recheck(const struct demo_customer *c, int32_t day)
{
	if (!c->rechecks || day < c->joined)
		return DEMO_NO_DATE;
	return c->joined + (day - c->joined) / 365 * 365;
}

int32_t demo_customer_visa(struct demo_customer *c, int32_t day)
{
	int32_t late = c->late_visa ? 45 : 0;

	if (c->visa_expires == DEMO_NO_DATE)
		return DEMO_NO_DATE;
	while (c->visa_expires + late < day)
		c->visa_expires += c->name & 1 ? 730 : 365;
	return c->visa_expires;
}
