/*
 * The one retry policy. What may be repeated depends on whether the server can have acted: a
 * request that is not idempotent goes again only if it was never sent or was refused unseen (429,
 * 503 with Retry-After). Waits have full jitter, so that many clients whose server comes back do
 * not knock together, and everything ends at the deadline or after the attempts.
 *
 * Called by client.c after each failed attempt.
 */
#include "fetch/retry.h"

#include <stdio.h>

#include "base/civil.h"

/* MLflow answers some permanent mistakes with 500; more of these are no storm but an answer. */
#define SERVER_ERRORS 3
#define DATE_LENGTH 29

const struct retry_policy retry_default = { .attempts = 5, .base_ms = 500, .cap_ms = 20000 };

void retry_begin(struct retry *r, const struct retry_policy *policy, bool idempotent,
                 uint64_t now_ms)
{
	*r = (struct retry){
		.policy = *policy,
		.idempotent = idempotent,
		.started_ms = now_ms,
	};
}

uint64_t retry_left_ms(const struct retry *r, uint64_t now_ms)
{
	uint64_t passed = now_ms - r->started_ms;

	if (r->policy.deadline_ms == 0)
		return UINT64_MAX;
	return passed < r->policy.deadline_ms ? r->policy.deadline_ms - passed : 0;
}

static bool is_worth_it(struct retry *r, const struct retry_failure *f)
{
	switch (f->status) {
	case 429:
		return true;
	case 503:
		return r->idempotent || f->after_ms >= 0;
	case 500:
		return r->idempotent && ++r->server_errors < SERVER_ERRORS;
	case 408:
	case 502:
	case 504:
		return r->idempotent;
	default:
		return false;
	}
}

static bool may_repeat(struct retry *r, const struct retry_failure *f)
{
	switch (f->cause) {
	case RETRY_UNSENT:
		return true;
	case RETRY_BROKEN:
		return r->idempotent;
	case RETRY_ANSWERED:
		return is_worth_it(r, f);
	default:
		return false;
	}
}

static uint64_t ceiling(const struct retry *r)
{
	uint64_t ms = r->policy.base_ms;

	for (unsigned i = 1; i < r->attempts && ms < r->policy.cap_ms; i++)
		ms *= 2;
	return ms < r->policy.cap_ms ? ms : r->policy.cap_ms;
}

bool retry_again(struct retry *r, const struct retry_failure *f, uint64_t now_ms, uint64_t chance,
                 uint64_t *ret_wait_ms)
{
	uint64_t wait;

	if (r->attempts >= r->policy.attempts || !may_repeat(r, f))
		return false;
	wait = chance % (ceiling(r) + 1);
	if (f->after_ms > 0)
		wait += (uint64_t)f->after_ms;
	if (wait >= retry_left_ms(r, now_ms))
		return false;
	*ret_wait_ms = wait;
	return true;
}

static unsigned month_of(const char *name)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (unsigned i = 0; i < 12; i++) {
		if (memcmp(months + 3 * (size_t)i, name, 3) == 0)
			return i + 1;
	}
	return 0;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", the one form that may be sent. */
static int64_t date_ms(struct str value, int64_t now_us)
{
	struct civil c = { 0 };
	unsigned day, year, hour, minute, second;
	char text[DATE_LENGTH + 1];
	char month[4];
	int64_t left;

	if (value.n != DATE_LENGTH)
		return -1;
	memcpy(text, value.p, DATE_LENGTH);
	text[DATE_LENGTH] = '\0';
	if (sscanf(text + 5, "%2u %3s %4u %2u:%2u:%2u", &day, month, &year, &hour, &minute,
	           &second) != 6 ||
	    strcmp(text + 25, " GMT") != 0)
		return -1;
	c.year = (int32_t)year;
	c.month = (uint8_t)(strlen(month) == 3 ? month_of(month) : 0);
	c.day = (uint8_t)day;
	c.hour = (uint8_t)hour;
	c.minute = (uint8_t)minute;
	c.second = (uint8_t)second;
	if (!civil_is_date(c.year, c.month, c.day) || hour > 23 || minute > 59 || second > 60)
		return -1;
	left = (civil_to_us(&c) - now_us) / 1000;
	return left > 0 ? left : 0;
}

int64_t retry_after_ms(struct str value, int64_t now_us)
{
	unsigned long long seconds;
	struct str s = str_trim(value);

	if (str_to_u64(s, &seconds) == 0)
		return seconds > 1000000 ? 1000000000 : (int64_t)seconds * 1000;
	return date_ms(s, now_us);
}
