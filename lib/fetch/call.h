/* A call and a client from the inside. Private to lib/fetch. */
#ifndef FETCH_CALL_H
#define FETCH_CALL_H

#include <curl/curl.h>

#include "base/arena.h"
#include "base/random.h"
#include "fetch/driver.h"
#include "fetch/fetch.h"

struct loop_timer;

struct fetch {
	struct event_base *base;
	bool own_base;
	bool waiting;       /* fetch_wait() runs the loop */
	struct arena arena; /* of the options */
	struct fetch_options options;
	struct driver *driver;
	struct loop_timer *due; /* armed for the call that is due first */
	struct random random;   /* jitter */
	struct fetch_call *calls;
};

struct fetch_call {
	struct fetch *fetch;
	struct fetch_call *next;
	struct arena arena; /* URL and headers */
	struct fetch_request request;
	const char *url; /* where it stands after redirects */
	fetch_done_fn *on_done;
	void *self;

	struct retry retry;
	uint64_t due_ms; /* of the attempt to come; 0 = one is under way */
	unsigned redirects;
	bool foreign; /* was sent to another origin: no secrets from here on */

	/* One attempt. */
	CURL *easy; /* NULL between attempts */
	struct curl_slist *headers;
	uint64_t sent, received;
	uint64_t limit; /* of the body that comes */
	int failed;     /* our own reason to stop it: -EFBIG, -EIO … */
	char words[CURL_ERROR_SIZE];

	struct fetch_result result;
};

#endif
