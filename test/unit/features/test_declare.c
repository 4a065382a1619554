/* The default program as it stands in config/, and the words for everything a program can do wrong.
 */
#include "fixture.h"

#define HEAD                                                                                       \
	"version: 1\n"                                                                             \
	"inputs:\n"                                                                                \
	"  - { name: k, type: integer, required: true, role: key }\n"                              \
	"  - { name: t, type: datetime, required: true, role: time }\n"                            \
	"  - { name: d, type: date }\n"                                                            \
	"  - { name: x, type: number }\n"                                                          \
	"  - { name: c, type: category }\n"                                                        \
	"  - { name: s, type: text, private: true }\n"                                             \
	"  - { name: p, type: category, private: true }\n"                                         \
	"  - { name: card number, type: number }\n"
#define FEATURES HEAD "features:\n"
#define FLAG(c) FEATURES "  - { name: f, op: flag, all: ['" c "'] }\n"
#define IN_F "test.yaml:12: feature \"f\": "

static void default_program(void **unused)
{
	static const char *const some[] = { "deposit_amount",     "receiving_country",
		                            "create_dt_is_night", "visa_expire_date_dayofweek",
		                            "account_age",        "is_zombie_waking_up" };
	struct fixture f = { 0 };

	(void)unused;
	fixture_declare(&f, fixture_default_yaml(&f.a));
	assert_int_equal(f.d->input_count, 22);
	assert_int_equal(f.d->feature_count, 56);
	assert_string_equal(f.d->inputs[f.d->key].name.p, "transaction_seq");
	assert_string_equal(f.d->inputs[f.d->time].name.p, "create_dt");
	assert_int_equal(f.d->entity, -1);
	for (size_t i = 0; i < COUNT(some); i++) {
		bool found = false;

		for (uint32_t k = 0; k < f.d->feature_count; k++)
			found |= str_is(f.d->features[k].name, some[i]);
		if (!found)
			fail_msg("case %zu: no feature %s", i, some[i]);
	}
	fixture_done(&f);
}

static void good_programs(void **unused)
{
	static const char *const cases[] = {
		FLAG("x <= 7"),
		FLAG("x<=7"),
		FLAG("x > -1e3"),
		FLAG("x >= k"),
		FLAG("x in [1, 2,3]"),
		FLAG("x not_in[1]"),
		FLAG("c == c"),
		FLAG("c == F4"),
		FLAG("c != \"F4 <\""),
		FLAG("c in [F4, \"a,b\", F5]"),
		FLAG("d < t"),
		FLAG("t >= 2020-01-01 10:00"),
		FLAG("d in [2020-01-01, 01/02/2020]"),
		FLAG("\"card number\" >= 3"),
		FLAG("x == card number"),
		FEATURES "  - { name: f, op: number, of: x, missing: median, clip: [0, 10] }\n",
		FEATURES "  - { name: f, op: number, of: [x] }\n",
		FEATURES
		"  - { name: x, op: log1p, of: x }\n  - { name: y, op: ratio, of: [x, k] }\n",
		FEATURES
		"  - { name: g, op: ratio, of: [x, k] }\n  - { name: y, op: log1p, of: g }\n",
		FEATURES "  - { name: f, op: not_equal, of: [c, s], missing: native }\n",
		FEATURES "  - { name: f, op: not_equal, of: [x, k], missing: 1 }\n",
		FEATURES "  - { name: f, op: not_equal, of: [d, t] }\n",
		"timezone: +09:00\n" FEATURES "  - { name: f, op: is_night, of: t }\n",
		"timezone: -03:30\n" FEATURES "  - { name: f, op: is_night, of: t }\n",
		"timezone: UTC\n" FEATURES "  - { name: f, op: is_night, of: t }\n",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = { 0 };
		struct errbuf err = { "" };
		struct declaration *d;

		if (program_declare(str_of(cases[i]), "test.yaml", &a, &d, &err) < 0)
			fail_msg("case %zu: %s", i, err.text);
		arena_done(&a);
	}
}

struct bad_program {
	const char *yaml, *words;
};

static void check_bad(const struct bad_program *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct arena a = { 0 };
		struct errbuf err = { "" };
		struct declaration *d;
		int r = program_declare(str_of(cases[i].yaml), "test.yaml", &a, &d, &err);

		if (r >= 0 || strcmp(err.text, cases[i].words) != 0)
			fail_msg("case %zu: %d \"%s\", wanted \"%s\"", i, r, err.text,
			         cases[i].words);
		arena_done(&a);
	}
}

static void bad_files(void **unused)
{
	static const struct bad_program cases[] = {
		{ "- 1\n", "test.yaml:1: a feature program must be a mapping" },
		{ "inputs: []\n", "test.yaml:1: \"version\" is missing" },
		{ "version: 2\n", "test.yaml:1: version \"2\" is not known, only 1" },
		{ "version: 1\nfeature: []\n",
		  "test.yaml:2: unknown member \"feature\" (known: version timezone inputs "
		  "features)" },
		{ "version: 1\n", "test.yaml:1: \"inputs\" is missing" },
		{ "version: 1\ninputs: []\n",
		  "test.yaml:2: \"inputs\" must be a list of 1 to 1024" },
		{ HEAD, "test.yaml:1: \"features\" is missing" },
		{ HEAD "features: {}\n", "test.yaml:11: \"features\" must be a list of 1 to 4096" },
		{ "version: 1\ntimezone: Asia/Seoul\n",
		  "test.yaml:2: timezone \"Asia/Seoul\" must be UTC or an offset such as +09:00 "
		  "(the "
		  "rules of a named zone differ between hosts)" },
		{ "version: 1\ntimezone: +15:00\n",
		  "test.yaml:2: timezone \"+15:00\" must be UTC or an offset such as +09:00 (the "
		  "rules of a named zone differ between hosts)" },
	};

	(void)unused;
	check_bad(cases, COUNT(cases));
}

#define INPUTS "version: 1\ninputs:\n"
#define IN_X "test.yaml:3: input \"x\": "

static void bad_inputs(void **unused)
{
	static const struct bad_program cases[] = {
		{ INPUTS "  - x\n", "test.yaml:3: an input must be a mapping with a name" },
		{ INPUTS "  - { type: date }\n", "test.yaml:3: input without a name" },
		{ INPUTS "  - { name: ' x', type: date }\n",
		  "test.yaml:3: \" x\" is no name: 1 to 128 printable bytes without quotes" },
		{ INPUTS "  - { name: x }\n", IN_X "\"type\" is missing" },
		{ INPUTS "  - { name: x, type: float }\n",
		  IN_X "unknown type \"float\" (known: integer, number, category, datetime, date, "
		       "text)" },
		{ INPUTS "  - { name: x, type: date, hidden: true }\n",
		  IN_X "unknown member \"hidden\" (known: name type required default role missing "
		       "private)" },
		{ INPUTS "  - { name: x, type: date, required: yes }\n",
		  IN_X "\"required\" must be true or false" },
		{ INPUTS "  - { name: x, type: date, role: owner }\n",
		  IN_X "unknown role \"owner\" (known: none, key, time, entity)" },
		{ INPUTS "  - { name: x, type: number, required: true, role: key }\n",
		  IN_X "role key does not fit type number" },
		{ INPUTS "  - { name: x, type: integer, role: key }\n",
		  IN_X "role key needs \"required: true\"" },
		{ INPUTS "  - { name: x, type: integer, default: 1.5 }\n",
		  IN_X "default \"1.5\" is no integer" },
		{ INPUTS "  - { name: x, type: integer, required: true, default: 1 }\n",
		  IN_X "a required input has no default" },
		{ INPUTS "  - { name: x, type: number, missing: [1] }\n",
		  IN_X "\"missing\" is for dates and date-times only" },
		{ INPUTS "  - { name: x, type: date, missing: [never] }\n",
		  IN_X "\"never\" in \"missing\" is no date" },
		{ INPUTS "  - { name: x, type: date }\n  - { name: x, type: date }\n",
		  "test.yaml:4: input \"x\": the name is declared twice" },
		{ INPUTS "  - { name: k, type: integer, required: true, role: key }\n"
		         "  - { name: x, type: integer, required: true, role: key }\n",
		  "test.yaml:4: input \"x\": role key is taken by \"k\"" },
		{ INPUTS "  - { name: x, type: date }\n",
		  "test.yaml:2: no input has \"role: key\"" },
		{ INPUTS "  - { name: x, type: integer, required: true, role: key }\n",
		  "test.yaml:2: no input has \"role: time\"" },
	};

	(void)unused;
	check_bad(cases, COUNT(cases));
}

static const struct bad_program bad_feature_cases[] = {
	{ FEATURES "  - { name: f, of: x }\n", IN_F "\"op\" is missing" },
	{ FEATURES "  - { name: f, op: sum, of: x }\n",
	  IN_F "unknown operator \"sum\" (known: number, category, date_part, is_night, "
	       "days_between, not_equal, bucket, flag, ratio, log1p)" },
	{ FEATURES "  - { name: f, op: number, of: x, part: day }\n",
	  IN_F "unknown member \"part\" (known: name op of missing clip)" },
	{ FEATURES "  - { name: f, op: number }\n", IN_F "\"of\" is missing" },
	{ FEATURES "  - { name: f, op: number, of: y }\n",
	  IN_F "there is no input or feature \"y\"" },
	{ FEATURES "  - { name: f, op: number, of: g }\n  - { name: g, op: number, of: x }\n",
	  IN_F "feature \"g\" is not declared before this one" },
	{ FEATURES "  - { name: f, op: number, of: f }\n",
	  IN_F "feature \"f\" is not declared before this one" },
	{ FEATURES "  - { name: f, op: number, of: x }\n  - { name: f, op: number, of: x }\n",
	  "test.yaml:13: feature \"f\": the name is declared twice" },
	{ FEATURES "  - { name: f, op: number, of: c }\n",
	  IN_F "number needs a number, an integer or an earlier feature" },
	{ FEATURES "  - { name: f, op: number, of: [x, x] }\n", IN_F "\"of\" must be one name" },
	{ FEATURES "  - { name: f, op: ratio, of: x }\n", IN_F "\"of\" must be [name, name]" },
	{ FEATURES "  - { name: f, op: number, of: x, clip: 3 }\n",
	  IN_F "\"clip\" must be iqr or [low, high]" },
	{ FEATURES "  - { name: f, op: number, of: x, clip: [3, 1] }\n",
	  IN_F "in \"clip\" the low bound is above the high one" },
	{ FEATURES "  - { name: f, op: number, of: x, missing: mean }\n",
	  IN_F "unknown kind of missing \"mean\" (known: native, median)" },
	{ FEATURES "  - { name: g, op: log1p, of: x }\n"
	           "  - { name: f, op: number, of: g, clip: iqr }\n",
	  "test.yaml:13: feature \"f\": only an input's bounds and median can be learned" },
	{ FEATURES "  - { name: f, op: category, of: s }\n",
	  IN_F "category needs an input of type category" },
	{ FEATURES "  - { name: f, op: category, of: p }\n",
	  IN_F "a private input cannot be a category: its values would be stored as levels" },
	{ FEATURES "  - { name: f, op: date_part, of: x, part: day }\n",
	  IN_F "date_part needs a date or a date-time" },
	{ FEATURES "  - { name: f, op: date_part, of: d }\n", IN_F "\"part\" is missing" },
	{ FEATURES "  - { name: f, op: date_part, of: d, part: hour }\n",
	  IN_F "a date has no hour" },
	{ FEATURES "  - { name: f, op: date_part, of: d, part: week }\n",
	  IN_F "unknown part \"week\" (known: year, month, day, dayofweek, hour, month_sin, "
	       "month_cos)" },
	{ FEATURES "  - { name: f, op: is_night, of: d }\n", IN_F "is_night needs a date-time" },
	{ FEATURES "  - { name: f, op: days_between, of: [d, x] }\n",
	  IN_F "days_between needs two dates or date-times" },
	{ FEATURES "  - { name: f, op: days_between, of: [d, t], min: 3, max: 1 }\n",
	  IN_F "\"min\" is above \"max\"" },
	{ FEATURES "  - { name: f, op: not_equal, of: [c, x] }\n",
	  IN_F "not_equal needs two texts, two numbers or two dates" },
	{ FEATURES "  - { name: f, op: bucket, of: x, limits: [1, 1] }\n",
	  IN_F "\"limits\" must be ascending" },
	{ FEATURES "  - { name: f, op: bucket, of: x, limits: [a] }\n",
	  IN_F "\"a\" must be a number" },
	{ FEATURES "  - { name: f, op: bucket, of: x }\n", IN_F "\"limits\" is missing" },
	{ FEATURES "  - { name: f, op: flag }\n", IN_F "flag needs either \"all\" or \"any\"" },
	{ FEATURES "  - { name: f, op: flag, all: [x > 1], any: [x > 2] }\n",
	  IN_F "flag needs either \"all\" or \"any\"" },
	{ FEATURES "  - { name: f, op: flag, of: x, all: [x > 1] }\n",
	  IN_F "unknown member \"of\" (known: name op all any)" },
};

static void bad_features(void **unused)
{
	(void)unused;
	check_bad(bad_feature_cases, COUNT(bad_feature_cases));
}

#define COMPARED(text, words)                                                                      \
	{                                                                                          \
		FLAG(text), IN_F "comparison \"" text "\": " words                                 \
	}

static void bad_comparisons(void **unused)
{
	static const struct bad_program cases[] = {
		{ FLAG("y < 1"), IN_F "there is no input or feature \"y\"" },
		COMPARED("< 1", "it must begin with a name"),
		COMPARED("x", "an operator must follow: < <= > >= == != in not_in"),
		COMPARED("x = 1", "an operator must follow: < <= > >= == != in not_in"),
		COMPARED("x <", "the right side is missing"),
		COMPARED("x < one", "\"one\" is neither a number nor an input"),
		COMPARED("x < 1 2", "\"1 2\" is neither a number nor an input"),
		COMPARED("x < c", "the two sides are of different types"),
		COMPARED("d < soon", "\"soon\" is neither a date nor an input"),
		COMPARED("x < [1]", "a list needs in or not_in"),
		COMPARED("x in 1", "in and not_in need a list in brackets"),
		COMPARED("x in []", "the list is empty or too long"),
		COMPARED("x in [1,,2]", "an item of the list is empty"),
		COMPARED("x in [1,]", "an item of the list is empty"),
		COMPARED("c < F4", "texts have no order, only == != in not_in"),
		{ FEATURES "  - { name: g, op: category, of: c }\n"
		           "  - { name: f, op: flag, any: [\"g == 1\"] }\n",
		  "test.yaml:13: feature \"f\": comparison \"g == 1\": the code of a category is "
		  "no "
		  "quantity, compare the input" },
	};

	(void)unused;
	check_bad(cases, COUNT(cases));
}

static void plain_programs(void **unused)
{
	const struct str names[] = { STR("a b"), STR("x"), STR("transaction_seq") };
	struct fixture f = { 0 };
	struct errbuf err = { "" };

	(void)unused;
	assert_int_equal(program_declare_plain(names, 2, &f.a, &f.d, &err), 0);
	fixture_open(&f);
	assert_int_equal(f.p.input_count, 3);
	assert_int_equal(f.p.feature_count, 2);
	assert_int_equal(f.p.key, 2);
	assert_int_equal(f.p.time, -1);
	assert_false(f.p.inputs[2].required);
	fixture_set(&f, "a b", "1.5");
	fixture_run(&f);
	assert_true(f.features[0] == 1.5F);
	assert_true(f.features[1] != f.features[1]);
	assert_int_equal(program_declare_plain(names, 3, &f.a, &f.d, &err), 0);
	assert_int_equal(f.d->key, 2);
	assert_int_equal(f.d->input_count, 3);
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_program), cmocka_unit_test(good_programs),
		cmocka_unit_test(bad_files),       cmocka_unit_test(bad_inputs),
		cmocka_unit_test(bad_features),    cmocka_unit_test(bad_comparisons),
		cmocka_unit_test(plain_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
