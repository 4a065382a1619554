/*
 * The order matters: a verdict is on disk before the alias moves, `previous` is set before
 * `production`, and the suite of this host has verified the version before anybody is sent to it. A
 * kill between any two steps leaves a registry in which every alias names a whole version.
 *
 * Called by promote_command.c and retrain.c.
 */
#include "promotion.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "contender.h"
#include "db/db.h"
#include "locks.h"
#include "verdict_report.h"

#define VERDICT_FILE "verdict.json"
#define TAG_PREFIX "fraudd." /* in a registry that holds others' tags, too */

struct promoting {
	const struct promotion_request *request;
	const struct settings *settings;
	struct promotion *result;
	struct db *db; /* NULL: no database is configured */
	struct rollout_here here;
	struct registry_version live; /* version "": nothing is live */
	bool dangling;                /* the alias names a version that is not there */
	struct errbuf *err;
};

/* --- the registry --- */

static bool is_local(const struct promoting *p)
{
	return strcmp(registry_kind(p->request->registry), "local") == 0;
}

static int call(const struct promoting *p, const struct registry_request *q,
                struct registry_version *ret)
{
	struct registry_result answer = { .folder = { .fd = -1 } };
	int r = registry_call(p->request->registry, q, &answer);

	if (ret)
		*ret = answer.version;
	if (r < 0)
		*p->err = answer.err;
	registry_result_done(&answer);
	return r;
}

static int find_live(struct promoting *p)
{
	const struct registry_request q = { .verb = REGISTRY_RESOLVE,
		                            .alias = p->settings->models.alias };
	int r = call(p, &q, &p->live);

	p->dangling = r == -ENOENT && p->live.version[0];
	memcpy(p->result->live, p->live.version, sizeof(p->result->live));
	return r == -ENOENT ? 0 : r;
}

static int set_alias(const struct promoting *p, const char *alias,
                     const struct registry_version *version)
{
	bool is_served = strcmp(alias, REGISTRY_PREVIOUS) != 0;
	const struct registry_request q = { .verb = REGISTRY_SET_ALIAS,
		                            .alias = alias,
		                            .version = contender_words(version),
		                            .keep_previous = is_served };

	return call(p, &q, NULL);
}

static int set_tag(const struct promoting *p, const char *key, const char *text)
{
	char name[REGISTRY_TEXT];
	const struct registry_request q = { .verb = REGISTRY_SET_TAG,
		                            .version = contender_words(p->request->candidate),
		                            .key = name,
		                            .text = str_of(text) };

	snprintf(name, sizeof(name), "%s%s", is_local(p) ? "" : TAG_PREFIX, key);
	return *text ? call(p, &q, NULL) : 0;
}

static int set_figure(const struct promoting *p, const char *key, double value)
{
	char text[32];

	if (isnan(value))
		return 0;
	snprintf(text, sizeof(text), "%.6g", value);
	return set_tag(p, key, text);
}

/* --- the verdict --- */

static int write_verdict_file(const struct promoting *p)
{
	const struct registry_request q = { .verb = REGISTRY_FETCH,
		                            .found = p->request->candidate };
	struct registry_result answer = { .folder = { .fd = -1 } };
	CLEANUP(strbuf_done) struct strbuf text = { 0 };
	int r = registry_call(p->request->registry, &q, &answer);

	promotion_report_json(p->result, p->settings, &text);
	strbuf_addc(&text, '\n');
	if (r == 0)
		r = strbuf_error(&text);
	if (r == 0)
		r = file_write(answer.folder.fd, VERDICT_FILE, strbuf_str(&text), 0644);
	registry_result_done(&answer);
	return r < 0 ? errbuf_set(p->err, r, "could not write the verdict of version \"%s\": %s",
	                          p->request->candidate->version, strerror(-r))
	             : 0;
}

/* Where there is no folder of ours to write verdict.json to, its figures are tags. */
static int write_figures(const struct promoting *p)
{
	const struct judgement *j = &p->result->judgement;
	const struct {
		const char *key;
		double value;
	} figures[] = {
		{ "pr_auc", j->verdict.metrics[COMPARE_CANDIDATE][METRIC_PR_AUC] },
		{ "pr_auc_live", j->verdict.metrics[COMPARE_LIVE][METRIC_PR_AUC] },
		{ "roc_auc", j->verdict.metrics[COMPARE_CANDIDATE][METRIC_ROC_AUC] },
		{ "roc_auc_live", j->verdict.metrics[COMPARE_LIVE][METRIC_ROC_AUC] },
		{ "compared_rows", (double)j->verdict.rows },
		{ "flip_rate", j->flip_rate },
		{ "score_shift", j->score_shift },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(figures) / sizeof(figures[0]); i++)
		r = set_figure(p, figures[i].key, figures[i].value);
	return r;
}

static int write_tags(const struct promoting *p)
{
	const struct promotion *result = p->result;
	char gain[64] = "";
	int r;

	if (result->has_judgement && !isnan(result->judgement.verdict.pr_auc_gain.low))
		snprintf(gain, sizeof(gain), "[%.6f, %.6f]",
		         result->judgement.verdict.pr_auc_gain.low,
		         result->judgement.verdict.pr_auc_gain.high);
	r = set_tag(p, "verdict", promotion_names[result->outcome]);
	if (r == 0)
		r = set_tag(p, "verdict_reason", result->words.text);
	if (r == 0)
		r = set_tag(p, "compared_with", result->live);
	return r == 0 ? set_tag(p, "pr_auc_gain", gain) : r;
}

static int keep_verdict(const struct promoting *p)
{
	int r = is_local(p) ? write_verdict_file(p) : 0;

	if (r == 0 && !is_local(p) && p->result->has_judgement &&
	    p->result->judgement.verdict.winner != WINNER_NONE)
		r = write_figures(p);
	return r == 0 ? write_tags(p) : r;
}

/* --- may it? --- */

static int decide(struct promoting *p, enum promotion_outcome outcome)
{
	p->result->outcome = outcome;
	return 0;
}

static enum promotion_outcome outcome_of(const struct promotion_facts *f)
{
	if (f->pinned)
		return PROMOTION_PINNED;
	if (f->dead_input || f->verdict->winner == WINNER_CANDIDATE)
		return PROMOTION_REFUSED;
	return f->verdict->winner == WINNER_LIVE ? PROMOTION_KEPT : PROMOTION_NO_VERDICT;
}

static void weigh(struct promoting *p)
{
	const struct judgement *j = &p->result->judgement;
	const struct settings *s = p->settings;
	bool checks_inputs = !s->promote.allow_dead_inputs;
	const struct promotion_facts facts = {
		.verdict = &j->verdict,
		.dead_input = checks_inputs && *j->dead_input ? j->dead_input : NULL,
		.flip_rate = j->flip_rate,
		.max_flip_rate = s->promote.max_flip_rate,
		.score_shift = j->score_shift,
		.max_score_shift = s->promote.max_score_shift,
	};

	p->result->outcome =
	        promotion_allowed(&facts, &p->result->words) ? PROMOTION_DONE : outcome_of(&facts);
	if (p->result->outcome == PROMOTION_NO_VERDICT && *j->note.text)
		errbuf_set(&p->result->words, 0, "no verdict: %s", j->note.text);
}

static int judge(struct promoting *p)
{
	CLEANUP(contender_close_p) struct contender live = CONTENDER_NONE;
	CLEANUP(contender_close_p) struct contender candidate = CONTENDER_NONE;
	struct registry *registry = p->request->registry;
	int r = contender_open(&candidate, registry, p->request->candidate, p->settings, p->err);

	if (r == 0) {
		r = contender_open(&live, registry, &p->live, p->settings, p->err);
		if (r == -EBADMSG || r == -ENOENT)
			r = -ENODATA; /* nothing to compare with */
	}
	if (r == 0)
		r = judge_versions(&live, &candidate, p->settings, &p->result->judgement, p->err);
	if (r == -ENODATA || r == -EINVAL) {
		errbuf_set(&p->result->words, 0, "no verdict: %s", p->err->text);
		return decide(p, PROMOTION_NO_VERDICT);
	}
	if (r < 0)
		return r;
	p->result->has_judgement = true;
	weigh(p);
	return 0;
}

static int compare_with_live(struct promoting *p)
{
	struct errbuf *words = &p->result->words;

	if (p->dangling) {
		errbuf_set(words, 0,
		           "no verdict: alias \"%s\" names version \"%s\", which is not there",
		           p->settings->models.alias, p->live.version);
		return decide(p, PROMOTION_NO_VERDICT);
	}
	if (!p->live.version[0]) {
		errbuf_set(words, 0, "nothing is live yet: the first version wins");
		return decide(p, PROMOTION_DONE);
	}
	return judge(p);
}

/* What no comparison and no reason of a person can overrule. */
static int check_ground(struct promoting *p)
{
	int r = contender_prove(p->request->registry, p->request->candidate, p->settings, p->err);

	return r == 0 ? rollout_look(p->settings, &p->here, p->err) : r;
}

static void heed_force(struct promoting *p)
{
	const char *reason = p->request->force;
	struct errbuf before = p->result->words;

	if (!reason || p->result->outcome == PROMOTION_DONE)
		return;
	p->result->outcome = PROMOTION_DONE;
	errbuf_set(&p->result->words, 0, "forced (%s) although %s", reason, before.text);
}

/* A pin wins over everything: an operator holds a version, and can let it go. */
static void heed_pin(struct promoting *p)
{
	if (!*p->here.pinned || p->result->outcome != PROMOTION_DONE)
		return;
	p->result->outcome = PROMOTION_PINNED;
	errbuf_set(&p->result->words, 0,
	           "version \"%s\" is pinned on this host; \"fraudctl unpin\" ends it",
	           p->here.pinned);
}

static void heed_suite(struct promoting *p)
{
	struct errbuf words;

	if (p->result->outcome != PROMOTION_DONE || p->request->judge_only)
		return;
	if (rollout_try(p->settings, &p->here, contender_words(p->request->candidate), &words) == 0)
		return;
	p->result->outcome = PROMOTION_REFUSED;
	p->result->words = words;
}

static bool is_same(const struct registry_version *a, const struct registry_version *b)
{
	return strcmp(contender_words(a), contender_words(b)) == 0;
}

static int choose(struct promoting *p)
{
	int r = find_live(p);

	if (r < 0)
		return r;
	if (is_same(&p->live, p->request->candidate) && !p->dangling) {
		errbuf_set(&p->result->words, 0, "alias \"%s\" names it already",
		           p->settings->models.alias);
		return decide(p, PROMOTION_UNCHANGED);
	}
	r = check_ground(p);
	if (r == 0)
		r = compare_with_live(p);
	if (r < 0)
		return r;
	heed_force(p);
	heed_pin(p);
	heed_suite(p);
	if (p->request->judge_only && p->result->outcome == PROMOTION_DONE)
		p->result->outcome = PROMOTION_POSSIBLE;
	return 0;
}

/* --- the change --- */

/* Both aliases as they were; what had no alias before keeps the one it got. */
static int go_back(struct promoting *p, const struct registry_version *previous)
{
	int r = 0;

	p->result->outcome = PROMOTION_REFUSED;
	p->result->words = p->result->rollout.words;
	if (p->live.version[0] && !p->dangling)
		r = set_alias(p, p->settings->models.alias, &p->live);
	if (r == 0 && previous->version[0])
		r = set_alias(p, REGISTRY_PREVIOUS, previous);
	return r == 0 ? keep_verdict(p) : r;
}

static int promote(struct promoting *p)
{
	const struct registry_request q = { .verb = REGISTRY_RESOLVE, .alias = REGISTRY_PREVIOUS };
	const struct registry_version *version = p->request->candidate;
	struct rollout *rollout = &p->result->rollout;
	struct registry_version previous;
	char now[21];
	int r = call(p, &q, &previous);

	if (r < 0)
		previous = (struct registry_version){ 0 };
	r = set_alias(p, p->settings->models.alias, version);
	if (r < 0)
		return r;
	civil_print_utc(clock_real_us(), now);
	r = set_tag(p, "promoted_at", now);
	p->result->rolled_out = true;
	if (r == 0)
		r = rollout_run(p->settings, &p->here, p->db, version->version, rollout, p->err);
	if (r == 0 && rollout->refused)
		return go_back(p, &previous);
	if (r < 0) /* it is promoted all the same; who follows is what nobody knows */
		rollout->words = *p->err;
	p->result->followed = r == 0 && rollout->missing == 0 && !*rollout->words.text;
	return 0;
}

static int run(struct promoting *p)
{
	int r = choose(p);

	if (r == 0 && p->result->outcome != PROMOTION_UNCHANGED)
		r = keep_verdict(p);
	if (r == 0 && p->result->outcome == PROMOTION_DONE)
		r = promote(p);
	return r;
}

/* A forced promotion is for bad days: a database that is away does not stop it. */
static int open_database(struct promoting *p)
{
	const struct settings *s = p->settings;
	const struct db_options o = { .url = s->database.url,
		                      .application = "fraud-train",
		                      .connect_timeout_ms = s->database.connect_timeout_ms };
	int r;

	if (!*s->database.url)
		return 0;
	r = db_open(&o, &p->db, p->err);
	if (r == 0)
		r = locks_take(p->db, LOCK_PROMOTION, p->err);
	if (r == 0 || r == -EBUSY || !p->request->force)
		return r;
	log_warning(0, "%s: promoting without it; other hosts are not told", p->err->text);
	db_close(take_ptr(&p->db));
	return 0;
}

int promotion_run(const struct promotion_request *q, struct promotion *ret, struct errbuf *err)
{
	struct promotion result = { 0 };
	struct promoting p = {
		.request = q, .settings = q->settings, .result = &result, .err = err
	};
	int r = open_database(&p);

	memcpy(result.candidate, q->candidate->version, sizeof(result.candidate));
	memcpy(result.registry_version, q->candidate->registry_version,
	       sizeof(result.registry_version));
	if (r == 0)
		r = run(&p);
	db_close(p.db);
	if (r == 0)
		*ret = result;
	return r;
}
