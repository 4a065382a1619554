/*
 * One table instead of two writers that could drift apart: name, type and place of each column.
 *
 * Used by demo_csv.c and demo_database.c.
 */
#include "demo_columns.h"

#include "demo_generate.h"

#define COLUMN(name, type)                                                                         \
	{                                                                                          \
#name, type, offsetof(struct demo_row, name)                                       \
	}
#define WINDOW(name, member, type, window)                                                         \
	{                                                                                          \
		name, type, offsetof(struct demo_row, member[window])                              \
	}

const struct demo_column demo_columns[] = {
	COLUMN(transaction_seq, DEMO_INT8),
	{ "create_dt", DEMO_TIME, offsetof(struct demo_row, create_us) },
	COLUMN(deposit_amount, DEMO_INT8),
	COLUMN(receiving_country, DEMO_TEXT),
	COLUMN(country_code, DEMO_TEXT),
	COLUMN(id_type, DEMO_TEXT),
	COLUMN(stay_qualify, DEMO_TEXT),
	COLUMN(payment_method, DEMO_TEXT),
	COLUMN(register_date, DEMO_DATE),
	COLUMN(first_transaction_date, DEMO_DATE),
	COLUMN(birth_date, DEMO_DATE),
	COLUMN(recheck_date, DEMO_DATE),
	COLUMN(face_pin_date, DEMO_DATE),
	COLUMN(visa_expire_date, DEMO_DATE),
	WINDOW("transaction_count_24hour", count, DEMO_INT4, DEMO_24HOUR),
	WINDOW("transaction_count_1week", count, DEMO_INT4, DEMO_1WEEK),
	WINDOW("transaction_count_1month", count, DEMO_INT4, DEMO_1MONTH),
	WINDOW("transaction_amount_24hour", amount, DEMO_INT8, DEMO_24HOUR),
	WINDOW("transaction_amount_1week", amount, DEMO_INT8, DEMO_1WEEK),
	WINDOW("transaction_amount_1month", amount, DEMO_INT8, DEMO_1MONTH),
	COLUMN(user_name, DEMO_NAME),
	COLUMN(sender_name, DEMO_NAME),
};

const size_t demo_column_count = sizeof(demo_columns) / sizeof(demo_columns[0]);
