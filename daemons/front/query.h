/* The query parameters that scoring knows, with pydantic's words for bad ones. */
#ifndef FRONT_QUERY_H
#define FRONT_QUERY_H

#include <stdbool.h>

#include "answers.h"
#include "score/score.h"

/* ?top_k= (0 to 50, default 3), ?explain=false, ?include_allow=false. Faults are added to f. */
void query_read(struct call *c, struct faults *f, struct score_options *ret);
/* A yes or no parameter; the default stands when it is absent or bad. What is alone after '?'
 * counts as yes (?verbose). f NULL: a bad value is no fault. */
bool query_flag(struct call *c, struct faults *f, const char *name, bool otherwise);

#endif
