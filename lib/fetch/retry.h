/*
 * When a failed request is sent again and after what wait. Pure: time and chance are given, so that
 * the tables of its test are all there is to know. One policy for everything that the suite asks
 * over HTTP.
 */
#ifndef FETCH_RETRY_H
#define FETCH_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct retry_policy {
	unsigned attempts;    /* in all; 1 = never again */
	uint32_t base_ms;     /* the n-th wait is a uniform choice below base * 2^(n-1) … */
	uint32_t cap_ms;      /* … and below this ("full jitter") */
	uint64_t deadline_ms; /* from the first attempt to the end of the last; 0 = none */
};

/* 5 attempts, 500 ms, 20 s, no deadline. */
extern const struct retry_policy retry_default;

enum retry_cause {
	RETRY_ANSWERED,  /* with a status that is no success */
	RETRY_UNSENT,    /* no connection: the server cannot have acted */
	RETRY_BROKEN,    /* ended or went silent with the request under way */
	RETRY_PERMANENT, /* another attempt would end alike: certificate, size, disk */
};

struct retry_failure {
	enum retry_cause cause;
	unsigned status;
	int64_t after_ms; /* what Retry-After says; -1 = nothing */
};

struct retry {
	struct retry_policy policy;
	bool idempotent;
	uint64_t started_ms;
	unsigned attempts;      /* begun */
	unsigned server_errors; /* answers with 500: those are often for ever */
};

void retry_begin(struct retry *r, const struct retry_policy *policy, bool idempotent,
                 uint64_t now_ms);
/* Until the deadline: 0 when it has passed, UINT64_MAX if there is none. */
uint64_t retry_left_ms(const struct retry *r, uint64_t now_ms);

/* True and the wait before the next attempt. A Retry-After is waited for in full, jitter on top; if
 * that reaches beyond the deadline, it is over now. */
bool retry_again(struct retry *r, const struct retry_failure *f, uint64_t now_ms, uint64_t chance,
                 uint64_t *ret_wait_ms);

/* The value of Retry-After, seconds or a date (RFC 9110), as milliseconds from now; -1 if it is
 * neither. now_us: since 1970. */
int64_t retry_after_ms(struct str value, int64_t now_us);

#endif
