/*
 * One row after the other: either an episode's next remittance is due, or somebody sends as usual.
 * The invariant that makes the data worth training on: every column is what a real system would
 * have known at that instant, and nothing of the truth (kind, risk, outcome) leaks into it.
 *
 * Memory: the customers (one for 16 rows) with 30 days of their remittances, never the rows.
 * Called by demo_command.c through a sink, and by its tests.
 */
#include "demo_generate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "demo_calendar.h"
#include "demo_episode.h"

#define ROWS_PER_CUSTOMER 16
#define MIN_CUSTOMERS 50
#define EPISODE_CHANCE 0.0072 /* of a usual remittance; with it about 1 % of rows are fraud */
#define USUAL_RISK 0.0003     /* fraud that looks like anybody's remittance */
#define DAY_LIMIT 9990000
#define HOUR_US (INT64_C(3600) * 1000000)

static const int64_t window_us[DEMO_WINDOW_MAX] = { 24 * HOUR_US, 168 * HOUR_US, 720 * HOUR_US };

struct demo {
	struct demo_options options;
	struct demo_calendar calendar;
	struct demo_population people;
	struct demo_schedule schedule;
	struct random random;
	uint64_t made;   /* rows that are out */
	uint64_t usual;  /* of them not from an episode */
	double share;    /* of the year's work that is done at slot_us */
	int64_t slot_us; /* when the next usual remittance happens */
};

int demo_new(const struct demo_options *o, struct demo **ret)
{
	struct demo *d;
	uint64_t customers = o->rows / ROWS_PER_CUSTOMER;
	int32_t until_day = demo_day(o->until_us);
	int r;

	if (o->rows == 0 || o->rows > DEMO_MAX_ROWS)
		return -EINVAL;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->options = *o;
	random_seed(&d->random, o->seed);
	demo_calendar_init(&d->calendar, o->until_us);
	r = demo_population_init(&d->people, &d->random,
	                         (uint32_t)(customers < MIN_CUSTOMERS ? MIN_CUSTOMERS : customers),
	                         until_day - DEMO_DAYS, until_day);
	if (r < 0) {
		demo_free(d);
		return r;
	}
	*ret = d;
	return 0;
}

void demo_free(struct demo *d)
{
	if (!d)
		return;
	demo_schedule_done(&d->schedule);
	demo_population_done(&d->people);
	free(d);
}

void demo_free_p(struct demo *const *d)
{
	demo_free(*d);
}

/* --- what happens next --- */

/* Episodes take some of the rows that are left: the usual ones share the rest evenly. */
static void draw_slot(struct demo *d)
{
	double left = (double)(d->options.rows - d->made);
	double usual_share = (double)(d->usual + 1) / (double)(d->made + 1);

	d->share = demo_calendar_next_share(&d->random, d->share, left * usual_share);
	d->slot_us = demo_calendar_at(&d->calendar, d->share);
}

static struct demo_event usual_event(struct demo *d)
{
	struct demo_event e = { .us = d->slot_us,
		                .kind = DEMO_USUAL,
		                .risk = USUAL_RISK,
		                .country = -1,
		                .payment = -1 };

	e.customer = demo_population_draw(&d->people, &d->random, d->slot_us);
	e.fraud = random_unit(&d->random) < USUAL_RISK;
	e.known_after_us = demo_episode_delay(&d->random);
	e.reviewed = random_unit(&d->random) < 0.002;
	return e;
}

/* An episode whose plan begins in the future leaves the slot without a row: draw again. */
static int next_event(struct demo *d, struct demo_event *ret)
{
	const struct demo_event *planned;
	int r;

	for (;;) {
		planned = demo_schedule_first(&d->schedule);
		if (planned && d->slot_us && planned->us <= d->slot_us) {
			*ret = demo_schedule_pop(&d->schedule);
			return 0;
		}
		if (!d->slot_us) {
			draw_slot(d);
			continue;
		}
		r = random_unit(&d->random) < EPISODE_CHANCE
		            ? demo_episode_plan(&d->people, &d->schedule, &d->random, d->slot_us)
		            : 0;
		if (r < 0)
			return r;
		if (r == 0) {
			*ret = usual_event(d);
			d->slot_us = 0;
			d->usual++;
			return 0;
		}
		d->slot_us = 0;
	}
}

/* --- the row --- */

static int64_t sent_since(const struct demo_customer *c, int64_t us)
{
	int64_t sum = 0;
	uint32_t i;

	for (i = c->past_count; i > 0 && c->past[i - 1].us > us; i--)
		sum += c->past[i - 1].amount;
	return sum;
}

/* Nobody may send more than the limit in 24 hours. */
static int64_t limited(const struct demo_customer *c, int64_t us, int64_t amount)
{
	int64_t left = DAY_LIMIT - sent_since(c, us - window_us[DEMO_24HOUR]);

	if (amount <= left)
		return amount;
	return left < 50000 ? 50000 : left / 1000 * 1000;
}

static void fill_windows(struct demo_row *row, const struct demo_customer *c)
{
	uint32_t i;
	int w;

	for (w = 0; w < DEMO_WINDOW_MAX; w++) {
		row->count[w] = 0;
		row->amount[w] = 0;
		for (i = c->past_count; i > 0 && c->past[i - 1].us > row->create_us - window_us[w];
		     i--) {
			row->count[w]++;
			row->amount[w] += c->past[i - 1].amount;
		}
	}
}

static unsigned usual_country(struct demo *d, const struct demo_customer *c)
{
	bool citizen = !strcmp(demo_nations[c->nation].code, "KR");
	unsigned country = citizen || random_unit(&d->random) < 0.2 ? c->second_country : c->nation;

	/* Nobody sends abroad to the country that he is in. */
	return strcmp(demo_nations[country].code, "KR") ? country : 0;
}

static void fill_papers(struct demo *d, struct demo_row *row, const struct demo_event *e,
                        const struct demo_customer *c)
{
	unsigned country = e->country >= 0 ? (unsigned)e->country : usual_country(d, c);
	unsigned payment = e->payment >= 0 ? (unsigned)e->payment : c->payment;

	if (e->payment < 0 && random_unit(&d->random) < 0.1)
		payment = (unsigned)random_below(&d->random, DEMO_PAY_MAX);
	row->receiving_country = demo_nations[country].code;
	row->country_code = demo_nations[c->nation].code;
	row->id_type = demo_id_names[c->id_type];
	row->stay_qualify = demo_visa_names[c->visa];
	row->payment_method = random_unit(&d->random) < 0.01 ? NULL : demo_payment_names[payment];
}

static void fill_dates(struct demo *d, struct demo_row *row, struct demo_customer *c)
{
	int32_t day = demo_day(row->create_us);

	/* A new telephone: enrolled again. */
	if (random_unit(&d->random) < 0.004 || c->face > day)
		c->face = day;
	row->register_date = c->lost_register ? DEMO_YEAR_9999 : c->joined;
	row->first_transaction_date = c->first;
	row->birth_date = c->born;
	row->recheck_date = demo_customer_recheck(c, day);
	row->face_pin_date = c->face;
	row->visa_expire_date = demo_customer_visa(c, day);
}

static void fill_names(struct demo *d, struct demo_row *row, const struct demo_event *e,
                       const struct demo_customer *c)
{
	struct random *r = &d->random;
	char name[DEMO_NAME_SIZE];

	demo_name_print(c->nation, c->name, row->user_name);
	if (e->other_name)
		demo_name_print(demo_nation_draw(r), (uint32_t)random_below(r, 36), name);
	else if (c->family_sends && random_unit(r) < 0.6)
		demo_name_print(c->nation, c->family_name, name);
	else
		demo_name_print(c->nation, c->name, name);
	if (random_unit(r) < 0.03)
		row->sender_name[0] = '\0';
	else
		demo_name_vary(r, name, row->sender_name);
}

static void fill_truth(struct demo_row *row, const struct demo_event *e)
{
	row->kind = e->kind;
	row->risk = e->risk;
	row->fraud = e->fraud;
	row->labelled = e->fraud || e->reviewed;
	row->known_us = row->create_us + e->known_after_us;
}

static int fill_row(struct demo *d, const struct demo_event *e, struct demo_row *row)
{
	struct demo_customer *c = &d->people.customers[e->customer];
	int r;

	row->transaction_seq = (int64_t)d->made + 1;
	row->create_us = e->us / 1000000 * 1000000;
	row->deposit_amount = limited(c, row->create_us,
	                              e->amount ? e->amount : demo_customer_amount(c, &d->random));
	r = demo_customer_remember(c, row->create_us, row->deposit_amount);
	if (r < 0)
		return r;
	fill_windows(row, c);
	fill_papers(d, row, e, c);
	fill_dates(d, row, c);
	fill_names(d, row, e, c);
	fill_truth(row, e);
	return 0;
}

int demo_next(struct demo *d, struct demo_row *ret)
{
	struct demo_event e;
	int r;

	if (d->made == d->options.rows)
		return 0;
	r = next_event(d, &e);
	if (r == 0)
		r = fill_row(d, &e, ret);
	if (r < 0)
		return r;
	d->made++;
	return 1;
}
