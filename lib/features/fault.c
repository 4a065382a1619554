/*
 * pydantic 2's error types, messages and contexts as tables. Called by the three readers of cells;
 * nothing is formatted at run time, so a fault costs no memory and cannot fail.
 */
#include "features/fault.h"

#include <errno.h>

struct fault_row {
	const char *type, *message, *ctx;
};

static const struct fault_row faults[FAULT_MAX] = {
	[FAULT_MISSING] = { "missing", "Field required", "" },
	[FAULT_INT_TYPE] = { "int_type", "Input should be a valid integer", "" },
	[FAULT_INT_PARSING] = { "int_parsing",
	                        "Input should be a valid integer, unable to parse string as an "
	                        "integer",
	                        "" },
	[FAULT_INT_PARSING_SIZE] = { "int_parsing_size",
	                             "Unable to parse input string as an integer, exceeded maximum "
	                             "size",
	                             "" },
	[FAULT_INT_FROM_FLOAT] = { "int_from_float",
	                           "Input should be a valid integer, got a number with a "
	                           "fractional part",
	                           "" },
	[FAULT_FLOAT_TYPE] = { "float_type", "Input should be a valid number", "" },
	[FAULT_FLOAT_PARSING] = { "float_parsing",
	                          "Input should be a valid number, unable to parse string as a "
	                          "number",
	                          "" },
	[FAULT_FINITE_NUMBER] = { "finite_number", "Input should be a finite number", "" },
	[FAULT_STRING_TYPE] = { "string_type", "Input should be a valid string", "" },
	[FAULT_STRING_TOO_SHORT] = { "string_too_short", "String should have at least 1 character",
	                             "{\"min_length\":1}" },
	[FAULT_STRING_UNICODE] = { "string_unicode",
	                           "Input should be a valid string, unable to parse raw data as a "
	                           "unicode string",
	                           "" },
	[FAULT_DATETIME_TYPE] = { "datetime_type", "Input should be a valid datetime", "" },
	[FAULT_DATE_TYPE] = { "date_type", "Input should be a valid date", "" },
	[FAULT_DATE_FROM_DATETIME_INEXACT] = { "date_from_datetime_inexact",
	                                       "Datetimes provided to dates should have zero time "
	                                       "- e.g. be exact dates",
	                                       "" },
};

static const char *const form_types[TIME_FAULT_FORM_MAX] = {
	[FORM_DATETIME] = "datetime_parsing",
	[FORM_DATETIME_FROM_DATE] = "datetime_from_date_parsing",
	[FORM_DATE] = "date_parsing",
	[FORM_DATE_FROM_DATETIME] = "date_from_datetime_parsing",
};

#define IN_DATETIME(name, text) [name] = ("Input should be a valid datetime, " text),
#define IN_EITHER(name, text) [name] = ("Input should be a valid datetime or date, " text),
#define IN_DATE(name, text)                                                                        \
	[name] = ("Input should be a valid date in the format YYYY-MM-DD, " text),
#define IN_DATE_OR_DATETIME(name, text)                                                            \
	[name] = ("Input should be a valid date or datetime, " text),
#define CONTEXT(name, text) [name] = "{\"error\":\"" text "\"}",

static const char *const time_messages[TIME_FAULT_FORM_MAX][TIME_FAULT_MAX] = {
	[FORM_DATETIME] = { TIME_FAULTS(IN_DATETIME) },
	[FORM_DATETIME_FROM_DATE] = { TIME_FAULTS(IN_EITHER) },
	[FORM_DATE] = { TIME_FAULTS(IN_DATE) },
	[FORM_DATE_FROM_DATETIME] = { TIME_FAULTS(IN_DATE_OR_DATETIME) },
};

static const char *const time_contexts[TIME_FAULT_MAX] = { TIME_FAULTS(CONTEXT) };

int fault_set(struct field_fault *ret, enum fault fault)
{
	const struct fault_row *row = &faults[fault];

	*ret = (struct field_fault){ row->type, row->message, str_of(row->ctx) };
	return -EINVAL;
}

int fault_set_type(struct field_fault *ret, enum input_type type)
{
	static const enum fault types[INPUT_TYPE_MAX] = {
		[INPUT_INTEGER] = FAULT_INT_TYPE,     [INPUT_NUMBER] = FAULT_FLOAT_TYPE,
		[INPUT_CATEGORY] = FAULT_STRING_TYPE, [INPUT_DATETIME] = FAULT_DATETIME_TYPE,
		[INPUT_DATE] = FAULT_DATE_TYPE,       [INPUT_TEXT] = FAULT_STRING_TYPE,
	};

	return fault_set(ret, types[type]);
}

int fault_set_time(struct field_fault *ret, enum time_fault_form form, enum time_fault fault)
{
	*ret = (struct field_fault){ form_types[form], time_messages[form][fault],
		                     str_of(time_contexts[fault]) };
	return -EINVAL;
}
