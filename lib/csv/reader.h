/*
 * RFC 4180 in pieces: bytes go in as they arrive, whole rows come out by callback. Comma, quotes
 * doubled inside quotes, LF or CRLF, a BOM at the start is skipped; the last line needs no end.
 * Memory: one row, at most max_row. Pure: no I/O.
 */
#ifndef CSV_READER_H
#define CSV_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "base/str.h"
#include "base/strbuf.h"

struct csv_reader;

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

int csv_reader_new(const struct csv_options *options, struct csv_reader **ret);
void csv_reader_free(struct csv_reader *r);
/* 0 or negative; may call back many times. */
int csv_read(struct csv_reader *r, struct str bytes, struct errbuf *err);
/* The input is over: the last line, an open quote. */
int csv_finish(struct csv_reader *r, struct errbuf *err);

/* Appends one field, quoted where it must be; `first` of its row has no comma before it. */
void csv_write_field(struct strbuf *out, struct str text, bool first);

#endif
