/*
 * fraud-train retrain: train on the newest window, compare with what is live, promote the winner.
 * Started by the scheduler (--job, settings on fd 3) or by a person. Whatever comes of it stands in
 * job_runs; a decision that changes nothing is no failure there.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/option.h"
#include "command.h"
#include "contender.h"
#include "daemon/job_input.h"
#include "export.h"
#include "job_run.h"
#include "promotion.h"
#include "prune.h"
#include "report.h"
#include "stages.h"
#include "verdict_report.h"
#include "json/writer.h"

#define WORDS 1024

struct options {
	struct stages_options stages;
	struct command_source from;
	const char *job;
	bool no_promote, json, mlflow;
};

struct retraining {
	const struct options *options;
	const struct settings *settings;
	struct job_run *job;
	struct registry *registry;
	bool exports; /* the registry is on another host */
	struct export export;
	struct exported exported;
	struct strbuf trained; /* the training's outcome, as it is to be printed */
	char version[64];      /* "": none was made */
	bool promoted;         /* what follows says how it went */
	struct promotion promotion;
	struct strbuf verdict; /* JSON */
	struct errbuf err;
};

static int parse_options(struct options *o, int argc, char **argv)
{
	struct stages_options *s = &o->stages;
	const struct option_row rows[] = {
		{ "from", "TIME", "begin of the window (until minus retrain.window_months)",
		  .text = &s->window.from },
		{ "until", "TIME", "labels end (now); rows, retrain.label_delay_seconds earlier",
		  .text = &s->window.until },
		{ "query", "FILE", "SQL of the window (retrain.source)", .text = &s->window.query },
		{ "fraud-seqs", "FILE", "CSV file with the keys of all frauds (retrain.fraud_seqs)",
		  .text = &s->window.fraud_seqs },
		{ "program", "FILE", "feature program (train.program)", .text = &s->program },
		{ "reasons", "FILE", "texts of reasons (reasons.yaml beside the program)",
		  .text = &s->reasons },
		{ "no-promote", NULL, "train and compare, change no alias",
		  .flag = &o->no_promote },
		{ "job", "ID", "row of job_runs that stands for it (the scheduler's)",
		  .text = &o->job },
		{ "mlflow", NULL, "end at once unless mlflow.tracking_uri is set",
		  .flag = &o->mlflow },
		COMMAND_SOURCE_ROWS(&o->from),
		{ "json", NULL, "the outcome as one JSON object on stdout", .flag = &o->json },
		{ "quiet", NULL, "no progress", .flag = &s->quiet },
	};
	const struct option_command command = {
		.program = "fraud-train retrain",
		.synopsis = "[OPTION]...",
		.about = "Trains a version on the newest window, compares it with the live one and "
		         "promotes it if it wins. One at a time over all hosts.",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
	};

	return option_parse(&command, argc, argv);
}

/* --- the work --- */

static void keep_outcome(struct retraining *r, const struct stages *s)
{
	const struct training training = stages_training(s);
	const struct report_place place = { s->path, r->exports ? &r->exported : NULL };

	if (r->options->json)
		report_outcome_json(&training, &place, &r->trained);
	else
		report_outcome_text(&training, &place, &r->trained);
}

/* A registry on another host: the version is uploaded before anything can be compared. */
static int export(struct retraining *r, struct stages *s)
{
	int error = job_run_check(r->job, &s->err);

	if (error == 0)
		error = export_version(&r->export, s->path, s->version, &r->exported, &s->err);
	if (error == 0)
		export_clear(&r->export, s->path);
	return error;
}

/* The rows are given back before the versions are compared. */
static int train(struct retraining *r)
{
	struct stages_options o = r->options->stages;
	struct stages s;
	int error;

	o.watch = job_run_watch(r->job);
	if (r->exports) {
		o.folder = r->export.folder;
		o.is_taken = export_is_taken;
		o.taken_self = &r->export;
	}
	stages_init(&s, &o, r->settings);
	error = stages_run(&s);
	if (error == 0)
		snprintf(r->version, sizeof(r->version), "%s", s.version);
	if (error == 0 && r->exports)
		error = export(r, &s);
	if (error == 0)
		keep_outcome(r, &s);
	else
		r->err = s.err;
	stages_done(&s);
	return error;
}

static int promote(struct retraining *r)
{
	struct registry_version version;
	const struct promotion_request q = { .settings = r->settings,
		                             .registry = r->registry,
		                             .candidate = &version,
		                             .judge_only = r->options->no_promote };
	const char *words = r->exports ? contender_words(&r->exported.version) : r->version;
	int error = contender_find(r->registry, words, &version, &r->err);

	if (error == 0)
		error = promotion_run(&q, &r->promotion, &r->err);
	if (error < 0)
		return error;
	r->promoted = true;
	promotion_report_json(&r->promotion, r->settings, &r->verdict);
	return 0;
}

static void prune(struct retraining *r)
{
	struct errbuf err;
	unsigned count;
	int error = prune_versions(r->settings, r->registry, &count, &err);

	if (error < 0)
		log_warning(0, "%s", err.text);
	if (count)
		log_info("%u old versions were removed", count);
}

/* What is missing for an upload is told before any row is read. */
static int open_registry(struct retraining *r)
{
	int error = registry_new(NULL, r->settings, &r->registry, &r->err);

	if (error < 0)
		return error;
	r->exports = export_is_wanted(r->registry);
	r->export = (struct export){ .settings = r->settings,
		                     .registry = r->registry,
		                     .quiet = r->options->stages.quiet,
		                     .watch = job_run_watch(r->job) };
	error = r->exports ? export_prepare(&r->export, &r->err) : 0;
	if (r->exports && error == 0)
		export_tidy(&r->export, r->settings->retrain.keep_versions);
	return error;
}

static int run(struct retraining *r)
{
	const struct watch *watch = job_run_watch(r->job);
	int error = open_registry(r);

	if (error == 0)
		error = train(r);
	if (error == 0) {
		watch_tell(watch, "comparing", 0, 0);
		error = job_run_check(r->job, &r->err);
	}
	if (error == 0)
		error = promote(r);
	if (error == 0)
		prune(r);
	if (error < 0)
		job_run_check(r->job, &r->err); /* then that is the reason */
	registry_free(r->registry);
	return error;
}

/* --- what came of it --- */

static void write_json(const struct retraining *r, const char *status, const char *reason,
                       struct strbuf *out)
{
	struct json_writer w = { .out = out };
	struct str trained = strbuf_str(&r->trained);

	json_begin_object(&w);
	json_write_name(&w, "status");
	json_write_text(&w, str_of(status));
	json_write_name(&w, "reason");
	json_write_text(&w, str_of(reason));
	if (trained.n) {
		json_write_name(&w, "training");
		json_write_raw(&w, (struct str){ trained.p, trained.n - 1 });
	}
	if (r->verdict.n) {
		json_write_name(&w, "promotion");
		json_write_raw(&w, strbuf_str(&r->verdict));
	}
	json_end_object(&w);
	strbuf_addc(out, '\n');
}

/* The scheduler reads job_runs and the log; stdout is for people and scripts. */
static void print_outcome(const struct retraining *r, const char *status, const char *reason)
{
	struct strbuf out = { 0 };

	if (r->options->json) {
		write_json(r, status, reason, &out);
	} else if (!r->options->job) {
		strbuf_add(&out, r->trained.p, r->trained.n);
		if (r->promoted)
			promotion_report_text(&r->promotion, r->settings, &out);
		else
			strbuf_addf(&out, "%s: %s\n", status, reason);
	}
	command_print(&out);
}

static int decided(const struct promotion *p)
{
	if (p->outcome == PROMOTION_DONE)
		return p->followed ? EXIT_DONE : EXIT_NOT_LIVE;
	if (p->outcome == PROMOTION_NO_VERDICT)
		return EXIT_NO_VERDICT;
	return p->outcome == PROMOTION_REFUSED ? EXIT_REFUSED : EXIT_DONE;
}

static void print_rollout(const struct promotion *p, char ret[WORDS])
{
	const struct rollout *o = &p->rollout;

	ret[0] = '\0';
	if (!p->rolled_out || p->followed)
		return;
	snprintf(ret, WORDS, "; live on %u of %u hosts%s%s%s%s", o->hosts - o->missing, o->hosts,
	         *o->names ? ", missing: " : "", o->names, *o->words.text ? "; " : "",
	         o->words.text);
}

static int end_decided(const struct retraining *r)
{
	const struct promotion *p = &r->promotion;
	const char *status = promotion_names[p->outcome];
	char message[2 * WORDS], rollout[WORDS];
	const struct job_end end = { .status = "succeeded",
		                     .message = message,
		                     .model_version = r->version,
		                     .verdict = strbuf_str(&r->verdict) };

	print_rollout(p, rollout);
	snprintf(message, sizeof(message), "%s: %s%s", status, p->words.text, rollout);
	if (r->options->job && decided(p) == EXIT_DONE)
		log_info("version %s %s", r->version, message);
	else if (r->options->job)
		log_warning(0, "version %s %s", r->version, message);
	job_run_end(r->job, &end);
	print_outcome(r, status, p->words.text);
	return r->options->job ? EXIT_DONE : decided(p);
}

static int end_failed(const struct retraining *r, int error)
{
	bool skipped = error == -ENODATA && !*r->version;
	const char *words = *r->err.text ? r->err.text : strerror(-error);
	const struct job_end end = { .status = skipped ? "skipped" : "failed",
		                     .message = words,
		                     .model_version = *r->version ? r->version : NULL };

	job_run_end(r->job, &end);
	if (!skipped)
		return command_failed("retrain", error, &r->err);
	log_warning(0, "retrain skipped: %s", words);
	print_outcome(r, "skipped", words);
	return EXIT_DONE;
}

/* Another one does the work: for the scheduler that is as good as done. */
static int end_busy(const struct retraining *r)
{
	log_warning(0, "retrain skipped: %s", r->err.text);
	print_outcome(r, "busy", r->err.text);
	return r->options->job ? EXIT_DONE : EXIT_BUSY;
}

/* Before any thread is there. A nice value alone still makes a worker that wakes up wait for the
 * end of a time slice. */
static void step_back(const struct settings *s)
{
	const struct sched_param none = { 0 };

	if (s->retrain.idle && sched_setscheduler(0, SCHED_IDLE, &none) < 0)
		log_warning(-errno, "could not leave the cores to others");
}

static int retrain(const struct options *o, const struct settings *settings)
{
	struct retraining r = { .options = o, .settings = settings };
	int error;

	step_back(settings);
	error = job_run_begin(settings, o->job, &r.job, &r.err);
	if (error == -EBUSY)
		return end_busy(&r);
	if (error < 0)
		return command_failed("retrain", error, &r.err);
	error = run(&r);
	error = error == 0 ? end_decided(&r) : end_failed(&r, error);
	strbuf_done(&r.trained);
	strbuf_done(&r.verdict);
	return error;
}

/* The scheduler's, or for a person those of files and environment. */
static int read_settings(const struct options *o, struct settings **ret)
{
	struct job_input input;
	struct errbuf err;
	int r = job_input_read(&input, &err);

	if (r == -ENOENT)
		return command_settings(&o->from, ret);
	if (r < 0) {
		command_failed("retrain", r, &err);
		return r;
	}
	*ret = take_ptr(&input.settings);
	job_input_done(&input);
	return 0;
}

int command_retrain(int argc, char **argv)
{
	struct options o = { 0 };
	CLEANUP(command_settings_free_p) struct settings *settings = NULL;
	int r = parse_options(&o, argc, argv);

	if (r < 0)
		return command_usage(r);
	if (read_settings(&o, &settings) < 0)
		return EXIT_CONFIG;
	r = o.mlflow ? command_want_mlflow("retrain", settings) : 0;
	return r ? r : retrain(&o, settings);
}
