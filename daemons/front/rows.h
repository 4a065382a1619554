/* One JSON object into the cells of the generation's row, its faults gathered. */
#ifndef FRONT_ROWS_H
#define FRONT_ROWS_H

#include "answers.h"
#include "score/score.h"

struct cJSON;

/*
 * Reads the object into c->generation->row. at: the place of the object; its member is set for each
 * fault. True if the row is whole. What is no object is a fault, too.
 */
bool rows_read(struct call *c, const struct cJSON *object, const struct fault_place *at,
               struct arena *a, struct faults *f);

/* Scores c->generation->row and counts it. The reasons borrow from the row. */
void rows_score(struct call *c, const struct score_options *o, struct score_result *ret);

/* An empty body is a missing one: a fault. */
bool rows_have_body(const struct call *c, struct faults *f);
/* The type of the body: JSON, or the call has ended with 415. */
bool rows_check_type(struct call *c);

#endif
