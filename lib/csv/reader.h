/*
 * RFC 4180 in pieces: bytes go in as they arrive, whole rows come out by callback. Comma, quotes
 * doubled inside quotes, LF or CRLF, a BOM at the start is skipped; the last line needs no end.
 * Memory: one row, at most max_row. Pure: no I/O.
 */
#ifndef CSV_READER_H
#define CSV_READER_H

#include <stdbool.h>

#include "base/errbuf.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "csv/options.h"

struct csv_reader;

int csv_reader_new(const struct csv_options *options, struct csv_reader **ret);
void csv_reader_free(struct csv_reader *r);
/* 0 or negative; may call back many times. */
int csv_read(struct csv_reader *r, struct str bytes, struct errbuf *err);
/* The input is over: the last line, an open quote. */
int csv_finish(struct csv_reader *r, struct errbuf *err);

/* Appends one field, quoted where it must be; `first` of its row has no comma before it. */
void csv_write_field(struct strbuf *out, struct str text, bool first);

#endif
