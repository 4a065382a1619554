/* The limits of a reader of CSV, and what it calls. */
#ifndef CSV_OPTIONS_H
#define CSV_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct csv_options {
	size_t max_field;  /* bytes; 0 = 64 KiB */
	size_t max_row;    /* bytes; 0 = 1 MiB */
	size_t max_fields; /* a row; 0 = 4096 */
	/* One row: fields are borrowed until it returns. line is that of the row's first byte,
	 * from 1. Negative ends the reading and is returned by csv_read(). Empty lines are skipped.
	 */
	int (*on_row)(void *self, uint64_t line, const struct str *fields, size_t count);
	/* A row that broke a rule (quote in the middle, field too long, not UTF-8): the reader goes
	 * on with the next line. NULL: csv_read() returns -EBADMSG with the words in the errbuf. */
	int (*on_bad_row)(void *self, uint64_t line, const char *what);
	void *self;
};

#endif
