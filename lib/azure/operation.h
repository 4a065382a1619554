/* The life of an operation. Private to lib/azure. */
#ifndef AZURE_OPERATION_H
#define AZURE_OPERATION_H

#include "azure/state.h"

int operation_new(struct azure *a, const struct azure_request *q, struct operation **ret);
/* Without a callback. */
void operation_free(struct operation *op);
/* Tells it and frees it. result.err has words if result < 0. */
void operation_end(struct operation *op, int result);
/* The same with the words of an answer. */
void operation_fail(struct operation *op, const struct fetch_result *r);

#endif
