/* One attempt: an easy handle with everything set, and the flow of bytes. Private to lib/fetch. */
#ifndef FETCH_TRANSFER_H
#define FETCH_TRANSFER_H

#include "fetch/call.h"

/* Makes c->easy, ready for the driver; time_ms for all of it, UINT64_MAX = none. */
int transfer_open(struct fetch_call *c, uint64_t time_ms, struct errbuf *err);
void transfer_close(struct fetch_call *c);

#endif
