/*
 * Words and numbers of a comparison. The table is for a terminal and a mail; the JSON has the same
 * and more, with numbers in their shortest exact form.
 *
 * Called by the commands and by promotion.c, which keeps the JSON beside the version.
 */
#include "verdict_report.h"

#include <math.h>
#include <stdio.h>

#include "base/civil.h"
#include "base/clock.h"
#include "json/writer.h"

const char *const promotion_names[PROMOTION_OUTCOME_MAX] = {
	[PROMOTION_DONE] = "promoted",         [PROMOTION_POSSIBLE] = "possible",
	[PROMOTION_UNCHANGED] = "unchanged",   [PROMOTION_KEPT] = "kept",
	[PROMOTION_REFUSED] = "refused",       [PROMOTION_PINNED] = "pinned",
	[PROMOTION_NO_VERDICT] = "no_verdict",
};

static const struct {
	enum metric metric;
	const char *label;
} shown[] = {
	{ METRIC_PR_AUC, "PR-AUC" },
	{ METRIC_AVERAGE_PRECISION, "average precision" },
	{ METRIC_ROC_AUC, "ROC-AUC" },
	{ METRIC_RECALL_LOW, "recall, REVIEW" },
	{ METRIC_PRECISION_LOW, "precision, REVIEW" },
	{ METRIC_RECALL_HIGH, "recall, BLOCK" },
	{ METRIC_FPR_HIGH, "false alarms, BLOCK" },
	{ METRIC_LOG_LOSS, "log loss" },
};

/* --- for people --- */

static void add_value(struct strbuf *out, double value, struct interval i)
{
	char text[64];

	if (isnan(value))
		snprintf(text, sizeof(text), "-");
	else if (isnan(i.low))
		snprintf(text, sizeof(text), "%.4f", value);
	else
		snprintf(text, sizeof(text), "%.4f [%.4f, %.4f]", value, i.low, i.high);
	strbuf_addf(out, "  %-25s", text);
}

static void add_end(struct strbuf *out)
{
	while (out->n && out->p[out->n - 1] == ' ')
		out->n--;
	strbuf_addc(out, '\n');
}

static void add_metrics(struct strbuf *out, const struct verdict *v)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		enum metric m = shown[i].metric;

		strbuf_addf(out, "%-20s", shown[i].label);
		for (unsigned side = 0; side < COMPARE_SIDES; side++)
			add_value(out, v->metrics[side][m], v->intervals[side][m]);
		add_end(out);
	}
}

static void add_change(struct strbuf *out, const struct judgement *j, const struct settings *s)
{
	const struct interval *gain = &j->verdict.pr_auc_gain;

	if (j->verdict.winner != WINNER_NONE && !isnan(gain->low))
		strbuf_addf(out, "%-20s  [%+.4f, %+.4f]\n", "gain in PR-AUC", gain->low,
		            gain->high);
	if (!isnan(j->flip_rate))
		strbuf_addf(out, "%-20s  %.2f %% (limit %.4g %%)\n", "decisions that flip",
		            100 * j->flip_rate, 100 * s->promote.max_flip_rate);
	if (!isnan(j->score_shift))
		strbuf_addf(out, "%-20s  %.4f (limit %.4g)\n", "shift of the score", j->score_shift,
		            s->promote.max_score_shift);
	if (*j->dead_input)
		strbuf_addf(out, "%-20s  %s\n", "dead input", j->dead_input);
}

static const char *winner_of(const struct judgement *j)
{
	switch (j->verdict.winner) {
	case WINNER_LIVE:
		return j->versions[COMPARE_LIVE].version;
	case WINNER_CANDIDATE:
		return j->versions[COMPARE_CANDIDATE].version;
	case WINNER_NONE:
		break;
	}
	return NULL;
}

void verdict_report_text(const struct judgement *j, const struct settings *s, struct strbuf *out)
{
	const char *winner = winner_of(j);
	char from[21];

	civil_print_utc(j->from_us, from);
	strbuf_addf(out, "%-20s  %-25s  %s\n", "", j->versions[COMPARE_LIVE].version,
	            j->versions[COMPARE_CANDIDATE].version);
	if (winner)
		add_metrics(out, &j->verdict);
	add_change(out, j, s);
	strbuf_addf(out, "%-20s  %zu rows (%zu fraud) since %s that neither has seen\n",
	            "compared on", j->verdict.rows, j->verdict.positives, from);
	if (j->unreadable)
		strbuf_addf(out, "%-20s  %llu rows that one of them cannot read\n", "left out",
		            (unsigned long long)j->unreadable);
	if (*j->note.text)
		strbuf_addf(out, "%-20s  %s\n", "left out", j->note.text);
	if (winner)
		strbuf_addf(out, "%-20s  %s wins: %s\n", "verdict", winner, j->verdict.reason);
	else
		strbuf_addf(out, "%-20s  none: %s\n", "verdict", j->verdict.reason);
}

/* --- JSON --- */

static void write_text(struct json_writer *w, const char *name, const char *text)
{
	json_write_name(w, name);
	if (*text)
		json_write_text(w, str_of(text));
	else
		json_write_null(w);
}

static void write_number(struct json_writer *w, const char *name, double value)
{
	json_write_name(w, name);
	json_write_double(w, value);
}

static void write_count(struct json_writer *w, const char *name, uint64_t value)
{
	json_write_name(w, name);
	json_write_unsigned(w, value);
}

static void write_time(struct json_writer *w, const char *name, int64_t us)
{
	char text[21];

	civil_print_utc(us, text);
	write_text(w, name, text);
}

static void write_interval(struct json_writer *w, const char *name, const struct interval *i)
{
	json_write_name(w, name);
	json_begin_array(w);
	json_write_double(w, i->low);
	json_write_double(w, i->high);
	json_end_array(w);
}

static void write_metrics(struct json_writer *w, const struct verdict *v, unsigned side)
{
	json_write_name(w, "metrics");
	json_begin_object(w);
	for (unsigned m = 0; m < METRIC_MAX; m++)
		write_number(w, metric_names[m], v->metrics[side][m]);
	json_end_object(w);
	json_write_name(w, "intervals");
	json_begin_object(w);
	for (unsigned m = 0; m < METRIC_MAX; m++)
		write_interval(w, metric_names[m], &v->intervals[side][m]);
	json_end_object(w);
}

static void write_version(struct json_writer *w, const char *name, const struct judgement *j,
                          unsigned side)
{
	const struct judged_version *v = &j->versions[side];

	json_write_name(w, name);
	json_begin_object(w);
	write_text(w, "model_version", v->version);
	write_time(w, "cutoff_time", v->cutoff_us);
	json_write_name(w, "threshold_low");
	json_write_float(w, v->threshold_low);
	json_write_name(w, "threshold_high");
	json_write_float(w, v->threshold_high);
	if (j->verdict.winner != WINNER_NONE)
		write_metrics(w, &j->verdict, side);
	json_end_object(w);
}

static void write_slice(struct json_writer *w, const struct judgement *j)
{
	json_write_name(w, "slice");
	json_begin_object(w);
	write_time(w, "from", j->from_us);
	write_count(w, "rows", j->verdict.rows);
	write_count(w, "positives", j->verdict.positives);
	write_count(w, "duplicates", j->duplicates);
	write_count(w, "unreadable", j->unreadable);
	write_text(w, "note", j->note.text);
	json_end_object(w);
}

static void write_judgement(struct json_writer *w, const struct judgement *j,
                            const struct settings *s)
{
	const char *winner = winner_of(j);

	write_text(w, "winner", winner ? winner : "");
	write_text(w, "decided_by", j->verdict.reason);
	write_version(w, "live", j, COMPARE_LIVE);
	write_version(w, "candidate", j, COMPARE_CANDIDATE);
	write_slice(w, j);
	if (winner)
		write_interval(w, "pr_auc_gain", &j->verdict.pr_auc_gain);
	write_count(w, "bootstrap", j->draws);
	write_number(w, "flip_rate", j->flip_rate);
	write_number(w, "max_flip_rate", s->promote.max_flip_rate);
	write_number(w, "score_shift", j->score_shift);
	write_number(w, "max_score_shift", s->promote.max_score_shift);
	write_text(w, "dead_input", j->dead_input);
}

void verdict_report_json(const struct judgement *j, const struct settings *s, struct strbuf *out)
{
	struct json_writer w = { .out = out };

	json_begin_object(&w);
	write_judgement(&w, j, s);
	json_end_object(&w);
}

static void write_rollout(struct json_writer *w, const struct promotion *p)
{
	json_write_name(w, "rollout");
	json_begin_object(w);
	write_count(w, "hosts", p->rollout.hosts);
	write_count(w, "missing", p->rollout.missing);
	write_text(w, "missing_hosts", p->rollout.names);
	write_text(w, "here", p->rollout.words.text);
	json_write_name(w, "live_everywhere");
	json_write_bool(w, p->followed);
	json_end_object(w);
}

void promotion_report_json(const struct promotion *p, const struct settings *s, struct strbuf *out)
{
	struct json_writer w = { .out = out };

	json_begin_object(&w);
	write_text(&w, "verdict", promotion_names[p->outcome]);
	write_text(&w, "reason", p->words.text);
	write_text(&w, "model_version", p->candidate);
	if (*p->registry_version)
		write_text(&w, "registry_version", p->registry_version);
	write_text(&w, "compared_with", p->live);
	write_time(&w, "decided_at", clock_real_us());
	if (p->rolled_out)
		write_rollout(&w, p);
	json_write_name(&w, "comparison");
	if (p->has_judgement) {
		json_begin_object(&w);
		write_judgement(&w, &p->judgement, s);
		json_end_object(&w);
	} else {
		json_write_null(&w);
	}
	json_end_object(&w);
}

/* --- the outcome in a line --- */

static void add_rollout(struct strbuf *out, const struct promotion *p)
{
	const struct rollout *r = &p->rollout;

	if (r->hosts)
		strbuf_addf(out, "live on %u of %u hosts", r->hosts - r->missing, r->hosts);
	else if (r->here && !*r->words.text)
		strbuf_adds(out, "live on this host");
	else
		strbuf_adds(out, "no host has said what it serves");
	if (r->missing)
		strbuf_addf(out, "; missing: %s", r->names);
	if (*r->words.text)
		strbuf_addf(out, "; %s", r->words.text);
	strbuf_addc(out, '\n');
}

void promotion_report_text(const struct promotion *p, const struct settings *s, struct strbuf *out)
{
	if (p->has_judgement)
		verdict_report_text(&p->judgement, s, out);
	strbuf_addf(out, "%s: version %s", promotion_names[p->outcome], p->candidate);
	if (*p->live && p->outcome == PROMOTION_DONE)
		strbuf_addf(out, " takes the place of %s", p->live);
	strbuf_addf(out, ": %s\n", p->words.text);
	if (p->rolled_out)
		add_rollout(out, p);
}
