/*
 * An episode is drawn in three steps: a pattern (who, how many remittances, how far apart), its
 * traits (country, means of payment, amount, hour …), and only then whether it is fraud, by a
 * probability that the traits decide together. So every pattern also happens honestly, no single
 * trait decides, and the best possible judgement of a row is known: that probability. It is kept in
 * the row and gives the ceiling that demo_ceiling.c prints.
 *
 * Called by demo_generate.c.
 */
#include "demo_episode.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "demo_calendar.h"
#include "demo_names.h"

#define MINUTE_US (INT64_C(60) * 1000000)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)
#define MAX_TRIES 60
#define DAY_LIMIT 9990000 /* what a customer may send in 24 hours */

struct plan {
	struct demo_population *people;
	struct demo_schedule *schedule;
	struct random *random;
	struct demo_event event; /* what all remittances of the episode share */
	int64_t customer;        /* index; negative: none fits */
	unsigned count;
	int64_t step_us;   /* mean time between two */
	int64_t low, high; /* amount of one */
	bool even;         /* amounts share a sum instead: low .. high of the sum */
	double logit;      /* of the probability */
};

static bool chance(struct plan *p, double probability)
{
	return random_unit(p->random) < probability;
}

static int64_t between(struct plan *p, int64_t low, int64_t high)
{
	return low + (int64_t)random_below(p->random, (uint64_t)(high - low + 1));
}

static struct demo_customer *customer_of(struct plan *p)
{
	return &p->people->customers[p->customer];
}

/* --- traits that several patterns share; each returns whether it holds --- */

static bool send_abroad(struct plan *p, double probability)
{
	uint8_t home = customer_of(p)->nation;
	unsigned country;

	if (!chance(p, probability))
		return false;
	do
		country = demo_nation_draw(p->random);
	while (country == home || !strcmp(demo_nations[country].code, "KR"));
	p->event.country = (int16_t)country;
	return true;
}

static bool pay_by(struct plan *p, double probability, enum demo_payment one,
                   enum demo_payment other)
{
	if (!chance(p, probability))
		return false;
	p->event.payment = (int16_t)(chance(p, 0.5) ? one : other);
	return true;
}

static bool use_other_name(struct plan *p, double probability)
{
	p->event.other_name = chance(p, probability);
	return p->event.other_name;
}

static bool take_amount(struct plan *p, double probability, const int64_t high[2],
                        const int64_t low[2])
{
	bool holds = chance(p, probability);

	p->low = holds ? high[0] : low[0];
	p->high = holds ? high[1] : low[1];
	return holds;
}

/* The next instant between 0:30 and 4:00. */
static bool wait_for_night(struct plan *p, double probability)
{
	if (!chance(p, probability))
		return false;
	p->event.us += DAY_US - p->event.us % DAY_US + between(p, 30, 240) * MINUTE_US;
	return true;
}

/* --- whom --- */

static void pick_sleeper(struct plan *p)
{
	int32_t day = demo_day(p->event.us);
	const struct demo_customer *c;
	unsigned tries;

	p->customer = -ENOENT;
	for (tries = 0; tries < MAX_TRIES; tries++) {
		uint32_t i = (uint32_t)random_below(p->random, p->people->regular);

		c = &p->people->customers[i];
		if (c->joined < day - 180 && c->last_us < p->event.us - 40 * DAY_US) {
			p->customer = i;
			return;
		}
	}
}

static void pick_regular(struct plan *p)
{
	p->customer = demo_population_draw(p->people, p->random, p->event.us);
}

static void pick_newcomer(struct plan *p, int32_t days)
{
	p->customer = demo_population_add(p->people, p->random,
	                                  demo_day(p->event.us) - (int32_t)between(p, 0, days));
}

/* --- the patterns --- */

static void plan_take_over(struct plan *p)
{
	static const int64_t large[2] = { 3000000, 4990000 }, middle[2] = { 1200000, 2990000 };
	bool night, abroad;

	pick_sleeper(p);
	if (p->customer < 0)
		return;
	p->count = (unsigned)between(p, 1, 3);
	p->step_us = 40 * MINUTE_US;
	night = wait_for_night(p, 0.5);
	abroad = send_abroad(p, 0.55);
	p->logit = -4.3 + 1.6 * night + 1.8 * abroad + 1.6 * (night && abroad);
	p->logit += 1.7 * pay_by(p, 0.55, DEMO_PAY_VIRTUAL, DEMO_PAY_CARD);
	p->logit += 1.3 * take_amount(p, 0.5, large, middle);
	p->logit += 1.2 * use_other_name(p, 0.25);
}

static void plan_new_account(struct plan *p)
{
	static const int64_t large[2] = { 3000000, 4990000 }, middle[2] = { 900000, 2990000 };
	struct demo_customer *c;
	bool abroad, passport;

	pick_newcomer(p, 2);
	if (p->customer < 0)
		return;
	c = customer_of(p);
	p->count = (unsigned)between(p, 1, 3);
	p->step_us = 3 * HOUR_US;
	passport = chance(p, 0.5);
	c->id_type = passport ? DEMO_ID_PASSPORT : DEMO_ID_ALIEN;
	abroad = send_abroad(p, 0.5);
	p->logit = -4.6 + 1.6 * abroad + 1.2 * passport + 1.4 * (abroad && passport);
	p->logit += 1.8 * take_amount(p, 0.55, large, middle);
	p->logit += 1.7 * pay_by(p, 0.5, DEMO_PAY_VIRTUAL, DEMO_PAY_OPENBANKING);
	p->logit += 1.1 * use_other_name(p, 0.25);
}

static void plan_structuring(struct plan *p)
{
	static const int64_t brink[2] = { 9510000, DAY_LIMIT }, below[2] = { 7200000, 9490000 };
	bool business, fresh;

	fresh = chance(p, 0.4);
	if (fresh)
		pick_newcomer(p, 60);
	else
		pick_regular(p);
	if (p->customer < 0)
		return;
	p->count = (unsigned)between(p, 3, 5);
	p->step_us = 4 * HOUR_US;
	p->even = true;
	business = customer_of(p)->visa == DEMO_VISA_D8 || customer_of(p)->visa == DEMO_VISA_E7;
	p->logit = -2.4 - 2.0 * business + 1.3 * fresh;
	p->logit += 1.7 * take_amount(p, 0.6, brink, below);
	p->logit += 1.7 * send_abroad(p, 0.5);
	p->logit += 1.4 * use_other_name(p, 0.3);
}

static void plan_mule(struct plan *p)
{
	static const int64_t middle[2] = { 700000, 2400000 }, small[2] = { 200000, 690000 };
	bool student, fresh;

	fresh = chance(p, 0.5);
	if (fresh)
		pick_newcomer(p, 90);
	else
		pick_regular(p);
	if (p->customer < 0)
		return;
	if (chance(p, 0.4))
		customer_of(p)->visa = chance(p, 0.6) ? DEMO_VISA_D2 : DEMO_VISA_D4;
	student = customer_of(p)->visa == DEMO_VISA_D2 || customer_of(p)->visa == DEMO_VISA_D4;
	p->count = (unsigned)between(p, 4, 9);
	p->step_us = 18 * HOUR_US;
	use_other_name(p, 1.0);
	p->logit = -4.0 + 1.6 * fresh + 1.7 * student + 1.2 * (fresh && student);
	p->logit += 1.7 * send_abroad(p, 0.5);
	p->logit += 1.4 * take_amount(p, 0.6, middle, small);
}

static void plan_night_burst(struct plan *p)
{
	static const int64_t small[2] = { 150000, 480000 }, middle[2] = { 490000, 950000 };
	bool abroad, card;

	pick_regular(p);
	p->count = (unsigned)between(p, 4, 8);
	p->step_us = 12 * MINUTE_US;
	wait_for_night(p, 1.0);
	abroad = send_abroad(p, 0.5);
	card = pay_by(p, 0.5, DEMO_PAY_CARD, DEMO_PAY_CARD);
	p->logit = -3.6 + 1.7 * abroad + 1.5 * card + 1.6 * (abroad && card);
	p->logit += 1.6 * take_amount(p, 0.6, small, middle);
	p->logit += 1.3 * use_other_name(p, 0.3);
}

struct pattern {
	enum demo_kind kind;
	unsigned weight; /* of 100 episodes */
	void (*plan)(struct plan *p);
};

static const struct pattern patterns[] = {
	{ DEMO_TAKE_OVER, 34, plan_take_over },     { DEMO_NEW_ACCOUNT, 32, plan_new_account },
	{ DEMO_STRUCTURING, 13, plan_structuring }, { DEMO_MULE, 11, plan_mule },
	{ DEMO_NIGHT_BURST, 10, plan_night_burst },
};

static const struct pattern *draw_pattern(struct random *r)
{
	uint64_t left = random_below(r, 100);
	const struct pattern *t = patterns;

	while (left >= t->weight) {
		left -= t->weight;
		t++;
	}
	return t;
}

/* --- carrying it out --- */

int64_t demo_episode_delay(struct random *r)
{
	double days = exp(1.3 + 0.9 * random_normal(r)); /* median 3.7 days */

	return (int64_t)((days < 0.1 ? 0.1 : days > 90 ? 90 : days) * (double)DAY_US);
}

static void judge(struct plan *p)
{
	p->event.risk = 1 / (1 + exp(-p->logit));
	p->event.fraud = chance(p, p->event.risk);
	p->event.reviewed = chance(p, 0.3);
	p->event.known_after_us = demo_episode_delay(p->random);
}

static int64_t amount_of_one(struct plan *p, int64_t sum)
{
	int64_t amount =
	        p->even ? sum / p->count + between(p, -20, 20) * 1000 : between(p, p->low, p->high);

	return amount / 1000 * 1000;
}

static int carry_out(struct plan *p)
{
	int64_t sum = p->even ? between(p, p->low, p->high - 100000) : 0;
	unsigned i;
	int r;

	p->event.customer = (uint32_t)p->customer;
	for (i = 0; i < p->count; i++) {
		p->event.amount = amount_of_one(p, sum);
		r = demo_schedule_push(p->schedule, &p->event);
		if (r < 0)
			return r;
		p->event.us += (int64_t)((0.3 + 1.4 * random_unit(p->random)) * (double)p->step_us);
	}
	return 1;
}

int demo_episode_plan(struct demo_population *people, struct demo_schedule *s, struct random *r,
                      int64_t us)
{
	const struct pattern *pattern = draw_pattern(r);
	struct plan p = { .people = people, .schedule = s, .random = r };

	p.event = (struct demo_event){
		.us = us, .kind = pattern->kind, .country = -1, .payment = -1
	};
	pattern->plan(&p);
	if (p.customer == -ENOMEM)
		return -ENOMEM;
	if (p.customer < 0)
		return 0;
	judge(&p);
	return carry_out(&p);
}
