/*
 * One table instead of two writers that could drift apart: name, type and place of each column.
 *
 * Used by demo_csv.c and demo_database.c.
 */
#include "demo_columns.h"

#include "demo_generate.h"

const struct demo_column demo_columns[] = {
	{ "transaction_seq", DEMO_INT8, offsetof(struct demo_row, transaction_seq) },
	{ "create_dt", DEMO_TIME, offsetof(struct demo_row, create_us) },
	{ "deposit_amount", DEMO_INT8, offsetof(struct demo_row, deposit_amount) },
	{ "receiving_country", DEMO_TEXT, offsetof(struct demo_row, receiving_country) },
	{ "country_code", DEMO_TEXT, offsetof(struct demo_row, country_code) },
	{ "id_type", DEMO_TEXT, offsetof(struct demo_row, id_type) },
	{ "stay_qualify", DEMO_TEXT, offsetof(struct demo_row, stay_qualify) },
	{ "payment_method", DEMO_TEXT, offsetof(struct demo_row, payment_method) },
	{ "register_date", DEMO_DATE, offsetof(struct demo_row, register_date) },
	{ "first_transaction_date", DEMO_DATE, offsetof(struct demo_row, first_transaction_date) },
	{ "birth_date", DEMO_DATE, offsetof(struct demo_row, birth_date) },
	{ "recheck_date", DEMO_DATE, offsetof(struct demo_row, recheck_date) },
	{ "face_pin_date", DEMO_DATE, offsetof(struct demo_row, face_pin_date) },
	{ "visa_expire_date", DEMO_DATE, offsetof(struct demo_row, visa_expire_date) },
	{ "transaction_count_24hour", DEMO_INT4, offsetof(struct demo_row, count[DEMO_24HOUR]) },
	{ "transaction_count_1week", DEMO_INT4, offsetof(struct demo_row, count[DEMO_1WEEK]) },
	{ "transaction_count_1month", DEMO_INT4, offsetof(struct demo_row, count[DEMO_1MONTH]) },
	{ "transaction_amount_24hour", DEMO_INT8, offsetof(struct demo_row, amount[DEMO_24HOUR]) },
	{ "transaction_amount_1week", DEMO_INT8, offsetof(struct demo_row, amount[DEMO_1WEEK]) },
	{ "transaction_amount_1month", DEMO_INT8, offsetof(struct demo_row, amount[DEMO_1MONTH]) },
	{ "user_name", DEMO_NAME, offsetof(struct demo_row, user_name) },
	{ "sender_name", DEMO_NAME, offsetof(struct demo_row, sender_name) },
};

const size_t demo_column_count = sizeof(demo_columns) / sizeof(demo_columns[0]);
