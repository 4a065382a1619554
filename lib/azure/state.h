/* A client and an operation from the inside. Private to lib/azure. */
#ifndef AZURE_STATE_H
#define AZURE_STATE_H

#include "azure/azure.h"
#include "base/arena.h"
#include "fetch/fetch.h"

#define AZURE_PARALLEL 16 /* at most */

struct blob_call;
struct oauth;
struct operation;

struct azure {
	struct fetch *fetch;
	const struct credentials *credentials;
	struct azure_options options;
	struct retry_policy retry;
	struct oauth *oauth; /* NULL: no token is needed */
	struct blob_call *calls;
	struct operation *operations;
};

/* One request of azure.h, which may take many calls. */
struct operation {
	struct azure *azure;
	struct operation *next;
	struct arena arena; /* texts of q */
	struct azure_request q;
	azure_fn *on_done;
	void *self;
	struct azure_result result;
	void *state; /* of the verb */
	void (*state_free)(void *state);
};

#endif
