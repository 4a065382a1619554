/* Getting a blob, small or by ranges. Private to lib/azure. */
#ifndef AZURE_DOWNLOAD_H
#define AZURE_DOWNLOAD_H

#include "azure/state.h"

/* Negative with op->result.err: nothing was started. */
int download_start_content(struct operation *op);
int download_start_file(struct operation *op);
/* Size, tag and digest from the head of an answer; -EBADMSG if it has no size. */
int download_take_head(struct operation *op, const struct fetch_result *r);

#endif
