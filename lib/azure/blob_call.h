/* One REST call with its authorisation. Private to lib/azure. */
#ifndef AZURE_BLOB_CALL_H
#define AZURE_BLOB_CALL_H

#include "azure/signature.h"
#include "azure/state.h"

#define BLOB_CALL_HEADERS 6 /* beyond those that every call has */
#define BLOB_CALL_QUERY 8

struct blob_call_request {
	const char *method;
	const struct blob_address *at;
	bool container;                                   /* the container itself, not the blob */
	struct signature_pair query[BLOB_CALL_QUERY];     /* sorted; ended by a NULL name */
	struct signature_pair headers[BLOB_CALL_HEADERS]; /* x-ms-* */
	struct str body;                                  /* borrowed */
	const char *content_md5, *content_type, *if_match, *if_none_match; /* NULL = none */
	uint64_t limit;
	bool once; /* must not be repeated if it may have had an effect */
};

/* fn comes once, from the loop; the result is freed behind it. Negative with words: it does not
 * come. */
int blob_call_start(struct azure *a, const struct blob_call_request *q, fetch_done_fn *fn,
                    void *self, struct errbuf *err);
/* All of the client, without a callback. */
void blob_call_free_all(struct azure *a);
/* Those whose request had this very address, without a callback. */
void blob_call_free_at(struct azure *a, const struct blob_address *at);
/* The token has come, or not: an oauth_fn. */
void blob_call_on_token(void *self, int result, const struct errbuf *err);

/* Damaged on the way: the same once more may go well. */
bool blob_call_was_damaged(const struct fetch_result *r);
#define BLOB_CALL_TRIES 3

#endif
