/* What a batch did, for a person and as one JSON object. */
#ifndef BATCH_REPORT_H
#define BATCH_REPORT_H

#include "base/strbuf.h"
#include "batch.h"

/* status: "succeeded", "skipped", "cancelled", "failed"; message may be empty. */
void report_json(const struct batch_options *o, const struct intake *in,
                 const struct batch_result *result, const char *status, const char *message,
                 struct strbuf *out);
/* One line without its end. */
void report_text(const struct batch_options *o, const struct batch_result *result,
                 struct strbuf *out);

#endif
