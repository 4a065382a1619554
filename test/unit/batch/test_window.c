/* The SQL of windows, word by word, and what is taken for a snapshot. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/batch/window.h"

static const struct {
	const char *text;
	bool is_snapshot;
} snapshots[] = {
	{ "10:20:", true },
	{ "10:20:10", true },
	{ "10:20:10,14,15", true },
	{ "18446744073709551615:18446744073709551615:18446744073709551615", true },
	{ "", false },
	{ "10", false },
	{ "10:20", false },
	{ ":20:", false },
	{ "10::", false },
	{ "10:20:,", false },
	{ "10:20:14,", false },
	{ "10:20:14,,15", false },
	{ "10:20:14;15", false },
	{ "10:20:14'", false },
	{ "10:20:14 ", false },
	{ " 10:20:14", false },
	{ "-10:20:", false },
	{ "10:20:14:15", false },
	{ "1'::xid8 or true --:2:", false },
	{ "100000000000000000000000:1:", false },
};

static void test_snapshots(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(snapshots) / sizeof(snapshots[0]); i++) {
		if (window_is_snapshot(str_of(snapshots[i].text)) != snapshots[i].is_snapshot)
			fail_msg("case %zu: %s", i, snapshots[i].text);
	}
}

#define KEY                                                                                        \
	{                                                                                          \
		"seq", 3                                                                           \
	}
#define TIME                                                                                       \
	{                                                                                          \
		"at", 2                                                                            \
	}
#define NO_SCORE                                                                                   \
	" and not exists (select 1 from fraud_scores as s where s.transaction_seq = q.\"seq\")"
#define NO_REJECT                                                                                  \
	" and not exists (select 1 from batch_rejects as r where r.transaction_seq = q.\"seq\""    \
	" and r.model_version =  'v''1' )"

static const struct {
	struct window window;
	const char *sql; /* NULL: -EINVAL */
} windows[] = {
	{ { .kind = WINDOW_SNAPSHOTS,
	    .done = "5:9:",
	    .upto = "12:14:12",
	    .partitions = 1,
	    .key = KEY },
	  "true and q.ingested_xid >= '5'::xid8 and q.ingested_xid >= '9'::xid8"
	  " and q.ingested_xid < '14'::xid8"
	  " and pg_visible_in_snapshot(q.ingested_xid, '12:14:12'::pg_snapshot)" },
	{ { .kind = WINDOW_SNAPSHOTS,
	    .done = "5:9:5,7",
	    .upto = "12:14:",
	    .last_xid = 12,
	    .last_seq = -3,
	    .partitions = 1,
	    .key = { "s\"q", 3 } },
	  "true and q.ingested_xid >= '5'::xid8"
	  " and (q.ingested_xid >= '9'::xid8 or q.ingested_xid = any('{5,7}'::xid8[]))"
	  " and q.ingested_xid < '14'::xid8"
	  " and pg_visible_in_snapshot(q.ingested_xid, '12:14:'::pg_snapshot)"
	  " and (q.ingested_xid, q.\"s\"\"q\") > ('12'::xid8, '-3'::bigint)" },
	{ { .kind = WINDOW_SNAPSHOTS,
	    .done = "5:9",
	    .upto = "12:14:",
	    .partitions = 1,
	    .key = KEY },
	  NULL },
	{ { .kind = WINDOW_SNAPSHOTS,
	    .done = "5:9:",
	    .upto = "'; --",
	    .partitions = 1,
	    .key = KEY },
	  NULL },
	{ { .kind = WINDOW_ALL,
	    .partition = 2,
	    .partitions = 3,
	    .key = KEY,
	    .model_version = "v'1" },
	  "coalesce(mod(hashint8extended(q.\"seq\"::bigint, 0) & 9223372036854775807, 3), 0)"
	  " = 2" NO_SCORE NO_REJECT },
	{ { .kind = WINDOW_LOOKBACK,
	    .lookback_days = 7,
	    .partitions = 1,
	    .key = KEY,
	    .time = TIME,
	    .model_version = "v'1" },
	  "true and q.\"at\" >= now() - interval '7 days'" NO_SCORE NO_REJECT },
	{ { .kind = WINDOW_RANGE,
	    .since = "2026-01-01 00:00:00",
	    .until = "2026-02-01 00:00:00",
	    .partitions = 1,
	    .key = KEY,
	    .time = TIME,
	    .model_version = "v'1" },
	  "true and q.\"at\" >= '2026-01-01 00:00:00'::timestamp"
	  " and q.\"at\" < '2026-02-01 00:00:00'::timestamp" NO_SCORE },
	{ { .kind = WINDOW_RANGE,
	    .until = "2026-02-01 00:00:00",
	    .partitions = 1,
	    .key = KEY,
	    .time = TIME,
	    .model_version = "v'1" },
	  "true and q.\"at\" < '2026-02-01 00:00:00'::timestamp" NO_SCORE },
};

static void test_windows(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		struct strbuf out = { 0 };
		struct errbuf err = { "" };
		int r = window_write(&windows[i].window, &out, &err);

		if (!windows[i].sql && (r != -EINVAL || !err.text[0]))
			fail_msg("case %zu: %d %s", i, r, err.text);
		if (windows[i].sql && (r != 0 || !str_is(strbuf_str(&out), windows[i].sql)))
			fail_msg("case %zu: %d %s\n%s\n%s", i, r, err.text, out.p, windows[i].sql);
		strbuf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snapshots),
		cmocka_unit_test(test_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
