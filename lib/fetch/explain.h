/* Words for a person about an attempt that failed. Private to lib/fetch, but for its test and
 * fuzzer. */
#ifndef FETCH_EXPLAIN_H
#define FETCH_EXPLAIN_H

#include <curl/curl.h>

#include "base/errbuf.h"
#include "base/str.h"
#include "fetch/retry.h"

struct fetch_call;

/* What an error body says, short and on one line: the message of a JSON answer (MLflow, Entra ID),
 * or the start of plain text; "" for HTML and what is not readable. */
#define EXPLAIN_BYTES 160
void explain_body(struct str body, char ret[EXPLAIN_BYTES]);

/* The status as -errno, see fetch_result. */
int explain_status(unsigned status);

/* After an attempt: 0 for a success; else -errno, words, and what retry_again() wants to know. */
int explain_attempt(const struct fetch_call *c, CURLcode code, struct retry_failure *ret_failure,
                    struct errbuf *err);

#endif
