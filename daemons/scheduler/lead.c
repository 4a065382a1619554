/*
 * Leads and beats. A round is: beat (how many others live), then give away or take, as the share
 * says. Shares are rounded up, so that with one partition every host tries to get it all the time:
 * the moment the leader's session ends another one has the lock, at the latest two seconds later.
 *
 * Invariant: held[p] is true only while this session has the lock of p, because it is cleared
 * before the lock is given away and with the end of the connection. The other way round a lock may
 * be held unknowingly for a moment (the statement failed half-way): then all are given away.
 *
 * Called by scheduler.c; its answers come on the loop.
 */
#include "lead.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "daemon/loop.h"
#include "db/pool.h"
#include "statements.h"

#define BEAT_MS 2000

static void beat(struct lead *l);

bool lead_holds(const struct lead *l, unsigned partition)
{
	return partition < l->partitions && l->held[partition];
}

unsigned lead_share(unsigned partitions, unsigned hosts)
{
	return (partitions + hosts - 1) / hosts;
}

static unsigned held_count(const struct lead *l)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->partitions; i++)
		n += l->held[i];
	return n;
}

/* "{0,3}": those that this host does not hold. */
static void print_others(const struct lead *l, struct strbuf *out)
{
	strbuf_addc(out, '{');
	for (unsigned i = 0; i < l->partitions; i++)
		if (!l->held[i])
			strbuf_addf(out, "%s%u", out->n > 1 ? "," : "", i);
	strbuf_addc(out, '}');
}

static void lose(struct lead *l, unsigned partition)
{
	l->held[partition] = false;
	l->hooks->lost(l->self, partition);
}

static void lose_all(struct lead *l)
{
	for (unsigned i = 0; i < l->partitions; i++)
		if (l->held[i])
			lose(l, i);
}

/* False: no answer will come, so the round is over. */
static bool say(struct lead *l, unsigned statement, const struct db_param *params, size_t count,
                db_on_result *on_result)
{
	const struct db_call call = { statement, params, count, on_result, l };

	l->asking = db_pool_run(l->pool, &call, NULL) == 0;
	return l->asking;
}

static void on_released(void *self, int r, const struct pg_result *result, const struct errbuf *err)
{
	struct lead *l = self;

	(void)r;
	(void)result;
	(void)err;
	l->asking = false;
}

/* --- giving away --- */

static void release_all(struct lead *l)
{
	lose_all(l);
	if (l->up)
		say(l, STATEMENT_RELEASE_ALL, NULL, 0, on_released);
}

/* The last ones first, so that the lead of the retrains stays where it is. */
static void release(struct lead *l, unsigned surplus)
{
	struct strbuf text = { 0 };
	struct db_param param;

	strbuf_addc(&text, '{');
	for (unsigned i = l->partitions; i-- > 0 && surplus > 0;) {
		if (!l->held[i] || l->hooks->busy(l->self, i))
			continue;
		strbuf_addf(&text, "%s%u", text.n > 1 ? "," : "", i);
		lose(l, i);
		surplus--;
	}
	strbuf_addc(&text, '}');
	param = DB_TEXT(text.p);
	if (strbuf_error(&text))
		release_all(l);
	else if (text.n > 2)
		say(l, STATEMENT_RELEASE, &param, 1, on_released);
	strbuf_done(&text);
}

/* --- taking --- */

static void gain(struct lead *l, const struct pg_result *result, size_t row)
{
	unsigned partition = (unsigned)db_integer(result, row, 0);
	const struct queue_history history = {
		.age_ms = db_is_null(result, row, 1) ? -1 : db_integer(result, row, 1),
		.count = (uint32_t)db_integer(result, row, 2),
		.retrain_due = db_bool(result, row, 3),
	};

	if (partition >= l->partitions || l->held[partition])
		return;
	l->held[partition] = true;
	l->hooks->gained(l->self, partition, &history);
}

/* The locks of sessions that were ended are free now: the next round follows at once. */
static void on_fenced(void *self, int r, const struct pg_result *result, const struct errbuf *err)
{
	struct lead *l = self;

	l->asking = false;
	if (r < 0) {
		log_debug("could not look for leaders that stand still: %s", err->text);
		return;
	}
	if (db_rows(result) == 0)
		return;
	log_warning(0, "ended %zu sessions of a leader that stood still", db_rows(result));
	beat(l);
}

static void on_taken(void *self, int r, const struct pg_result *result, const struct errbuf *err)
{
	struct lead *l = self;

	l->asking = false;
	if (r < 0) {
		log_debug("could not take the lead: %s", err->text);
		release_all(l);
		return;
	}
	for (size_t i = 0; i < db_rows(result); i++)
		gain(l, result, i);
	if (l->up && db_rows(result) < l->wanted)
		say(l, STATEMENT_FENCE, NULL, 0, on_fenced);
}

static void take(struct lead *l, unsigned count)
{
	struct strbuf free_ones = { 0 };
	char limit[16];
	struct db_param params[2];

	l->wanted = count;
	print_others(l, &free_ones);
	snprintf(limit, sizeof(limit), "%u", count);
	if (strbuf_error(&free_ones) == 0) {
		params[0] = DB_TEXT(free_ones.p);
		params[1] = DB_TEXT(limit);
		say(l, STATEMENT_TAKE, params, 2, on_taken);
	}
	strbuf_done(&free_ones);
}

/* --- the beat --- */

static void on_beat(void *self, int r, const struct pg_result *result, const struct errbuf *err)
{
	struct lead *l = self;
	unsigned held = held_count(l), share;

	l->asking = false;
	if (r < 0) {
		log_debug("could not say that this host lives: %s", err->text);
		return;
	}
	l->others = (unsigned)db_integer(result, 0, 0);
	share = lead_share(l->partitions, l->others + 1);
	if (held > share)
		release(l, held - share);
	else if (held < share)
		take(l, share - held);
}

static void beat(struct lead *l)
{
	char pid[16];
	const struct db_param params[] = {
		DB_TEXT(l->host),
		DB_TEXT(pid),
		DB_TEXT(l->follow ? "true" : "false"),
	};

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	say(l, STATEMENT_BEAT, params, 3, on_beat);
}

static void on_timer(void *self)
{
	struct lead *l = self;

	loop_timer_arm(l->beat, BEAT_MS);
	if (l->up && !l->asking)
		beat(l);
}

int lead_start(struct lead *l, struct event_base *base)
{
	int r = loop_timer_new(base, on_timer, l, &l->beat);

	if (r == 0)
		loop_timer_arm(l->beat, BEAT_MS);
	return r;
}

void lead_stop(struct lead *l)
{
	loop_timer_free(l->beat);
	l->beat = NULL;
}

static void on_session(void *self, int r, const struct pg_result *result, const struct errbuf *err)
{
	struct lead *l = self;

	(void)result;
	l->asking = false;
	if (r < 0)
		log_debug("could not set up the session: %s", err->text);
	else
		beat(l);
}

void lead_connected(struct lead *l)
{
	l->up = true;
	say(l, STATEMENT_SESSION, NULL, 0, on_session);
}

void lead_disconnected(struct lead *l)
{
	l->up = false;
	lose_all(l);
}
