/*
 * An XGBoost model document while it is read. Two readers (JSON, UBJSON) call the same few
 * functions, one for each thing they meet; a table says which members matter and where their
 * content goes. Trees are checked and made compact one by one as they end, so that memory follows
 * the model and not the document. What no table row names is skipped.
 */
#ifndef FOREST_DOCUMENT_H
#define FOREST_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/str.h"
#include "forest/build.h"
#include "forest/document_state.h"
#include "forest/number.h"

void document_init(struct document *d, const struct forest_limits *limits, struct arena *a,
                   struct errbuf *err);
void document_done(struct document *d);

/* What a reader met. 0, or -errno with words in err (-ENOMEM has none). */
int document_begin(struct document *d, bool list);
int document_end(struct document *d);
int document_key(struct document *d, struct str name);
int document_string(struct document *d, struct str text);
int document_number(struct document *d, const struct number *n);
int document_bool(struct document *d, bool value);
int document_null(struct document *d);
/* A whole list of `count` UBJSON numbers of one type. */
int document_numbers(struct document *d, char type, const uint8_t *p, size_t count);

/* Records the words of a refusal that a reader found itself. */
int document_refuse(struct document *d, int r, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
