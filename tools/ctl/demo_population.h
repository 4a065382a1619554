/* Who sends money: customers with habits. Pure. */
#ifndef CTL_DEMO_POPULATION_H
#define CTL_DEMO_POPULATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"

#define DEMO_NO_DATE INT32_MIN
#define DEMO_YEAR_9999 2932532 /* 9999-01-01 in days since 1970: how the source writes "none" */

enum demo_id_type {
	DEMO_ID_ALIEN,
	DEMO_ID_PASSPORT,
	DEMO_ID_RESIDENT,
	DEMO_ID_DRIVER,
	DEMO_ID_MAX
};
enum demo_payment {
	DEMO_PAY_BANK,
	DEMO_PAY_OPENBANKING,
	DEMO_PAY_CARD,
	DEMO_PAY_VIRTUAL,
	DEMO_PAY_MAX
};
enum demo_visa {
	DEMO_VISA_E9,
	DEMO_VISA_H2,
	DEMO_VISA_F4,
	DEMO_VISA_F5,
	DEMO_VISA_F6,
	DEMO_VISA_E7,
	DEMO_VISA_D2,
	DEMO_VISA_D4,
	DEMO_VISA_D8,
	DEMO_VISA_NONE,
	DEMO_VISA_MAX
};

extern const char *const demo_id_names[DEMO_ID_MAX];
extern const char *const demo_payment_names[DEMO_PAY_MAX];
extern const char *const demo_visa_names[DEMO_VISA_MAX]; /* NULL for DEMO_VISA_NONE */

struct demo_past {
	int64_t us;
	int64_t amount;
};

struct demo_customer {
	int32_t joined;                   /* day; register_date unless lost_register */
	int32_t first;                    /* day of the first remittance; DEMO_NO_DATE: none yet */
	int32_t born, face, visa_expires; /* days, or DEMO_NO_DATE */
	float amount_mean, amount_spread; /* of ln(amount) */
	uint8_t nation, second_country;   /* indices of demo_nations[] */
	uint8_t id_type, visa, payment, hour; /* hour: when this one usually sends */
	bool lost_register, rechecks, late_visa, family_sends;
	uint32_t name, family_name;
	/* remittances of the last 30 days, oldest first */
	struct demo_past *past;
	uint32_t past_count, past_room;
	int64_t last_us; /* 0: never */
};

struct demo_population {
	struct demo_customer *customers;
	uint32_t count, room;
	uint32_t regular; /* the first ones, drawn by activity; later ones were made for an episode
	                   */
	double *activity; /* of the regular ones, running sum */
};

/* from_day, until_day: the span of the data; three of ten customers join within it. */
int demo_population_init(struct demo_population *p, struct random *r, uint32_t count,
                         int32_t from_day, int32_t until_day);
void demo_population_done(struct demo_population *p);
/* A customer that is there at that instant and likes this hour. Returns its index. */
uint32_t demo_population_draw(const struct demo_population *p, struct random *r, int64_t us);
/* A new one who joins on that day; its index, or -ENOMEM. */
int64_t demo_population_add(struct demo_population *p, struct random *r, int32_t day);

/* Remembers a remittance and forgets those older than 30 days. */
int demo_customer_remember(struct demo_customer *c, int64_t us, int64_t amount);
/* An amount as this customer usually sends, rounded as people round. */
int64_t demo_customer_amount(const struct demo_customer *c, struct random *r);
/* recheck_date at that day. */
int32_t demo_customer_recheck(const struct demo_customer *c, int32_t day);
/* visa_expire_date at that day: renewed in time, or a little late. */
int32_t demo_customer_visa(struct demo_customer *c, int32_t day);

#endif
