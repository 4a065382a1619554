/*
 * The end of a batch in words. "seconds" splits the time where it can be measured in this program:
 * waiting for rows, inside score_row(), writing chunks; the rest is reading the values of rows.
 *
 * Called by main.c.
 */
#include "report.h"

#include <inttypes.h>

#include "json/writer.h"

void tally_add(struct tally *t, const struct tally *more)
{
	t->planned += more->planned;
	t->scored += more->scored;
	t->failed += more->failed;
	t->skipped += more->skipped;
	t->explained += more->explained;
	for (int i = 0; i < DECISION_MAX; i++)
		t->decisions[i] += more->decisions[i];
	t->without_key += more->without_key;
	t->chunks += more->chunks;
	t->reading_ns += more->reading_ns;
	t->scoring_ns += more->scoring_ns;
	t->writing_ns += more->writing_ns;
}

static void write_count(struct json_writer *w, const char *name, uint64_t v)
{
	json_write_name(w, name);
	json_write_unsigned(w, v);
}

static void write_seconds(struct json_writer *w, const char *name, uint64_t ns)
{
	uint64_t us = ns / 1000; /* as many digits as mean something */

	json_write_name(w, name);
	json_write_double(w, (double)us / 1e6);
}

static void write_counts(struct json_writer *w, const struct tally *t)
{
	write_count(w, "planned", t->planned);
	write_count(w, "scored", t->scored);
	write_count(w, "failed", t->failed);
	write_count(w, "skipped", t->skipped);
	write_count(w, "explained", t->explained);
	write_count(w, "without_key", t->without_key);
	write_count(w, "chunks", t->chunks);
	json_write_name(w, "decisions");
	json_begin_object(w);
	for (int i = 0; i < DECISION_MAX; i++)
		write_count(w, decision_names[i], t->decisions[i]);
	json_end_object(w);
}

static void write_model(struct json_writer *w, const struct intake *in)
{
	json_write_name(w, "model");
	json_begin_object(w);
	json_write_name(w, "version");
	json_write_text(w, in->model.version);
	write_count(w, "generation", in->generation);
	json_write_name(w, "from");
	json_write_text(w, str_of(intake_origin_names[in->origin]));
	json_end_object(w);
}

static void write_times(struct json_writer *w, const struct batch_result *result)
{
	const struct tally *t = &result->tally;

	json_write_name(w, "seconds");
	json_begin_object(w);
	write_seconds(w, "all", result->taken_ns);
	write_seconds(w, "reading", t->reading_ns);
	write_seconds(w, "scoring", t->scoring_ns);
	write_seconds(w, "writing", t->writing_ns);
	json_end_object(w);
}

void report_json(const struct batch_options *o, const struct intake *in,
                 const struct batch_result *result, const char *status, const char *message,
                 struct strbuf *out)
{
	struct json_writer w = { .out = out };

	json_begin_object(&w);
	json_write_name(&w, "status");
	json_write_text(&w, str_of(status));
	if (*message) {
		json_write_name(&w, "message");
		json_write_text(&w, str_of(message));
	}
	json_write_name(&w, "dry_run");
	json_write_bool(&w, o->dry_run);
	write_count(&w, "partitions", o->end - o->first);
	write_count(&w, "partitions_busy", result->busy);
	write_counts(&w, &result->tally);
	if (in->version)
		write_model(&w, in);
	write_times(&w, result);
	json_end_object(&w);
	strbuf_addc(out, '\n');
}

void report_text(const struct batch_options *o, const struct batch_result *result,
                 struct strbuf *out)
{
	const struct tally *t = &result->tally;
	double seconds = (double)result->taken_ns / 1e9;

	strbuf_addf(out, "%s%" PRIu64 " rows scored",
	            o->dry_run ? "dry run, nothing written: " : "", t->scored);
	strbuf_addf(out, " (%" PRIu64 " REVIEW, %" PRIu64 " BLOCK)", t->decisions[DECISION_REVIEW],
	            t->decisions[DECISION_BLOCK]);
	if (t->skipped)
		strbuf_addf(out, ", %" PRIu64 " had a score already", t->skipped);
	if (t->failed)
		strbuf_addf(out, ", %" PRIu64 " cannot be scored (table batch_rejects)", t->failed);
	strbuf_addf(out, "; %.1f s", seconds);
	if (seconds > 0)
		strbuf_addf(out, ", %.0f rows/s", (double)t->scored / seconds);
}
