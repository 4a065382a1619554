/* One row of the source into a chunk: cells, score, reasons, or the reason why it has no score. */
#ifndef BATCH_SCORER_H
#define BATCH_SCORER_H

#include <stdint.h>

#include "base/errbuf.h"
#include "chunk.h"
#include "source.h"

struct scorer {
	const struct score_model *model;
	const struct source *source;
	struct score_options options;
	struct score_scratch scratch;
	struct cell *row;
	uint64_t scoring_ns; /* inside score_row(): features, walk, SHAP */
};

int scorer_init(struct scorer *s, const struct score_model *m, const struct source *source,
                const struct score_options *o);
void scorer_done(struct scorer *s);

/* fields: as source_write_rows() orders them; xid: the column behind the inputs, or empty. -EBADMSG
 * for a stream that is not what the source said, -ENOMEM. */
int scorer_take(struct scorer *s, const struct str *fields, struct str xid, struct chunk *c,
                struct errbuf *err);

#endif
