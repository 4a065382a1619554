/*
 * The words that features.yaml uses for types, roles, operators, parts of a date and comparisons:
 * one table each, indexed by the enum. The declaration reads them; messages print them.
 */
#include "features/operators.h"

#include "features/program.h"

const char *const feature_op_names[FEATURE_OP_MAX] = {
	[OP_NUMBER] = "number",
	[OP_CATEGORY] = "category",
	[OP_DATE_PART] = "date_part",
	[OP_IS_NIGHT] = "is_night",
	[OP_DAYS_BETWEEN] = "days_between",
	[OP_NOT_EQUAL] = "not_equal",
	[OP_BUCKET] = "bucket",
	[OP_FLAG] = "flag",
	[OP_RATIO] = "ratio",
	[OP_LOG1P] = "log1p",
};

const char *const date_part_names[DATE_PART_MAX] = {
	[PART_YEAR] = "year",           [PART_MONTH] = "month", [PART_DAY] = "day",
	[PART_DAYOFWEEK] = "dayofweek", [PART_HOUR] = "hour",   [PART_MONTH_SIN] = "month_sin",
	[PART_MONTH_COS] = "month_cos",
};

const char *const comparison_op_names[COMPARISON_OP_MAX] = {
	[COMPARE_LT] = "<",  [COMPARE_LE] = "<=", [COMPARE_GT] = ">",  [COMPARE_GE] = ">=",
	[COMPARE_EQ] = "==", [COMPARE_NE] = "!=", [COMPARE_IN] = "in", [COMPARE_NOT_IN] = "not_in",
};

const char *const input_type_names[INPUT_TYPE_MAX] = {
	[INPUT_INTEGER] = "integer",   [INPUT_NUMBER] = "number", [INPUT_CATEGORY] = "category",
	[INPUT_DATETIME] = "datetime", [INPUT_DATE] = "date",     [INPUT_TEXT] = "text",
};

const char *const input_role_names[INPUT_ROLE_COUNT] = {
	[ROLE_NONE] = "none",
	[ROLE_KEY] = "key",
	[ROLE_TIME] = "time",
	[ROLE_ENTITY] = "entity",
};

int operators_find(const char *const *names, size_t count, struct str word)
{
	for (size_t i = 0; i < count; i++) {
		if (str_is(word, names[i]))
			return (int)i;
	}
	return -1;
}
