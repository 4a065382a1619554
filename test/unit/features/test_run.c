/* What every operator computes, row by row; the default program on one real row; equal bits of
 * log1p. */
#include <float.h>
#include <math.h>

#include "features/log1p.h"
#include "features/text_same.h"
#include "fixture.h"

#define PROGRAM                                                                                    \
	"version: 1\n"                                                                             \
	"inputs:\n"                                                                                \
	"  - { name: k, type: integer, required: true, role: key }\n"                              \
	"  - { name: t, type: datetime, required: true, role: time }\n"                            \
	"  - { name: d, type: date, missing: [\"9999-01-01\"] }\n"                                 \
	"  - { name: x, type: number }\n"                                                          \
	"  - { name: y, type: number }\n"                                                          \
	"  - { name: n, type: integer, default: 3 }\n"                                             \
	"  - { name: c, type: category }\n"                                                        \
	"  - { name: s, type: text, private: true }\n"                                             \
	"  - { name: s2, type: text, private: true }\n"                                            \
	"features:\n"                                                                              \
	"  - { name: x, op: number, of: x, clip: [0, 10] }\n"                                      \
	"  - { name: n, op: number, of: n }\n"                                                     \
	"  - { name: year, op: date_part, of: d, part: year }\n"                                   \
	"  - { name: month, op: date_part, of: t, part: month }\n"                                 \
	"  - { name: day, op: date_part, of: t, part: day }\n"                                     \
	"  - { name: dow, op: date_part, of: t, part: dayofweek }\n"                               \
	"  - { name: hour, op: date_part, of: t, part: hour }\n"                                   \
	"  - { name: sin, op: date_part, of: t, part: month_sin }\n"                               \
	"  - { name: cos, op: date_part, of: t, part: month_cos }\n"                               \
	"  - { name: night, op: is_night, of: t }\n"                                               \
	"  - { name: days, op: days_between, of: [t, d], min: -1, max: 400 }\n"                    \
	"  - { name: back, op: days_between, of: [d, t] }\n"                                       \
	"  - { name: names, op: not_equal, of: [s, s2] }\n"                                        \
	"  - { name: names1, op: not_equal, of: [s, s2], missing: 1 }\n"                           \
	"  - { name: namesn, op: not_equal, of: [s, s2], missing: native }\n"                      \
	"  - { name: numbers, op: not_equal, of: [x, n] }\n"                                       \
	"  - { name: times, op: not_equal, of: [d, t] }\n"                                         \
	"  - { name: band, op: bucket, of: x, limits: [1, 2.5, 7] }\n"                             \
	"  - { name: ratio, op: ratio, of: [x, y] }\n"                                             \
	"  - { name: log, op: log1p, of: x }\n"                                                    \
	"  - { name: logratio, op: log1p, of: ratio }\n"                                           \
	"  - { name: all, op: flag, all: [\"x > 1\", \"days <= 5\", \"x != 3\"] }\n"               \
	"  - { name: any, op: flag, any: [\"c in [F4, F5]\", \"d < t\", \"x >= y\"] }\n"           \
	"  - { name: none, op: flag, all: [\"c not_in [F4, F5]\"] }\n"                             \
	"  - { name: date, op: flag, any: [\"d == 2026-01-02\", \"t in [2026-01-01 10:00]\"] }\n"  \
	"  - { name: same, op: flag, all: [\"c == c\", \"c != F9\"] }\n"

static const struct {
	const char *row, *feature;
	double want;
} operator_cases[] = {
	{ "x=5.25", "x", 5.25 },
	{ "x=-1", "x", 0 },
	{ "x=11", "x", 10 },
	{ "x=", "x", (double)NAN },
	{ "", "n", 3 },
	{ "n=", "n", 3 },
	{ "n=7.0", "n", 7 },
	{ "d=2026-02-03", "year", 2026 },
	{ "d=9999-01-01", "year", (double)NAN },
	{ "t=2026-02-03T23:59:59.999999", "month", 2 },
	{ "t=2026-02-03T23:59:59.999999", "day", 3 },
	{ "t=2026-02-03T23:59:59.999999", "hour", 23 },
	{ "t=2026-02-02", "dow", 0 },
	{ "t=2026-02-08", "dow", 6 },
	{ "t=1969-12-31T23:00", "dow", 2 },
	{ "t=1969-12-31T23:00", "hour", 23 },
	{ "t=2026-01-01T05:59", "night", 1 },
	{ "t=2026-01-01T06:00", "night", 0 },
	{ "t=2026-01-01T22:59", "night", 0 },
	{ "t=2026-01-01T23:00", "night", 1 },
	{ "t=2026-03-01", "sin", 1 },
	{ "t=2026-12-01", "sin", 0 },
	{ "t=2026-12-01", "cos", 1 },
	{ "t=2026-06-01", "cos", -1 },
	{ "t=2026-06-01", "sin", 0 },
	{ "t=2026-01-01", "sin", 0.5 },
	{ "t=2026-01-01", "cos", 0.86602540378443864676 },
	{ "t=2026-11-01", "sin", -0.5 },
	{ "t=2026-08-01", "sin", -0.86602540378443864676 },
	{ "t=2026-01-02T00:00;d=2026-01-01", "days", 1 },
	{ "t=2026-01-01T23:59;d=2026-01-01", "days", 0 },
	{ "t=2026-01-01T23:59;d=2026-01-02", "days", -1 },
	{ "t=2026-01-01T23:59;d=2026-01-10", "days", -1 },
	{ "t=2026-01-01;d=2000-01-01", "days", 400 },
	{ "t=2026-01-01T00:00:00.000001;d=2026-01-01", "back", -1 },
	{ "t=2026-01-01T10:00;d=2026-01-03", "back", 1 },
	{ "t=2026-01-01", "days", (double)NAN },
	{ "s=Kim;s2= KIM ", "names", 0 },
	{ "s=Kim;s2=Lee", "names", 1 },
	{ "s=Kim", "names", 0 },
	{ "s=Kim", "names1", 1 },
	{ "s2=Kim", "namesn", (double)NAN },
	{ "x=3;n=3", "numbers", 0 },
	{ "x=3.5;n=3", "numbers", 1 },
	{ "d=2026-01-01;t=2026-01-01T00:00", "times", 0 },
	{ "d=2026-01-01;t=2026-01-01T00:01", "times", 1 },
	{ "x=0.99", "band", 1 },
	{ "x=1", "band", 2 },
	{ "x=2.5", "band", 3 },
	{ "x=7", "band", 4 },
	{ "x=", "band", (double)NAN },
	{ "x=1;y=4", "ratio", 0.25 },
	{ "x=1;y=0", "ratio", (double)NAN },
	{ "x=1", "ratio", (double)NAN },
	{ "x=1e308;y=1e-300", "ratio", FLT_MAX },
	{ "x=-1e308;y=1e-300", "ratio", -FLT_MAX },
	{ "x=0", "log", 0 },
	{ "x=-5", "log", 0 },
	{ "x=1.7182818284590452", "log", 1 },
	{ "x=", "log", (double)NAN },
	{ "x=3;y=1", "logratio", 1.3862943611198906 },
	{ "x=2;t=2026-01-01;d=2026-01-01", "all", 1 },
	{ "x=3;t=2026-01-01;d=2026-01-01", "all", 0 },
	{ "x=2;t=2026-01-01", "all", 0 },
	{ "x=12;t=2026-01-01;d=2026-01-01", "all", 1 },
	{ "c=F5", "any", 1 },
	{ "c=F6", "any", 0 },
	{ "", "any", 0 },
	{ "d=2026-01-01;t=2026-01-01T00:01", "any", 1 },
	{ "d=2026-01-01;t=2026-01-01T00:00", "any", 0 },
	{ "x=1;y=1", "any", 1 },
	{ "c=F6", "none", 1 },
	{ "c=F4", "none", 0 },
	{ "", "none", 0 },
	{ "d=2026-01-02", "date", 1 },
	{ "d=2026-01-03;t=2026-01-01T10:00", "date", 1 },
	{ "d=2026-01-03;t=2026-01-01T10:01", "date", 0 },
	{ "c=a", "same", 1 },
	{ "c=F9", "same", 0 },
	{ "", "same", 0 },
};

static void operators(void **unused)
{
	struct fixture f = { 0 };

	(void)unused;
	fixture_declare(&f, STR(PROGRAM));
	fixture_open(&f);
	for (size_t i = 0; i < COUNT(operator_cases); i++) {
		float got;

		fixture_set_all(&f, operator_cases[i].row);
		fixture_run(&f);
		got = f.features[fixture_feature(&f, operator_cases[i].feature)];
		if (got != (float)operator_cases[i].want &&
		    !(isnan(got) && isnan(operator_cases[i].want)))
			fail_msg("case %zu: %s: %s is %.9g, wanted %.9g", i, operator_cases[i].row,
			         operator_cases[i].feature, (double)got, operator_cases[i].want);
	}
	fixture_done(&f);
}

/* The zone of a date-time is converted to the program's, that of a date before its time is dropped.
 */
static void zones(void **unused)
{
	static const struct {
		const char *t;
		float hour, day;
	} cases[] = {
		{ "2026-01-01T20:00:00Z", 5, 2 },       { "2026-01-01T20:00:00", 20, 1 },
		{ "2026-01-01T20:00:00+09:00", 20, 1 }, { "2026-01-01 20:00:00-01", 6, 2 },
		{ "01/01/2026 20:00", 20, 1 },          { "2026/01/01 20:00Z", 5, 2 },
	};
	struct fixture f = { 0 };

	(void)unused;
	fixture_declare(&f, STR("timezone: +09:00\n" PROGRAM));
	fixture_open(&f);
	assert_int_equal(program_zone_seconds(&f.p), 9 * 3600);
	for (size_t i = 0; i < COUNT(cases); i++) {
		fixture_set(&f, "t", cases[i].t);
		fixture_set(&f, "d", cases[i].t);
		fixture_run(&f);
		if (f.features[fixture_feature(&f, "hour")] != cases[i].hour ||
		    f.features[fixture_feature(&f, "day")] != cases[i].day ||
		    f.features[fixture_feature(&f, "days")] != 0)
			fail_msg("case %zu: %s", i, cases[i].t);
	}
	fixture_done(&f);
}

static void same_names(void **unused)
{
	static const struct {
		const char *a, *b;
		int same;
	} cases[] = {
		{ "KIM", "kim", 1 },
		{ " KIM\t", "kim", 1 },
		{ "KIM", "KIN", 0 },
		{ "", "", 1 },
		{ "", " ", 1 },
		{ "김철수", "김철수", 1 },
		{ "김철수", "김철호", 0 },
		{ "김", "\xE1\x84\x80\xE1\x85\xB5\xE1\x86\xB7", 1 }, /* composed, decomposed */
		{ "ＫＩＭ", "kim", 1 },                              /* full width */
		{ "kim\xE3\x80\x80", "KIM", 1 },                     /* ideographic space */
		{ "kim\xC2\xA0", "KIM", 1 },
		{ "straße", "STRASSE", 1 },
		{ "é", "E\xCC\x81", 1 },
		{ "é", "e", 0 },
		{ "ª", "A", 1 },
		{ "ﬁn", "FIN", 1 },
		{ "\xFF", "\xFE", 0 }, /* not UTF-8: bytes decide */
		{ "a b", "a  b", 0 },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str a = str_of(cases[i].a), b = str_of(cases[i].b);

		if (text_same(a, b) != cases[i].same || text_same(b, a) != cases[i].same)
			fail_msg("case %zu: %s and %s", i, cases[i].a, cases[i].b);
	}
}

static void logarithms(void **unused)
{
	double x = 1e-320;

	(void)unused;
	for (size_t i = 0; i < 20000 && x < 1e308; i++, x *= 1.0731) {
		long double want = log1pl((long double)x);
		double got = log1p_portable(x);
		double unit = nextafter((double)want, INFINITY) - (double)want;

		if (fabsl(got - want) > 2 * unit)
			fail_msg("case %zu: log1p(%a) = %a, wanted %La", i, x, got, want);
	}
	assert_true(log1p_portable(0) == 0);
	assert_true(isinf(log1p_portable(INFINITY)));
	assert_true(fabs(log1p_portable(DBL_MAX) - 709.782712893384) < 1e-9);
}

static const struct {
	const char *feature;
	double want;
} default_row_cases[] = {
	{ "deposit_amount", 2500000 }, /* clipped by the bounds learned below */
	{ "transaction_count_24hour", 0 },
	{ "transaction_amount_24hour", 9600000 },
	{ "amount_type", 3 },
	{ "receiving_country", 2 },
	{ "country_code", 1 },
	{ "id_type", 0 },
	{ "stay_qualify", -1 },
	{ "country_mismatch", 0 },
	{ "name_mismatch", 1 },
	{ "create_dt_year", 2026 },
	{ "create_dt_dayofweek", 6 },
	{ "create_dt_is_night", 0 },
	{ "create_dt_month_sin", -0.5 },
	{ "register_date_day", 1 },
	{ "birth_date_year", (double)NAN },
	{ "account_age", 325 },
	{ "user_seniority", 7 },
	{ "time_to_activate", 318 },
	{ "is_new_high_risk", 1 },
	{ "is_fast_actor", 0 },
	{ "is_near_limit", 1 },
	{ "is_safe_visa_but_high_amt", 1 },
	{ "is_visa_expired", 1 },
	{ "is_zombie_waking_up", 1 },
};

/* The row of the example in the HTTP contract's field table, features worked out by hand. */
static void default_row(void **unused)
{
	static const char encoders[] =
	        "{\"receiving_country\": [\"CN\", \"JP\", \"KR\", \"Unknown\"],"
	        " \"country_code\": [\"CN\", \"Unknown\"], \"id_type\": [\"Unknown\"],"
	        " \"stay_qualify\": [\"Unknown\"], \"payment_method\": [\"Unknown\"]}";
	struct fixture f = { 0 };
	struct errbuf err = { "" };
	char medians[4096];
	size_t n;

	(void)unused;
	json_setup();
	fixture_declare(&f, fixture_default_yaml(&f.a));
	n = (size_t)snprintf(medians, sizeof(medians), "{\"feature_columns\": [");
	for (uint32_t i = 0; i < f.d->feature_count; i++)
		n += (size_t)snprintf(medians + n, sizeof(medians) - n, "%s\"%.*s\"", i ? "," : "",
		                      STR_ARGS(f.d->features[i].name));
	n += (size_t)snprintf(medians + n, sizeof(medians) - n,
	                      "], \"clipping_bounds\": {\"deposit_amount\": [0, 2500000]}}");
	if (learned_read(f.d, STR(encoders), (struct str){ medians, n }, &f.a, &f.learned, &err) <
	    0)
		fail_msg("%s", err.text);
	fixture_open(&f);
	fixture_set_all(&f,
	                "transaction_seq=5692339;create_dt=2026-11-22T10:10:10.5;"
	                "deposit_amount=5000000;receiving_country=KR;register_date=2026-01-01;"
	                "first_transaction_date=2026-11-15;birth_date=9999-12-31;"
	                "transaction_amount_24hour=9600000;stay_qualify=F4;user_name=Kim;"
	                "sender_name=Lee;visa_expire_date=2026-11-22;transaction_count_1month=1");
	fixture_run(&f);
	for (size_t i = 0; i < COUNT(default_row_cases); i++) {
		float got = f.features[fixture_feature(&f, default_row_cases[i].feature)];

		if (got != (float)default_row_cases[i].want &&
		    !(isnan(got) && isnan(default_row_cases[i].want)))
			fail_msg("case %zu: %s is %.9g, wanted %.9g", i,
			         default_row_cases[i].feature, (double)got,
			         default_row_cases[i].want);
	}
	assert_true(program_feature_is_category(&f.p, 8));
	assert_false(program_feature_is_category(&f.p, 0));
	assert_int_equal(program_feature_input(&f.p, 0),
	                 program_find_input(&f.p, STR("deposit_amount")));
	assert_int_equal(program_feature_input(&f.p, 7), -1);
	assert_int_equal(program_find_input(&f.p, STR("deposit")), -1);
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operators),   cmocka_unit_test(zones),
		cmocka_unit_test(same_names),  cmocka_unit_test(logarithms),
		cmocka_unit_test(default_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
