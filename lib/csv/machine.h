/* The state of a reader, and the machine that reads what cannot be cut in place. Internal to
 * lib/csv. */
#ifndef CSV_MACHINE_H
#define CSV_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/strbuf.h"
#include "csv/options.h"

enum csv_state {
	CSV_FIELD_START, /* nothing of the field was seen; of the row neither if size is 0 */
	CSV_PLAIN,       /* in a field without quotes */
	CSV_QUOTED,      /* between quotes */
	CSV_QUOTE,       /* behind a quote between quotes: the end, or half of a doubled one */
	CSV_CR,          /* behind a CR outside quotes */
	CSV_SKIP,        /* behind a fault, up to the next LF */
};

struct csv_reader {
	struct csv_options options;
	enum csv_state state;
	int bom;             /* bytes of it that were seen; BOM_SIZE: the start is over */
	uint64_t line;       /* of the row's first byte */
	uint64_t line_ends;  /* within the row so far */
	size_t size;         /* bytes of the row so far */
	size_t field;        /* bytes of the field so far */
	struct strbuf row;   /* its fields, one behind the other, without quotes */
	bool ascii;          /* nothing else in the row so far */
	const char *what;    /* the fault that ends the reading, for the errbuf */
	size_t count;        /* fields that are complete */
	struct str fields[]; /* the machine sets p at the row's end, when row.p is settled */
};

/* The bytes that end or change something: comma, quote, CR, LF. */
extern const bool csv_special[256];

static inline bool machine_at_row_start(const struct csv_reader *r)
{
	return r->state == CSV_FIELD_START && r->size == 0;
}

/* Takes bytes up to the end of a row or to `end`; 0 or what ends the reading. */
int machine_read(struct csv_reader *r, const char **p, const char *end);
/* The input is over. */
int machine_finish(struct csv_reader *r);

bool fields_are_utf8(const struct str *fields, size_t count);

#endif
