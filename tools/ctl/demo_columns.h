/* The columns of a demo row, once for CSV and database. */
#ifndef CTL_DEMO_COLUMNS_H
#define CTL_DEMO_COLUMNS_H

#include <stddef.h>

enum demo_column_type { DEMO_INT8, DEMO_INT4, DEMO_TIME, DEMO_DATE, DEMO_TEXT, DEMO_NAME };

struct demo_column {
	const char *name; /* of the table's column, the feature program's input, the CSV's header */
	enum demo_column_type type;
	size_t offset; /* in struct demo_row */
};

extern const struct demo_column demo_columns[];
extern const size_t demo_column_count;

#endif
