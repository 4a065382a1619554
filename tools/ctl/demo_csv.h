/* Demo rows as CSV: the text (pure), and a file of it that is whole or absent. */
#ifndef CTL_DEMO_CSV_H
#define CTL_DEMO_CSV_H

#include "base/errbuf.h"
#include "base/strbuf.h"
#include "demo_generate.h"

/* The inputs, then `label` (1 = fraud). */
void demo_csv_header(struct strbuf *out);
void demo_csv_row(struct strbuf *out, const struct demo_row *row);

struct demo_csv;
/* path "-": standard output. Else it is written beside and renamed by finish. */
int demo_csv_open(const char *path, struct demo_csv **ret, struct errbuf *err);
int demo_csv_write(struct demo_csv *c, const struct demo_row *row, struct errbuf *err);
/* Both free. */
int demo_csv_finish(struct demo_csv *c, struct errbuf *err);
void demo_csv_abort(struct demo_csv *c);

#endif
