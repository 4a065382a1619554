/*
 * fraud-batch: scores the transactions that are new, once, and ends. Started by the scheduler or by
 * hand. The exit status tells whether trying again helps, because that is what the caller wants to
 * know: whatever happened, nothing is half done.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/option.h"
#include "batch.h"
#include "report.h"
#include "json/value.h"

#define EXIT_DONE 0   /* done, or left to the batch that is at it */
#define EXIT_FAILED 1 /* it went wrong */
#define EXIT_USAGE 2
#define EXIT_DATA 65 /* the source or the model cannot be used (EX_DATAERR) */
#define EXIT_AGAIN                                                                                 \
	75             /* the database went away, or it was told to stop: try again (EX_TEMPFAIL)  \
	                */
#define EXIT_CONFIG 78 /* the settings cannot be used (EX_CONFIG) */

#define MAX_OVERRIDES 64
#define MAX_PARTITIONS 64

struct words {
	const char *config, *since, *until, *partition, *job;
	const char *set[MAX_OVERRIDES];
	size_t set_count;
	bool once, dry_run, json, quiet;
};

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number)
{
	(void)number;
	stop_wanted = 1;
}

/* The first one asks; a second one ends the program as it stands, which loses one chunk's work. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static int parse(struct words *w, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "once", NULL,
		  "what is new now, then end: what it does anyway, for scripts that say so",
		  .flag = &w->once },
		{ "since", "TIME", "unscored rows from this time on, whatever the cursor says",
		  .text = &w->since },
		{ "until", "TIME", "unscored rows before this time", .text = &w->until },
		{ "partition", "K[/N]", "one part of the work (all of batch.partitions)",
		  .text = &w->partition },
		{ "dry-run", NULL, "read and score, write nothing", .flag = &w->dry_run },
		{ "config", "FILE", "settings ($FRAUDD_CONFIG, /etc/fraudd/fraudd.yaml)",
		  .text = &w->config },
		{ "set", "KEY=VALUE", "one setting, e.g. batch.explain=ALLOW; may be repeated",
		  .repeat = w->set, .repeat_room = MAX_OVERRIDES, .repeat_count = &w->set_count },
		{ "job", "ID", "the row of job_runs that the scheduler has made", .text = &w->job },
		{ "json", NULL, "the outcome as one JSON object on stdout", .flag = &w->json },
		{ "quiet", NULL, "no progress", .flag = &w->quiet },
	};
	const struct option_command command = {
		.program = "fraud-batch",
		.synopsis = "[OPTION]...",
		.about = "Scores the transactions that are new and writes fraud_scores and "
		         "fraud_explanations. Exit status 75: try again.",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
	};

	return option_parse(&command, argc, argv);
}

/* K or K/N; without, all of the settings' partitions. */
static int take_partition(const char *text, unsigned partitions, struct batch_options *o)
{
	const char *slash = text ? strchr(text, '/') : NULL;
	unsigned long long k = 0, n = partitions;

	if (slash && str_to_u64(str_of(slash + 1), &n) < 0)
		return -EINVAL;
	if (text &&
	    str_to_u64((struct str){ text, slash ? (size_t)(slash - text) : strlen(text) }, &k) < 0)
		return -EINVAL;
	if (n < 1 || n > MAX_PARTITIONS || k >= n)
		return -EINVAL;
	o->partitions = (unsigned)n;
	o->first = (unsigned)k;
	o->end = text ? (unsigned)k + 1 : (unsigned)n;
	return 0;
}

static int status_of(int r)
{
	switch (r) {
	case 0:
		return EXIT_DONE;
	case -EDOM:
		return EXIT_USAGE;
	case -EBADMSG:
	case -EPROTO:
		return EXIT_DATA;
	case -EINTR:
	case -ESTALE:
	case -EAGAIN:
	case -EBUSY:
	case -ENODATA:
	case -ETIMEDOUT:
	case -ECONNREFUSED:
	case -ECONNRESET:
		return EXIT_AGAIN;
	default:
		return EXIT_FAILED;
	}
}

static const char *word_of(int r, const struct batch_options *o, const struct batch_result *result)
{
	if (r == -EINTR)
		return "cancelled";
	if (r < 0)
		return "failed";
	return result->busy && result->busy == o->end - o->first ? "skipped" : "succeeded";
}

static void tell(const struct words *w, const struct batch_options *o, const struct intake *in,
                 const struct batch_result *result, int r, const struct errbuf *err)
{
	struct strbuf out = { 0 };

	if (r == 0 || r == -EINTR) {
		report_text(o, result, &out);
		log_info("%s", strbuf_error(&out) ? "done" : out.p);
		strbuf_reset(&out);
	}
	if (r < 0)
		log_error(0, "%s", err->text[0] ? err->text : strerror(-r));
	if (w->json) {
		report_json(o, in, result, word_of(r, o, result), r < 0 ? err->text : "", &out);
		if (strbuf_error(&out) == 0)
			fwrite(out.p, 1, out.n, stdout);
	}
	strbuf_done(&out);
}

static int run(const struct words *w, struct intake *in)
{
	struct batch_options o = {
		.since = w->since,
		.until = w->until,
		.job = w->job ? w->job : "",
		.dry_run = w->dry_run,
		.quiet = w->quiet,
		.stop = &stop_wanted,
	};
	struct batch_result result = { 0 };
	struct errbuf err = { "" };
	int r = intake_settings(in, w->config, w->set, w->set_count, &err);

	if (r < 0) {
		log_error(0, "%s", err.text[0] ? err.text : strerror(-r));
		return EXIT_CONFIG;
	}
	if (take_partition(w->partition, in->settings->batch.partitions, &o) < 0) {
		log_error(0, "--partition \"%s\" is not K or K/N with K < N <= %d", w->partition,
		          MAX_PARTITIONS);
		return EXIT_USAGE;
	}
	r = intake_model(in, &err);
	if (r == 0)
		r = batch_run(&o, in, &result, &err);
	tell(w, &o, in, &result, r, &err);
	return status_of(r);
}

int main(int argc, char **argv)
{
	struct words words = { 0 };
	struct intake in = { .job_model_fd = -1 };
	int r = parse(&words, argc, argv);

	if (r < 0)
		return r == OPTION_ANSWERED ? EXIT_DONE : EXIT_USAGE;
	log_open("fraud-batch", LOG_LEVEL_INFO);
	json_setup();
	catch_signals();
	r = run(&words, &in);
	intake_done(&in);
	return r;
}
