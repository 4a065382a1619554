/* The verbs of one call or of a row of calls. Private to lib/azure. */
#ifndef AZURE_VERBS_H
#define AZURE_VERBS_H

#include "azure/state.h"

/* Negative with op->result.err: nothing was started. */
int verbs_start_head(struct operation *op);
int verbs_start_delete(struct operation *op);
int verbs_start_list(struct operation *op);
int verbs_start_make_container(struct operation *op);

#endif
