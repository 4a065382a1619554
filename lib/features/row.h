/*
 * Outside values into cells, with words for what is wrong. Three sources, one meaning (data.md,
 * table of sources): a JSON value, the text of a CSV field, a database value.
 */
#ifndef FEATURES_ROW_H
#define FEATURES_ROW_H

#include "features/program.h"

struct cJSON;

/* What is wrong with one value: pydantic's error type and message, so that an HTTP answer, a row
 * error and a reject say the same. type and message are static or in the arena. */
struct field_fault {
	const char *type;    /* "missing", "int_parsing", "float_parsing", "finite_number",
	                        "string_type", … */
	const char *message; /* "Field required", "Input should be a valid integer, ..." */
	struct str ctx;      /* JSON text of pydantic's ctx object, or empty */
};

/*
 * 0, or -EINVAL with *ret filled. Types as pydantic's lax mode takes them: "12.5" and true are
 * numbers, 3.0 an integer. null: fault unless the input is optional without a default. Text stays
 * borrowed from the document; what must be converted comes from the arena.
 */
int cell_from_json(const struct program_input *in, const struct cJSON *value, struct arena *a,
                   struct cell *ret, struct field_fault *ret_fault);

/* Empty, NULL, NaN, None, NaT: the default, or missing, or for a required input a fault of type
 * "missing". "5692339.0" is an integer. Text stays borrowed. */
int cell_from_text(const struct program_input *in, struct str text, struct cell *ret,
                   struct field_fault *ret_fault);

/* A value of PostgreSQL's binary format; p NULL is SQL's null. type: what the column was found to
 * be at start. The database session has TimeZone = the program's zone. */
enum column_type {
	COLUMN_INT2,
	COLUMN_INT4,
	COLUMN_INT8,
	COLUMN_FLOAT4,
	COLUMN_FLOAT8,
	COLUMN_NUMERIC,
	COLUMN_TEXT,
	COLUMN_BOOL,
	COLUMN_DATE,
	COLUMN_TIMESTAMP,
	COLUMN_TIMESTAMPTZ,
	COLUMN_TYPE_MAX
};
int cell_from_binary(const struct program_input *in, enum column_type type, const void *p, size_t n,
                     struct cell *ret, struct field_fault *ret_fault);
/* Whether a column of that type can feed that input at all, for the check at start. */
bool column_fits(enum input_type input, enum column_type column);

/* The row as a whole after all cells were set from a JSON object (members by name, unknown ones
 * ignored, required ones that are absent reported). Faults go to the callback, all of them;
 * `input` is the index, value NULL when the member is absent. Returns the number of faults, or
 * negative for -ENOMEM. */
typedef void row_on_fault(void *self, uint32_t input, const struct field_fault *fault,
                          const struct cJSON *value);
int row_from_json(const struct program *p, const struct cJSON *object, struct arena *a,
                  struct cell *row, row_on_fault *on_fault, void *self);

/*
 * Columns of a CSV or table, resolved once: column i feeds input `input[i]` (-1: ignored).
 * row_columns(): -EEXIST for a duplicate name, -ENOENT when required inputs are absent; the words
 * list them as api.md says: "Missing required columns in CSV: a, b".
 */
struct row_columns {
	int *input;
	size_t count;
};
int row_columns(const struct program *p, const struct str *names, size_t count, struct arena *a,
                struct row_columns *ret, struct errbuf *err);
/* One CSV row. on_fault as above with value NULL; `input` names the column. A row with fewer fields
 * than columns lacks the rest; with more is a fault of the caller's reader (returns -E2BIG). */
int row_from_fields(const struct program *p, const struct row_columns *c, const struct str *fields,
                    size_t count, struct cell *row, row_on_fault *on_fault, void *self);

#endif
