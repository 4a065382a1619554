/* A judgement and a promotion, for people and as JSON: verdict.json, --json, job_runs.detail. */
#ifndef TRAIN_VERDICT_REPORT_H
#define TRAIN_VERDICT_REPORT_H

#include "base/strbuf.h"
#include "outcome.h"

/* A table of both versions with intervals. */
void verdict_report_text(const struct judgement *j, const struct settings *s, struct strbuf *out);
/* One JSON object without a line end. */
void verdict_report_json(const struct judgement *j, const struct settings *s, struct strbuf *out);

/* What came of it: a line, and what did not follow. */
void promotion_report_text(const struct promotion *p, const struct settings *s, struct strbuf *out);
/* The same with the judgement inside, one JSON object without a line end. */
void promotion_report_json(const struct promotion *p, const struct settings *s, struct strbuf *out);

#endif
