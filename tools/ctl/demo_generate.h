/*
 * The demo's data: a year of remittances by a seeded population, sorted by time, with the window
 * columns computed from the rows themselves and labels that become known later. Same options, same
 * rows. Pure: rows come one by one, where they go is another's business (demo_sink.h).
 */
#ifndef CTL_DEMO_GENERATE_H
#define CTL_DEMO_GENERATE_H

#include <stdbool.h>
#include <stdint.h>

#include "demo_names.h"
#include "demo_population.h"
#include "demo_schedule.h"

#define DEMO_MAX_ROWS UINT64_C(100000000)

enum demo_window { DEMO_24HOUR, DEMO_1WEEK, DEMO_1MONTH, DEMO_WINDOW_MAX };

struct demo_options {
	uint64_t rows;
	uint64_t seed;
	int64_t until_us; /* the data ends just before; it begins 365 days earlier */
};

struct demo_row {
	int64_t transaction_seq; /* 1, 2, 3 … */
	int64_t create_us;
	int64_t deposit_amount; /* KRW */
	const char *receiving_country, *country_code, *id_type, *stay_qualify,
	        *payment_method; /* NULL: null */
	int32_t register_date, first_transaction_date, birth_date, recheck_date, face_pin_date,
	        visa_expire_date;       /* days since 1970, or DEMO_NO_DATE */
	int32_t count[DEMO_WINDOW_MAX]; /* windows end with this row, which counts */
	int64_t amount[DEMO_WINDOW_MAX];
	char user_name[DEMO_NAME_SIZE], sender_name[DEMO_NAME_SIZE]; /* "": null */

	/* the truth */
	enum demo_kind kind;
	double risk; /* probability of fraud given all that the generator knows but the outcome */
	bool fraud;
	bool labelled; /* somebody found out, at: */
	int64_t known_us;
};

struct demo;

/* -EINVAL (rows 0 or too many), -ENOMEM. */
int demo_new(const struct demo_options *o, struct demo **ret);
/* 1: a row; 0: all rows are out; -ENOMEM. */
int demo_next(struct demo *d, struct demo_row *ret);
void demo_free(struct demo *d);
void demo_free_p(struct demo *const *d);

#endif
