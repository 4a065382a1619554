/*
 * JSON values into cells as pydantic's lax mode takes them, and an object into a row. On the path
 * of every request. Members are first sorted to their inputs, then read in the program's order, so
 * that faults come in the order of the fields as they did from pydantic, whatever the order of
 * members.
 */
#include <errno.h>
#include <math.h>

#include "features/fault.h"
#include "features/reading.h"
#include "features/time_text.h"
#include "json/value.h"

/* 2^63: the first double beyond a 64-bit integer. */
#define INTEGER_END 0x1p63

static int integer_from_number(const struct cJSON *value, struct cell *ret,
                               struct field_fault *ret_fault)
{
	int64_t v;
	double d;

	if (!json_integer(value, &v)) {
		d = json_number(value);
		if (!isfinite(d))
			return fault_set(ret_fault, FAULT_FINITE_NUMBER);
		if (d != floor(d))
			return fault_set(ret_fault, FAULT_INT_FROM_FLOAT);
		if (!(fabs(d) < INTEGER_END))
			return fault_set(ret_fault, FAULT_INT_PARSING_SIZE);
		v = (int64_t)d;
	}
	*ret = (struct cell){ .present = true, .v.integer = v };
	return 0;
}

static int from_number(const struct program_input *in, const struct cJSON *value, struct cell *ret,
                       struct field_fault *ret_fault)
{
	double d;
	int64_t us;

	switch (in->type) {
	case INPUT_INTEGER:
		return integer_from_number(value, ret, ret_fault);
	case INPUT_NUMBER:
		d = json_number(value);
		if (!isfinite(d))
			return fault_set(ret_fault, FAULT_FINITE_NUMBER);
		*ret = (struct cell){ .present = true, .v.number = d };
		return 0;
	case INPUT_DATETIME:
	case INPUT_DATE:
		if (time_from_number(in, json_number(value), &us, ret_fault) < 0)
			return -EINVAL;
		return reading_instant(in, us, (struct str){ 0 }, ret, ret_fault);
	default:
		return fault_set_type(ret_fault, in->type);
	}
}

static int from_bool(const struct program_input *in, bool v, struct cell *ret,
                     struct field_fault *ret_fault)
{
	switch (in->type) {
	case INPUT_INTEGER:
		*ret = (struct cell){ .present = true, .v.integer = v };
		return 0;
	case INPUT_NUMBER:
		*ret = (struct cell){ .present = true, .v.number = v };
		return 0;
	default:
		return fault_set_type(ret_fault, in->type);
	}
}

static bool is_optional(const struct program_input *in)
{
	return !in->required && !in->has_default;
}

static int from_text(const struct program_input *in, struct str text, struct cell *ret,
                     struct field_fault *ret_fault)
{
	if (text.n == 0 && is_optional(in)) {
		*ret = (struct cell){ 0 };
		return 0;
	}
	switch (in->type) {
	case INPUT_INTEGER:
		return reading_integer(text, ret, ret_fault);
	case INPUT_NUMBER:
		return reading_number(text, ret, ret_fault);
	case INPUT_DATETIME:
	case INPUT_DATE:
		return reading_time(in, text, ret, ret_fault);
	default:
		/* Checked to be UTF-8 when the document was scanned. */
		if (text.n == 0)
			return fault_set(ret_fault, FAULT_STRING_TOO_SHORT);
		*ret = (struct cell){ .present = true, .v.text = text };
		return 0;
	}
}

int cell_from_json(const struct program_input *in, const struct cJSON *value, struct arena *a,
                   struct cell *ret, struct field_fault *ret_fault)
{
	(void)a;
	switch (json_type(value)) {
	case JSON_TYPE_NULL:
		if (!is_optional(in))
			return fault_set_type(ret_fault, in->type);
		*ret = (struct cell){ 0 };
		return 0;
	case JSON_TYPE_BOOL:
		return from_bool(in, json_bool(value), ret, ret_fault);
	case JSON_TYPE_NUMBER:
		return from_number(in, value, ret, ret_fault);
	case JSON_TYPE_TEXT:
		return from_text(in, json_text(value), ret, ret_fault);
	default:
		return fault_set_type(ret_fault, in->type);
	}
}

int row_from_json(const struct program *p, const struct cJSON *object, struct arena *a,
                  struct cell *row, row_on_fault *on_fault, void *self)
{
	const struct cJSON *values[PROGRAM_MAX_INPUTS];
	struct field_fault fault;
	int faults = 0;

	for (uint32_t i = 0; i < p->input_count; i++)
		values[i] = NULL;
	for (const struct cJSON *m = json_first(object); m; m = json_next(m)) {
		int input = program_find_input(p, json_name(m));

		if (input >= 0)
			values[input] = m;
	}
	for (uint32_t i = 0; i < p->input_count; i++) {
		const struct program_input *in = &p->inputs[i];
		int r;

		r = values[i] ? cell_from_json(in, values[i], a, &row[i], &fault)
		              : reading_absent(in, &row[i], &fault);
		if (r < 0) {
			on_fault(self, i, &fault, values[i]);
			faults++;
		}
	}
	return faults;
}
