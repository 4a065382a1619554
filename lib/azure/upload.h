/* Putting a blob, small or by blocks. Private to lib/azure. */
#ifndef AZURE_UPLOAD_H
#define AZURE_UPLOAD_H

#include "azure/state.h"

/* Negative with op->result.err: nothing was started. */
int upload_start_content(struct operation *op);
int upload_start_file(struct operation *op);

#endif
