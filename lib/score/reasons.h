/* reasons.yaml to the texts of an image. Private to lib/score. */
#ifndef SCORE_REASONS_H
#define SCORE_REASONS_H

#include "base/errbuf.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "features/program.h"
#include "score/image.h"

#define SCORE_MAX_REASON_TEXT 1024

/* Fills ret (one a feature of p, zeroed by the caller) and adds the bytes to texts. Entries for
 * features that the program lacks are skipped: one file serves many programs. */
int score_reasons_read(struct str yaml, const struct program *p, struct strbuf *texts,
                       struct score_reason_texts *ret, struct errbuf *err);

/* Adds s to texts; an empty one stays { 0, 0 }. */
struct score_text score_add_text(struct strbuf *texts, struct str s);

#endif
