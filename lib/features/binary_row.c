/*
 * PostgreSQL's binary values into cells, for COPY BINARY and binary result sets: what batch reads.
 * A value here must give the bits that the same value gives as text in a CSV: a numeric the nearest
 * double, a float4 the double of its shortest decimal, a timestamptz its time in the program's
 * zone.
 */
#include <endian.h>
#include <errno.h>
#include <math.h>

#include "base/civil.h"
#include "features/fault.h"
#include "features/number_text.h"
#include "features/pg_numeric.h"
#include "features/reading.h"
#include "features/time_text.h"
#include "json/writer.h"

/* 2000-01-01, where PostgreSQL counts from. */
#define PG_EPOCH_DAYS 10957
#define SECOND_US INT64_C(1000000)
/* 0001-01-01 and 10000-01-01 in days since 1970. */
#define DAYS_MIN (-719162)
#define DAYS_END 2932897

static const size_t column_sizes[COLUMN_TYPE_MAX] = {
	[COLUMN_INT2] = 2,   [COLUMN_INT4] = 4,      [COLUMN_INT8] = 8,
	[COLUMN_FLOAT4] = 4, [COLUMN_FLOAT8] = 8,    [COLUMN_BOOL] = 1,
	[COLUMN_DATE] = 4,   [COLUMN_TIMESTAMP] = 8, [COLUMN_TIMESTAMPTZ] = 8,
};

bool column_fits(enum input_type input, enum column_type column)
{
	bool is_time =
	        column == COLUMN_DATE || column == COLUMN_TIMESTAMP || column == COLUMN_TIMESTAMPTZ;

	if (column == COLUMN_TEXT)
		return true;
	switch (input) {
	case INPUT_INTEGER:
	case INPUT_NUMBER:
		return !is_time;
	case INPUT_DATETIME:
	case INPUT_DATE:
		return is_time;
	default:
		return false;
	}
}

static uint32_t load32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static uint64_t load64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static int64_t load_integer(enum column_type type, const unsigned char *p)
{
	switch (type) {
	case COLUMN_INT2:
		return (int16_t)((p[0] << 8) | p[1]);
	case COLUMN_INT4:
		return (int32_t)load32(p);
	case COLUMN_BOOL:
		return p[0] != 0;
	default:
		return (int64_t)load64(p);
	}
}

/* 0.1::float4 is 0.1 to whoever reads its text, not 0.100000001490116. */
static double widen(float v)
{
	char text[NUMBER_TEXT_SIZE];
	double d = v;

	if (isfinite(v))
		number_from_text((struct str){ text, number_print_float(v, text) }, &d);
	return d;
}

static double load_float(enum column_type type, const void *p)
{
	uint32_t bits32;
	uint64_t bits64;
	double d;
	float f;

	if (type == COLUMN_FLOAT4) {
		bits32 = load32(p);
		memcpy(&f, &bits32, sizeof(f));
		return widen(f);
	}
	bits64 = load64(p);
	memcpy(&d, &bits64, sizeof(d));
	return d;
}

static int set_integer(int64_t v, struct cell *ret)
{
	*ret = (struct cell){ .present = true, .v.integer = v };
	return 0;
}

static int set_number(double v, struct cell *ret)
{
	*ret = (struct cell){ .present = true, .v.number = v };
	return 0;
}

static int integer_of_float(double v, struct cell *ret, struct field_fault *ret_fault)
{
	if (v != floor(v))
		return fault_set(ret_fault, FAULT_INT_FROM_FLOAT);
	if (!(fabs(v) < 0x1p63))
		return fault_set(ret_fault, FAULT_INT_PARSING_SIZE);
	return set_integer((int64_t)v, ret);
}

static int from_numeric(const struct program_input *in, const void *p, size_t n, struct cell *ret,
                        struct field_fault *ret_fault)
{
	char text[PG_NUMERIC_TEXT_SIZE];
	int r = pg_numeric_print(p, n, text);

	if (r == -ENODATA)
		return reading_absent(in, ret, ret_fault);
	if (r == -ERANGE)
		return fault_set(ret_fault, FAULT_FINITE_NUMBER);
	if (r < 0)
		return fault_set(ret_fault, in->type == INPUT_INTEGER ? FAULT_INT_PARSING
		                                                      : FAULT_FLOAT_PARSING);
	if (in->type == INPUT_INTEGER)
		return reading_integer((struct str){ text, (size_t)r }, ret, ret_fault);
	return reading_number((struct str){ text, (size_t)r }, ret, ret_fault);
}

/* NaN is "missing", as its text in a CSV. */
static int from_float(const struct program_input *in, double v, struct cell *ret,
                      struct field_fault *ret_fault)
{
	if (isnan(v))
		return reading_absent(in, ret, ret_fault);
	if (!isfinite(v))
		return fault_set(ret_fault, FAULT_FINITE_NUMBER);
	if (in->type == INPUT_INTEGER)
		return integer_of_float(v, ret, ret_fault);
	return set_number(v, ret);
}

static int from_whole(const struct program_input *in, int64_t v, struct cell *ret)
{
	return in->type == INPUT_INTEGER ? set_integer(v, ret) : set_number((double)v, ret);
}

/* Days since 1970 in the calendar that text can name; "infinity" is beyond it. */
static bool is_calendar(int64_t days)
{
	return days >= DAYS_MIN && days < DAYS_END;
}

static int from_time_column(const struct program_input *in, enum column_type type, const void *p,
                            struct cell *ret, struct field_fault *ret_fault)
{
	int64_t us = 0, days;

	if (type == COLUMN_DATE) {
		days = (int64_t)(int32_t)load32(p) + PG_EPOCH_DAYS;
	} else {
		us = (int64_t)load64(p);
		days = time_day(us) + PG_EPOCH_DAYS;
	}
	if (!is_calendar(days))
		return fault_set_time(ret_fault, in->type == INPUT_DATE ? FORM_DATE : FORM_DATETIME,
		                      days < 0 ? TIME_TOO_EARLY : TIME_TOO_LATE);
	us = type == COLUMN_DATE ? days * CIVIL_DAY_US : us + PG_EPOCH_DAYS * CIVIL_DAY_US;
	if (type == COLUMN_TIMESTAMPTZ)
		us += in->zone_seconds * SECOND_US;
	if (in->type == INPUT_DATE)
		us = time_midnight(us);
	return reading_instant(in, us, (struct str){ 0 }, ret, ret_fault);
}

static bool is_time_column(enum column_type type)
{
	return type == COLUMN_DATE || type == COLUMN_TIMESTAMP || type == COLUMN_TIMESTAMPTZ;
}

int cell_from_binary(const struct program_input *in, enum column_type type, const void *p, size_t n,
                     struct cell *ret, struct field_fault *ret_fault)
{
	if (!p)
		return reading_absent(in, ret, ret_fault);
	if (type == COLUMN_TEXT)
		return cell_from_text(in, (struct str){ p, n }, ret, ret_fault);
	if (!column_fits(in->type, type) || (column_sizes[type] && n != column_sizes[type]))
		return fault_set_type(ret_fault, in->type);
	if (is_time_column(type))
		return from_time_column(in, type, p, ret, ret_fault);
	if (type == COLUMN_NUMERIC)
		return from_numeric(in, p, n, ret, ret_fault);
	if (type == COLUMN_FLOAT4 || type == COLUMN_FLOAT8)
		return from_float(in, load_float(type, p), ret, ret_fault);
	return from_whole(in, load_integer(type, p), ret);
}
