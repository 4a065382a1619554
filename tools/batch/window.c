/*
 * Sequence numbers are given out before commit, so rows become visible out of their order; the
 * transaction that wrote a row and a snapshot say exactly whether it was there. A window is what
 * the snapshot `upto` sees and `done` did not: rows of transactions that began after `done`, and of
 * those that were under way in it. A long transaction thus holds up nothing: it stays in the list
 * of the next `done`.
 *
 * Some conditions say again what others imply (a lower and an upper bound of the transaction): the
 * planner can use those for the index, and the others it cannot.
 *
 * Called by feed.c.
 */
#include "window.h"

#include <errno.h>

#include "db/query.h"

/* xmin, xmax and the list of a snapshot's text. */
struct snapshot {
	struct str xmin, xmax, list;
};

static size_t digits(struct str s, size_t at)
{
	size_t n = 0;

	while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
		n++;
	return n;
}

static bool take_number(struct str *rest, struct str *ret)
{
	size_t n = digits(*rest, 0);

	*ret = (struct str){ rest->p, n };
	rest->p += n;
	rest->n -= n;
	return n > 0 && n <= 20;
}

static bool take_mark(struct str *rest, char mark)
{
	if (rest->n == 0 || rest->p[0] != mark)
		return false;
	rest->p++;
	rest->n--;
	return true;
}

static bool is_list(struct str rest)
{
	struct str number;

	if (rest.n == 0)
		return true;
	do {
		if (!take_number(&rest, &number))
			return false;
	} while (take_mark(&rest, ','));
	return rest.n == 0;
}

static bool split(struct str text, struct snapshot *ret)
{
	struct str rest = text;

	if (!take_number(&rest, &ret->xmin) || !take_mark(&rest, ':') ||
	    !take_number(&rest, &ret->xmax) || !take_mark(&rest, ':') || !is_list(rest))
		return false;
	ret->list = rest;
	return true;
}

bool window_is_snapshot(struct str text)
{
	struct snapshot s;

	return split(text, &s);
}

void window_write_name(struct str name, struct strbuf *out)
{
	strbuf_addc(out, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"')
			strbuf_addc(out, '"');
		strbuf_addc(out, name.p[i]);
	}
	strbuf_addc(out, '"');
}

/* q."name" */
static void write_column(struct str name, struct strbuf *out)
{
	strbuf_adds(out, "q.");
	window_write_name(name, out);
}

static void write_xid(const char *compare, struct str xid, struct strbuf *out)
{
	strbuf_addf(out, " and q." WINDOW_XID_COLUMN " %s '%.*s'::xid8", compare, STR_ARGS(xid));
}

/* The transactions that `done` did not see the rows of. */
static void write_not_done(const struct snapshot *done, struct strbuf *out)
{
	write_xid(">=", done->xmin, out);
	if (done->list.n == 0) {
		write_xid(">=", done->xmax, out);
		return;
	}
	strbuf_addf(out,
	            " and (q." WINDOW_XID_COLUMN " >= '%.*s'::xid8"
	            " or q." WINDOW_XID_COLUMN " = any('{%.*s}'::xid8[]))",
	            STR_ARGS(done->xmax), STR_ARGS(done->list));
}

static int write_snapshots(const struct window *w, struct strbuf *out, struct errbuf *err)
{
	struct snapshot done, upto;

	if (!split(str_of(w->done), &done) || !split(str_of(w->upto), &upto))
		return errbuf_set(err, -EINVAL,
		                  "the snapshots of the cursor of partition %u cannot be read",
		                  w->partition);
	write_not_done(&done, out);
	write_xid("<", upto.xmax, out);
	strbuf_addf(out, " and pg_visible_in_snapshot(q." WINDOW_XID_COLUMN ", '%s'::pg_snapshot)",
	            w->upto);
	if (w->last_xid == 0 && w->last_seq == 0)
		return 0;
	strbuf_adds(out, " and (q." WINDOW_XID_COLUMN ", ");
	write_column(w->key, out);
	strbuf_addf(out, ") > ('%llu'::xid8, '%lld'::bigint)", (unsigned long long)w->last_xid,
	            (long long)w->last_seq);
	return 0;
}

static int write_unscored(const struct window *w, bool with_rejects, struct strbuf *out,
                          struct errbuf *err)
{
	const struct query_variable version = { "version", w->model_version };

	strbuf_adds(out, " and not exists (select 1 from fraud_scores as s"
	                 " where s.transaction_seq = ");
	write_column(w->key, out);
	strbuf_addc(out, ')');
	if (with_rejects)
		return 0;
	strbuf_adds(out, " and not exists (select 1 from batch_rejects as r"
	                 " where r.transaction_seq = ");
	write_column(w->key, out);
	return query_bind(STR(" and r.model_version = :'version')"), &version, 1, out, err);
}

static void write_times(const struct window *w, struct strbuf *out)
{
	if (w->kind == WINDOW_LOOKBACK) {
		strbuf_adds(out, " and ");
		write_column(w->time, out);
		strbuf_addf(out, " >= now() - interval '%u days'", w->lookback_days);
	}
	if (w->kind == WINDOW_RANGE && w->since) {
		strbuf_adds(out, " and ");
		write_column(w->time, out);
		strbuf_addf(out, " >= '%s'::timestamp", w->since);
	}
	if (w->kind == WINDOW_RANGE && w->until) {
		strbuf_adds(out, " and ");
		write_column(w->time, out);
		strbuf_addf(out, " < '%s'::timestamp", w->until);
	}
}

/* A row without a key is of partition 0, which tells about it. */
static void write_partition(const struct window *w, struct strbuf *out)
{
	strbuf_adds(out, "coalesce(mod(hashint8extended(");
	write_column(w->key, out);
	strbuf_addf(out, "::bigint, 0) & 9223372036854775807, %u), 0) = %u", w->partitions,
	            w->partition);
}

int window_write(const struct window *w, struct strbuf *out, struct errbuf *err)
{
	int r;

	if (w->partitions > 1)
		write_partition(w, out);
	else
		strbuf_adds(out, "true");
	if (w->kind == WINDOW_SNAPSHOTS) {
		r = write_snapshots(w, out, err);
	} else {
		write_times(w, out);
		r = write_unscored(w, w->kind == WINDOW_RANGE, out, err);
	}
	if (r == 0 && strbuf_error(out))
		r = errbuf_set(err, strbuf_error(out), "out of memory");
	return r;
}
